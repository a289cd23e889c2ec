import FleetPolicy
import Testing

/// A good profile with one line replaced, and the mistake that this makes.
struct SpoiledProfile: Sendable, CustomTestStringConvertible {
    static let lines = [
        "profile: meter",
        "match:",
        "  subject: { O: \"Elbe\", OU: \"{site:slug}\", CN: \"m-{serial:digits}\" }",
        "device: \"{serial}\"",
        "tenant: \"{site}\"",
        "publish:",
        "  - { topic: \"m/{tenant}/{device}/x\", qos: 1, retain: true }",
        "subscribe:",
        "  - { topic: \"m/{tenant}/{device}/c/#\", qos: 1, shared: false }",
        "deny-publish: [\"m/{tenant}/{device}/secret\"]",
        "deny-subscribe: [\"m/+/{device}/secret\"]",
        "will: true",
        "limits: { packet-bytes: 16KiB, keep-alive: { min: 10s, max: 1h }, messages: { per-second: 2, burst: 20 } }",
        "on-denied-publish: disconnect",
        "priority: 5",
    ]

    let line: Int
    let text: String
    let code: OperatorMistake.Code
    let key: String

    init(_ line: Int, _ text: String, _ code: OperatorMistake.Code, _ key: String) {
        self.line = line
        self.text = text
        self.code = code
        self.key = key
    }

    var yaml: String {
        var lines = Self.lines
        lines[line - 1] = text
        return lines.joined(separator: "\n") + "\n"
    }

    var testDescription: String { text }
}

@Suite struct ProfileCompilerTests {
    @Test func theUnspoiledProfileCompiles() throws {
        #expect(try mistakes(in: SpoiledProfile.lines.joined(separator: "\n")).isEmpty)
    }

    @Test(arguments: [
        SpoiledProfile(1, "profile: Meter One", .badValue, "profile"),
        SpoiledProfile(1, "profile: 9meter", .badValue, "profile"),
        SpoiledProfile(1, "profile: \(String(repeating: "m", count: 65))", .badValue, "profile"),
        SpoiledProfile(1, "profile: [meter]", .wrongKind, "profile"),
        SpoiledProfile(1, "profile:", .missingKey, "profile"),
        SpoiledProfile(1, "prfile: meter", .unknownKey, "prfile"),
        SpoiledProfile(15, "priority: high", .badValue, "priority"),
        SpoiledProfile(15, "priority: 1001", .outOfRange, "priority"),
        SpoiledProfile(15, "owner: me", .unknownKey, "owner"),
        SpoiledProfile(3, "  subject: { CM: \"m-{serial}\", OU: \"{site}\" }", .unknownKey, "match.subject.CM"),
        SpoiledProfile(3, "  subject: { CN: \"m-{serial\", OU: \"{site}\" }", .badPattern, "match.subject.CN"),
        SpoiledProfile(3, "  subject: { CN: \"m-{serial:digit}\", OU: \"{site}\" }", .badPattern, "match.subject.CN"),
        SpoiledProfile(3, "  subject: { CN: \"{serial}{site}\" }", .badPattern, "match.subject.CN"),
        SpoiledProfile(3, "  subject: { CN: \"{serial}\", OU: \"{site}\", O: \"\" }", .badPattern, "match.subject.O"),
        SpoiledProfile(3, "  subject: { CN: \"{device}\", OU: \"{site}-{serial}\" }", .badPattern, "match.subject.CN"),
        SpoiledProfile(
            3, "  subject: { CN: \"{serial}\", OU: \"{site}\", 2.5.4.3: x }", .duplicateKey, "match.subject.2.5.4.3"),
        SpoiledProfile(3, "  subject: { CN: , OU: \"{site}-{serial}\" }", .missingKey, "match.subject.CN"),
        SpoiledProfile(3, "  subject: \"meter\"", .badPattern, "match.subject"),
        SpoiledProfile(3, "  subject: [CN]", .wrongKind, "match.subject"),
        SpoiledProfile(3, "  {}", .missingKey, "match"),
        SpoiledProfile(3, "  subject: { CN: \"m-{serial:digits(0)}\" }", .badPattern, "match.subject.CN"),
        SpoiledProfile(3, "  subject: { CN: \"m-{serial:digits(9-8)}\" }", .badPattern, "match.subject.CN"),
        SpoiledProfile(3, "  subject: { CN: \"m-{serial:(257)}\" }", .badPattern, "match.subject.CN"),
        SpoiledProfile(3, "  subject: { CN: \"m-{serial:(8}\" }", .badPattern, "match.subject.CN"),
        SpoiledProfile(3, "  subject: { CN: \"m-{serial:(1-2-3)}\" }", .badPattern, "match.subject.CN"),
        SpoiledProfile(3, "  subject: { CN: \"{registry.site}\" }", .badPattern, "match.subject.CN"),
        SpoiledProfile(3, "  trust-anchor: \"Root\"", .badPattern, "match.trust-anchor"),
        SpoiledProfile(3, "  trust-anchor: { sha256: \"ab\" }", .badValue, "match.trust-anchor.sha256"),
        SpoiledProfile(3, "  trust-anchor: { sha1: \"ab\" }", .unknownKey, "match.trust-anchor.sha1"),
        SpoiledProfile(3, "  fingerprint: \"xyz\"", .badValue, "match.fingerprint"),
        SpoiledProfile(3, "  fingerprint: []", .missingKey, "match.fingerprint"),
        SpoiledProfile(3, "  fingerprint: { a: b }", .wrongKind, "match.fingerprint"),
        SpoiledProfile(
            3, "  fingerprint: [\"+1\(String(repeating: "a", count: 62))\"]", .badValue, "match.fingerprint[0]"),
        SpoiledProfile(3, "  policy: any", .badValue, "match.policy"),
        SpoiledProfile(3, "  policy: [1.2.3, \"01.2\"]", .badValue, "match.policy[1]"),
        SpoiledProfile(3, "  key: {}", .missingKey, "match.key"),
        SpoiledProfile(3, "  key: { type: dsa }", .badValue, "match.key.type"),
        SpoiledProfile(3, "  key: { curve: P-257 }", .badValue, "match.key.curve"),
        SpoiledProfile(3, "  key: { type: rsa, curve: P-256 }", .badValue, "match.key.curve"),
        SpoiledProfile(3, "  key: { bits: 256 }", .wrongKind, "match.key.bits"),
        SpoiledProfile(3, "  key: { bits: { min: 300, max: 200 } }", .outOfRange, "match.key.bits"),
        SpoiledProfile(3, "  key: { bits: {} }", .missingKey, "match.key.bits"),
        SpoiledProfile(3, "  days-left: { min: 30d }", .badValue, "match.days-left.min"),
        SpoiledProfile(3, "  days-left: { from: 1 }", .unknownKey, "match.days-left.from"),
        SpoiledProfile(3, "  tls-version: 1.1", .badValue, "match.tls-version"),
        SpoiledProfile(3, "  listener: [a]", .wrongKind, "match.listener"),
        SpoiledProfile(3, "  sni: \"\"", .badPattern, "match.sni"),
        SpoiledProfile(3, "  san: { other-name: { UPN: \"{serial}\" } }", .unknownKey, "match.san.other-name.UPN"),
        SpoiledProfile(3, "  san: { directory-name: CN }", .badPattern, "match.san.directory-name"),
        SpoiledProfile(3, "  san: { registered-id: }", .missingKey, "match.san.registered-id"),
        SpoiledProfile(4, "device: \"{registry.id}\"", .unsafeIdentity, "device"),
        SpoiledProfile(5, "client-id: any", .badValue, "client-id"),
        SpoiledProfile(5, "topic-prefix: \"{tenant}\"", OperatorMistake.Code("bad-topic-prefix"), "topic-prefix"),
        SpoiledProfile(5, "topic-prefix: \"\"", OperatorMistake.Code("bad-topic-prefix"), "topic-prefix"),
        SpoiledProfile(5, "topic-prefix: \"+/\"", OperatorMistake.Code("bad-topic-prefix"), "topic-prefix"),
        SpoiledProfile(5, "topic-prefix: \"$x/\"", OperatorMistake.Code("bad-topic-prefix"), "topic-prefix"),
        SpoiledProfile(5, "topic-prefix: \"{nope}/\"", .undefinedPlaceholder, "topic-prefix"),
        SpoiledProfile(5, "topic-prefix: \"{tenant:slug}/\"", .badValue, "topic-prefix"),
        SpoiledProfile(5, "upstream: [a]", .wrongKind, "upstream"),
        SpoiledProfile(5, "second-factor: otp", .badValue, "second-factor"),
        SpoiledProfile(5, "registration: closed", .badValue, "registration"),
        SpoiledProfile(5, "registration: { quota: 5 }", .missingKey, "registration.mode"),
        SpoiledProfile(5, "registration: { mode: first-seen, quota: 0 }", .outOfRange, "registration.quota"),
        SpoiledProfile(5, "registration: { mode: listed, quota: 5 }", .badValue, "registration.quota"),
        SpoiledProfile(5, "registration: { mode: open, approval: true }", .badValue, "registration.approval"),
        SpoiledProfile(5, "quarantine: { profile: rescue, expired: 30d }", .unknownProfile, "quarantine.profile"),
        SpoiledProfile(5, "quarantine: { profile: meter, expired: 30d }", .badQuarantine, "quarantine.profile"),
        SpoiledProfile(5, "quarantine: { profile: meter }", .missingKey, "quarantine"),
        SpoiledProfile(5, "quarantine: { expired: 0s }", .outOfRange, "quarantine.expired"),
        SpoiledProfile(5, "extends: [a]", .wrongKind, "extends"),
        SpoiledProfile(5, "extends: nobody", .unknownProfile, "extends"),
        SpoiledProfile(5, "extends: meter", .cyclicExtends, "extends"),
        SpoiledProfile(5, "abstract: yes", .badValue, "abstract"),
        SpoiledProfile(13, "limits: { receive-maximum: 0 }", .outOfRange, "limits.receive-maximum"),
        SpoiledProfile(13, "limits: { bytes: { per-second: 64KB } }", .badValue, "limits.bytes.per-second"),
        SpoiledProfile(13, "limits: { connections: { max: 101 } }", .outOfRange, "limits.connections.max"),
        SpoiledProfile(13, "limits: { connections: { max: 2 } }", .badValue, "limits.connections"),
        SpoiledProfile(
            13, "limits: { connections: { on-exceeded: drop } }", .badValue, "limits.connections.on-exceeded"),
        SpoiledProfile(13, "limits: { expiry-grace: 31d }", .outOfRange, "limits.expiry-grace"),
        SpoiledProfile(14, "on-lost-subscription: ignore", .badValue, "on-lost-subscription"),
        SpoiledProfile(3, "  san: { url: \"{serial}\" }", .unknownKey, "match.san.url"),
        SpoiledProfile(3, "  chain: { CN: \"{serial}\" }", .unknownKey, "match.chain"),
        SpoiledProfile(4, "device: {serial}", .wrongKind, "device"),
        SpoiledProfile(4, "device: \"{seril}\"", .undefinedPlaceholder, "device"),
        SpoiledProfile(4, "device: \"{serial:digits}\"", .badValue, "device"),
        SpoiledProfile(4, "device: \"meter\"", .unsafeIdentity, "device"),
        SpoiledProfile(4, "device: \"{site}{serial}\"", .unsafeIdentity, "device"),
        SpoiledProfile(4, "device: \"a/{serial}\"", .badValue, "device"),
        SpoiledProfile(4, "device: \"{serial}#\"", .badValue, "device"),
        SpoiledProfile(4, "device: \"$x{serial}\"", .badValue, "device"),
        SpoiledProfile(4, "device: \"\"", .badValue, "device"),
        SpoiledProfile(4, "device: \"{device}\"", .undefinedPlaceholder, "device"),
        SpoiledProfile(4, "#", .missingKey, "device"),
        SpoiledProfile(5, "tenant: \"{sit}\"", .undefinedPlaceholder, "tenant"),
        SpoiledProfile(5, "tenant: \"a+b\"", .badValue, "tenant"),
        SpoiledProfile(5, "tenant:", .missingKey, "tenant"),
        SpoiledProfile(7, "  - { topic: \"m/#/x\" }", .badTopicFilter, "publish[0].topic"),
        SpoiledProfile(7, "  - { topic: \"m/{device}+\" }", .badTopicFilter, "publish[0].topic"),
        SpoiledProfile(7, "  - { topic: \"m/{decive}\" }", .undefinedPlaceholder, "publish[0].topic"),
        SpoiledProfile(7, "  - { topic: \"m/{device:slug}\" }", .badValue, "publish[0].topic"),
        SpoiledProfile(7, "  - { topic: \"m/{device}/x\", qos: 3 }", .outOfRange, "publish[0].qos"),
        SpoiledProfile(7, "  - { topic: \"m/{device}/x\", retain: 1 }", .badValue, "publish[0].retain"),
        SpoiledProfile(7, "  - { topic: \"m/{device}/x\", shared: true }", .unknownKey, "publish[0].shared"),
        SpoiledProfile(7, "  - { qos: 1 }", .missingKey, "publish[0].topic"),
        SpoiledProfile(7, "  - [\"m/x\"]", .wrongKind, "publish[0]"),
        SpoiledProfile(7, "  -", .wrongKind, "publish[0]"),
        SpoiledProfile(7, "  - \"\"", .badTopicFilter, "publish[0]"),
        SpoiledProfile(7, "  - {device}", .unknownKey, "publish[0].device"),
        SpoiledProfile(9, "  - { topic: \"$share/g/a\" }", .badTopicFilter, "subscribe[0].topic"),
        SpoiledProfile(9, "  - { topic: \"a\", retain: true }", .unknownKey, "subscribe[0].retain"),
        SpoiledProfile(9, "  - { topic: \"m/}\" }", .badTopicFilter, "subscribe[0].topic"),
        SpoiledProfile(10, "deny-publish: \"m/x\"", .wrongKind, "deny-publish"),
        SpoiledProfile(10, "deny-publish: [\"a#\"]", .badTopicFilter, "deny-publish[0]"),
        SpoiledProfile(10, "deny-publish:", .missingKey, "deny-publish"),
        SpoiledProfile(11, "deny-subscribe: [\"ok\", \"{x}\"]", .undefinedPlaceholder, "deny-subscribe[1]"),
        SpoiledProfile(11, "deny-subscribe: [{ topic: \"a\" }]", .wrongKind, "deny-subscribe[0]"),
        SpoiledProfile(12, "will: yes", .badValue, "will"),
        SpoiledProfile(12, "will: \"true\"", .wrongKind, "will"),
        SpoiledProfile(12, "will: \"a/#/b\"", .badTopicFilter, "will"),
        SpoiledProfile(12, "will: \"m/{nope}\"", .undefinedPlaceholder, "will"),
        SpoiledProfile(12, "will: { topic: \"a/#/b\" }", .badTopicFilter, "will.topic"),
        SpoiledProfile(12, "will: [{ topic: \"{nope}\" }]", .undefinedPlaceholder, "will[0].topic"),
        SpoiledProfile(13, "limits: { packet-bytes: 16KB }", .badValue, "limits.packet-bytes"),
        SpoiledProfile(13, "limits: { packet-bytes: 1GiB }", .outOfRange, "limits.packet-bytes"),
        SpoiledProfile(13, "limits: { packet-byte: 16KiB }", .unknownKey, "limits.packet-byte"),
        SpoiledProfile(13, "limits: { keep-alive: 30s }", .wrongKind, "limits.keep-alive"),
        SpoiledProfile(13, "limits: { keep-alive: { min: 30 } }", .badValue, "limits.keep-alive.min"),
        SpoiledProfile(13, "limits: { keep-alive: { min: 1m, max: 30s } }", .outOfRange, "limits.keep-alive"),
        SpoiledProfile(13, "limits: { keep-alive: { max: 19h } }", .outOfRange, "limits.keep-alive.max"),
        SpoiledProfile(13, "limits: { keep-alive: { max: 1500ms } }", .badValue, "limits.keep-alive.max"),
        SpoiledProfile(13, "limits: { messages: { per-second: 0 } }", .outOfRange, "limits.messages.per-second"),
        SpoiledProfile(13, "limits: { messages: { on-exceeded: drop } }", .badValue, "limits.messages.on-exceeded"),
        SpoiledProfile(13, "limits: { session-expiry: 366d }", .outOfRange, "limits.session-expiry"),
        SpoiledProfile(13, "limits: { subscriptions: -1 }", .outOfRange, "limits.subscriptions"),
        SpoiledProfile(13, "limits: []", .wrongKind, "limits"),
        SpoiledProfile(14, "on-denied-publish: discard", .badValue, "on-denied-publish"),
    ])
    func everyMistakeIsFoundInItsPlace(spoiled: SpoiledProfile) throws {
        let found = try mistakes(in: spoiled.yaml)
        let hit = found.first { $0.code == spoiled.code && $0.key == spoiled.key }
        let mistake = try #require(hit, "found \(found)")
        // A missing key is shown where its mapping begins.
        let isAbsent = mistake.message == "this key is required"
        if !isAbsent, spoiled.key != "match" { #expect(mistake.location.line == spoiled.line) }
        #expect(mistake.location.file == "test.yaml")
    }

    @Test func aBadMatchDoesNotMakeItsPlaceholdersUndefined() throws {
        let spoiled = SpoiledProfile(3, "  subject: { CN: \"m-{serial\" }", .badPattern, "match.subject.CN")
        #expect(try mistakes(in: spoiled.yaml).map(\.key) == ["match.subject.CN"])
    }

    @Test func mistakesOfAllDocumentsComeAtOnceInOrder() throws {
        let found = try mistakes(
            in: "profile: a\nmatch: { subject: { CN: \"{x\" } }\ndevice: \"{x}\"\npublish: [\"a/#/b\", \"{\"]\n",
            "profile: b\nmatch: { subject: { CN: \"{x}\" } }\ndevise: \"{x}\"\n", "- no\n")
        #expect(
            found.map { "\($0.location.file):\($0.location.line) \($0.key) \($0.code)" } == [
                "test1.yaml:2 match.subject.CN bad-pattern", "test1.yaml:4 publish[0] bad-topic-filter",
                "test1.yaml:4 publish[1] bad-topic-filter", "test2.yaml:1 device missing-key",
                "test2.yaml:3 devise unknown-key", "test3.yaml:1  wrong-kind",
            ])
        #expect(found.first { $0.key == "devise" }?.hint == "did you mean `device`?")
    }

    @Test func mistypedPlaceholdersGetAHint() throws {
        let spoiled = SpoiledProfile(7, "  - \"m/{serail}\"", .undefinedPlaceholder, "publish[0]")
        #expect(try mistakes(in: spoiled.yaml).first?.hint == "did you mean `{serial}`?")
    }

    private func profile(_ name: String, _ match: String, priority: Int = 0) -> String {
        "profile: \(name)\npriority: \(priority)\nmatch: \(match)\ndevice: \"{id}\"\n"
    }

    @Test func twoProfilesOfOneNameAreAMistake() throws {
        let found = try mistakes(
            in: profile("p", "{ subject: { CN: \"a-{id}\" } }"), profile("p", "{ subject: { CN: \"b-{id}\" } }"))
        #expect(found.map(\.code) == [.duplicateProfile])
        #expect(found.first?.location.file == "test2.yaml")
        #expect(found.first?.hint == "see test1.yaml:1:10")
    }

    @Test(arguments: [
        ("{ subject: { O: \"X\", CN: \"{id}\" } }", "{ subject: { CN: \"{id}\", O: \"X\" } }"),
        ("{ subject: { CN: \"{id}\", O: \"{x}\" } }", "{ subject: { 2.5.4.3: \"{id}\", O: \"{other}\" } }"),
        (
            "{ subject: { CN: \"{id}\" }, issuer: \"CN=A,O=B\" }",
            "{ issuer: \"cn=A, o=B\", subject: { CN: \"{id:any}\" } }"
        ),
        ("{ san: { uri: \"u:{id}\" } }", "{ san: { uri: \"u:{id}\" } }"),
    ])
    func identicalMatchesAreAMistakeAtAnyPriority(first: String, second: String) throws {
        for priority in [0, 1] {
            let found = try mistakes(in: profile("p", first), profile("q", second, priority: priority))
            #expect(found.map(\.code) == [.identicalMatch])
            #expect(found.first?.location.file == "test2.yaml")
            #expect(found.first?.message.contains("`p`") == true)
        }
    }

    @Test(arguments: [
        ("{ subject: { CN: \"{id}\" } }", "{ subject: { CN: \"{id:digits}\" } }"),
        ("{ subject: { CN: \"{id}\", OU: \"{x}\" } }", "{ subject: { CN: \"{id}\", OU: \"{id}\" } }"),
        ("{ subject: { CN: \"{id}\" } }", "{ san: { uri: \"{id}\" } }"),
        ("{ subject: { CN: \"a{id}\" } }", "{ subject: { CN: \"{id:slug}z\" } }"),
    ])
    func overlappingMatchesOfOneRankAreAMistake(first: String, second: String) throws {
        let found = try mistakes(in: profile("p", first), profile("q", second))
        #expect(found.map(\.code) == [.overlappingMatch])
        #expect(found.first?.message.contains("`p`") == true)
        #expect(found.first?.message.contains("`q`") == true)
        #expect(
            try mistakes(in: profile("p", first), profile("q", second, priority: 1)).allSatisfy {
                $0.code == .unreachableProfile
            })
    }

    @Test func aProfileThatAnotherLeavesNothingIsAMistake() throws {
        let found = try mistakes(
            in: profile("wide", "{ subject: { CN: \"{id}\" } }", priority: 1),
            profile("narrow", "{ subject: { CN: \"m-{id:digits}\", O: X } }"))
        #expect(found.map(\.code) == [.unreachableProfile])
        #expect(found.first?.location.file == "test2.yaml")
    }

    @Test(arguments: [
        ("{ subject: { CN: \"a{id}\" } }", "{ subject: { CN: \"b{id}\" } }"),
        ("{ subject: { CN: \"{id:digits}\" } }", "{ subject: { CN: \"x{id:digits}\" } }"),
        ("{ subject: { CN: \"{id:digits(3)}\" } }", "{ subject: { CN: \"{id:digits(4-5)}\" } }"),
        ("{ subject: { CN: \"{id}\" } }", "{ subject: { CN: \"{id}\" }, issuer: { O: \"X\" } }"),
    ])
    func differentMatchesAreNoMistake(first: String, second: String) throws {
        #expect(try mistakes(in: profile("p", first), profile("q", second)).isEmpty)
    }

    private func identity(_ match: String, device: String) throws -> [OperatorMistake.Code] {
        try mistakes(in: "profile: p\nmatch: \(match)\ndevice: \"\(device)\"\n").map(\.code)
    }

    @Test(arguments: [
        ("{ subject: { CN: \"{a:slug}\", OU: \"{b:slug}\" } }", "{a}-{b}"),
        ("{ subject: { CN: \"{a}\", OU: \"{b:digits}\" } }", "{b}{a}"),
        ("{ subject: { CN: \"{a}\", OU: \"{b}\" } }", "{a}:{b}"),
        ("{ subject: { CN: \"{a:digits}\", OU: \"{b:slug}\", O: \"{c:digits}\" } }", "{a}-{b}-{c}"),
        ("{ subject: { CN: \"{a}\" }, issuer: { CN: \"{b:digits}\" } }", "{b}"),
        ("{ issuer: { CN: \"{b:digits}\" } }", "{b}"), ("{ trust-anchor: \"CN=A\" }", "x"),
        ("{ sni: \"{a}\" }", "{a}"), ("{ subject: { CN: \"{b}\" }, sni: \"{a:slug}.x\" }", "{b}.{a}"),
        (
            "{ fingerprint: [\"\(String(repeating: "aa", count: 32))\", \"\(String(repeating: "ab", count: 32))\"] }",
            "x"
        ),
        ("{ subject: { O: \"Elbe\", OU: \"meters\" } }", "meter"),
    ])
    func identitiesThatCouldCollideAreMistakes(match: String, device: String) throws {
        #expect(try identity(match, device: device) == [.unsafeIdentity])
    }

    @Test(arguments: [
        ("{ subject: { CN: \"{a:slug}\", OU: \"{b:slug}\" } }", "{a}.{b}"),
        ("{ subject: { CN: \"{a:slug}\", OU: \"{b:digits}\" } }", "{a}-{b}"),
        ("{ subject: { CN: \"{a:digits}\", OU: \"{b}\" } }", "{a}-{b}"),
        ("{ subject: { CN: \"{a}\" }, issuer: { CN: \"{b:digits}\" } }", "{b}-{a}"),
        ("{ subject: { CN: \"{a}\" }, san: { dns: \"{a:digits}\", uri: \"{b:digits}\" } }", "{a}-{b}"),
        ("{ subject: { O: \"Elbe\", CN: \"gateway-7\" } }", "gateway-7"),
        ("{ subject: \"CN=gateway-7,O=Elbe\" }", "gateway-7"),
        ("{ fingerprint: \"\(String(repeating: "AA:", count: 31))aa\" }", "gateway-7"),
        ("{ serial-number: \"{a:hex}\" }", "{a}"), ("{ subject: { CN: \"{a}\" }, sni: \"{a}.x\" }", "{a}"),
    ])
    func identitiesThatCannotCollideAreFine(match: String, device: String) throws {
        #expect(try identity(match, device: device).isEmpty)
    }

    @Test func tooManyCapturesAndListEntriesAreMistakes() throws {
        let attributes = ["CN", "O", "OU", "C", "L"].map { name in
            "\(name): \"" + (0..<8).map { "{\(name.lowercased())\($0)}" }.joined(separator: "-") + "\""
        }
        let captures = try mistakes(
            in: "profile: p\nmatch: { subject: { \(attributes.joined(separator: ", ")) } }\ndevice: \"{cn0}\"\n")
        #expect(captures.map(\.code) == [.outOfRange])
        let topics = (0..<257).map { "\"a/\($0)\"" }.joined(separator: ", ")
        let lists = try mistakes(in: profile("p", "{ subject: { CN: \"{id}\" } }") + "publish: [\(topics)]\n")
        #expect(lists.map(\.key) == ["publish"])
    }

    @Test func noDocumentsMakeASetThatDeniesAll() throws {
        let set = try ProfileCompiler.compile([], revision: 9).get()
        #expect(set.revision == 9)
        #expect(set.decide(try certificate("CN=a")).denial?.code == .noMatchingProfile)
    }
}

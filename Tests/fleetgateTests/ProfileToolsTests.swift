import ArgumentParser
import FleetPKI
import FleetPolicy
import Foundation
import NIOMbedTLS
import Testing

@testable import fleetgate

@Suite struct ProfileSourcesTests {
    @Test func everyMistakeOfEveryFileIsShown() throws {
        let folder = try TemporaryFolder()
        try folder.write("profile: x\nunknown: 1\n", to: "a.yaml")
        try folder.write("broken: [", to: "b.yml")
        try folder.write("ignored", to: "c.txt")
        try folder.write("ignored: [", to: ".d.yaml")
        let sources = ProfileSources.read([folder.path])
        #expect(sources.set == nil)
        #expect(Set(sources.mistakes.map(\.location.file)) == [folder.path + "/a.yaml", folder.path + "/b.yml"])
        #expect(sources.files.count == 2)
        #expect(throws: ProfileMistakes.self) { try sources.compiled() }
    }

    @Test(arguments: [[], ["/nonexistent"], ["/nonexistent/a.yaml", "/nonexistent/b"]])
    func whatIsNotThereIsAMistakeForEach(paths: [String]) {
        #expect(ProfileSources.read(paths).mistakes.count == paths.count)
    }

    @Test func oneIsNotSeveral() throws {
        let folder = try TemporaryFolder()
        try folder.write(ProfileShelf.profile("a"), to: "a.yaml")
        #expect(
            ProfileLintReport(ProfileSources.read([folder.path]), nil).summary == "1 profile in 1 file: no mistakes")
        try folder.write(ProfileShelf.profile("b"), to: "b.yaml")
        #expect(
            ProfileLintReport(ProfileSources.read([folder.path]), nil).summary == "2 profiles in 2 files: no mistakes")
    }

    @Test func noKeyIsHintedAtTwice() throws {
        let folder = try TemporaryFolder()
        let lists = "zzzzzzzzzzzzzzzz: 1\nregistration: { mode: listed }\nwill: [ s ]\n"
        try folder.write(lists + ProfileShelf.profile("a"), to: "a.yaml")
        let hint = try #require(ProfileSources.read([folder.path]).mistakes.first?.hint)
        let keys = hint.split(separator: ": ").last.map { $0.split(separator: ", ") } ?? []
        #expect(keys.count > 10 && Set(keys).count == keys.count, "\(hint)")
    }

    @Test(arguments: ["will: \"s/{device}\"", "will: s/status", "will: \"yes\"", "will: { topic: \"s/{device}\" }"])
    func oneTopicOfWillsMayBeAText(line: String) throws {
        let folder = try TemporaryFolder()
        try folder.write(line + "\n" + ProfileShelf.profile("a"), to: "a.yaml")
        #expect(ProfileSources.read([folder.path]).mistakes == [])
    }

    @Test func aBaseMayBeInAnotherFile() throws {
        let folder = try TemporaryFolder()
        try folder.write("profile: base\nabstract: true\npublish: [ \"s/{device}\" ]\n", to: "base.yaml")
        try folder.write("extends: base\n" + ProfileShelf.profile("v"), to: "v.yaml")
        #expect(ProfileSources.read([folder.path]).mistakes.isEmpty)
        #expect(ProfileSources.read([folder.path + "/v.yaml"]).mistakes.map(\.code) == [.unknownProfile])
    }
}

@Suite struct ProfileOutlineTests {
    private func outlines(_ files: [String: String]) throws -> [ProfileOutline] {
        let folder = try TemporaryFolder()
        for (name, text) in files { try folder.write(text, to: name) }
        return ProfileOutline.all(ProfileSources.read([folder.path]).documents)
    }

    @Test func everyValueHasItsPlace() throws {
        let all = try outlines([
            "base.yaml":
                "profile: base\nabstract: true\npublish: [ s ]\nlimits: { packet-bytes: 8KiB, subscriptions: 4 }\n",
            "v.yaml": "profile: v\nextends: base\npublish: [ own ]\nlimits: { subscriptions: 8 }\n",
        ])
        let outline = try #require(all.first { $0.name == "v" })
        #expect(outline.lineage == ["v", "base"])
        let values = Dictionary(uniqueKeysWithValues: outline.values.map { ($0.key, $0) })
        #expect(values["publish[0]"]?.value == "s" && values["publish[0]"]?.profile == "base")
        #expect(values["publish[1]"]?.value == "own" && values["publish[1]"]?.profile == "v")
        #expect(values["limits.packet-bytes"]?.profile == "base")
        #expect(values["limits.subscriptions"]?.value == "8" && values["limits.subscriptions"]?.line == 4)
        #expect(values["abstract"] == nil)
        #expect(outline.text.contains("base.yaml:3 (base)"))
    }

    @Test(arguments: [
        ["a.yaml": "profile: a\nextends: a\n"],
        ["a.yaml": "profile: a\nextends: b\n", "b.yaml": "profile: b\nextends: a\n"],
        ["a.yaml": "profile: a\nextends: nobody\n"], ["a.yaml": "profile: a\nextends: [b]\n"],
        ["a.yaml": "profile: a\nextends:\n"],
    ])
    func ringsAndGapsEnd(files: [String: String]) throws {
        #expect(try outlines(files).allSatisfy { $0.lineage.count <= 2 })
    }

    @Test func documentsWithoutANameHaveNone() throws {
        #expect(try outlines(["a.yaml": "x: 1\n", "b.yaml": "[1]\n", "c.yaml": "profile: [x]\n"]).isEmpty)
    }
}

@Suite struct ProfileListingTests {
    @Test func theOrderIsThatOfTheDecision() throws {
        let gate = try Gate()
        try gate.write("profile: zz\nabstract: true\n", to: "profiles/zz.yaml")
        try gate.write(
            "priority: 5\nregistration: { mode: first-seen, quota: 7, approval: true }\n"
                + ProfileShelf.profile("late"), to: "profiles/late.yaml")
        let sources = ProfileSources.read([gate.folder.path + "/gate/profiles"])
        let listing = ProfileListing(try sources.compiled(), sources.documents)
        #expect(listing.profiles.first?.name == "late")
        #expect(listing.profiles.first?.registration == "first-seen, quota 7, approval")
        #expect(listing.profiles.last?.name == "zz")
        #expect(listing.profiles.last?.rank == nil)
        #expect(listing.profiles.first?.match == "subject O=late CN=late-{n:digits}")
        #expect(listing.text.split(separator: "\n").count == 6)
    }
}

@Suite struct PatternProposalTests {
    @Test(arguments: [
        ("meter-4711", "meter-{serial:digits}", "meter-{serial}"),
        ("rack-7-unit-12", "rack-{part1:digits}-unit-{serial:digits}", "rack-{part1}-unit-{serial}"),
        ("dev-9af3c2d1", "dev-{serial:hex}", "dev-{serial}"),
        ("gateway-east", "gateway-{name:slug}", "gateway-{name}"),
        ("thermo", "{name:slug}", "{name}"),
        ("4711", "{serial:digits}", "{serial}"),
        ("meter4711", "meter{serial:digits}", "meter{serial}"),
        ("beef", "{name:slug}", "{name}"),
        ("a{b}-1", "a{{b}}-{serial:digits}", "a{{b}}-{serial}"),
        ("", "", ""),
        ("Ärger 1", "Ärger {serial:digits}", "Ärger {serial}"),
    ])
    func numbersBecomeCaptures(value: String, pattern: String, template: String) {
        let proposal = PatternProposal(value)
        #expect(proposal.pattern == pattern)
        #expect(proposal.template == template)
    }
}

@Suite struct ProfileDraftTests {
    private func certificate(
        _ subject: [(String, String)], _ names: [AlternativeName] = []
    ) throws -> PeerCertificate {
        let root = try CertificateAuthority.makeDevelopmentRoot()
        let issued = try root.issue(CertificateTemplate(subject: subject, alternativeNames: names))
        return try #require(try PeerCertificate.reading(Array(issued.certificatePEM.utf8)).first)
    }

    @Test(arguments: [
        [("O", "Example Ltd"), ("CN", "thermo-17")], [("CN", "17")], [("CN", "a b")], [("serialNumber", "SN 12/34")],
        [("O", "say \"hi\" \\ {x}"), ("CN", "pump-east")], [("CN", "#")], [("CN", "x/1")], [("CN", "a+b-00ff00ff")],
        [("OU", "one"), ("OU", "two"), ("CN", "device-1")], [("UID", "u1"), ("CN", "device-1")],
    ])
    func everyDraftIsAWholeProfileForItsCertificate(subject: [(String, String)]) throws {
        let sample = try certificate(subject)
        let check = ProfileDraftCheck(try ProfileDraft(name: "sample", sample: sample), sample: sample)
        #expect(check.mistakes == [], "\(check.text)")
        #expect(check.remarks.count == 1)
    }

    private func flags(_ matches: [String], cert: String? = nil, out: String) throws -> ProfileNewCommand {
        let arguments = ["new", "x"] + matches.flatMap { ["--match", $0] } + (cert.map { ["--cert", $0] } ?? [])
        return try #require(
            try ProfileCommand.parseAsRoot(arguments + ["--out", out, "--yes"]) as? ProfileNewCommand)
    }

    @Test(arguments: [
        (["CN={a}"], "device: \"{a}\""), (["CN=v-{id:digits}"], "device: \"v-{id}\""),
        (["CN=x-{serial:slug}"], "device: \"x-{serial}\""), (["CN=gateway-7"], "device: \"gateway-7\""),
        (["CN=a/{b:slug}/{c:hex(4)}"], "device: \"{b}.{c}\""), (["OU={site:slug}"], "device: \"x-{serial}\""),
        (["O=E", "CN=a{{1}}-{n}"], "device: \"a{{1}}-{n}\""),
    ])
    func theDeviceIsMadeOfTheCapturesGiven(matches: [String], line: String) throws {
        let folder = try TemporaryFolder()
        try flags(matches, out: folder.path + "/x.yaml").run()
        let text = try folder.text("x.yaml")
        #expect(text.contains(line), "\(text)")
        #expect(ProfileSources.read([folder.path]).mistakes == [])
    }

    @Test(arguments: ["CN={", "CN={a", "CN={a:nothing}", "CN={a}{b}", "CN=", "CN={}", "nope={a}"])
    func aBadPatternWritesNothing(match: String) throws {
        let folder = try TemporaryFolder()
        #expect(throws: ProfileMistakes.self) { try flags([match], out: folder.path + "/x.yaml").run() }
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/x.yaml"))
    }

    @Test(arguments: [
        ("CN=valve-{id:digits}", "CN"), ("CN=thermo-{id:digits(9)}", "CN"), ("OU={site:slug}", "OU"),
        ("O=Another", "O"),
    ])
    func aCertificateThatDoesNotMatchWritesNothing(match: String, attribute: String) throws {
        let folder = try TemporaryFolder()
        let root = try CertificateAuthority.makeDevelopmentRoot()
        let issued = try root.issue(CertificateTemplate(subject: [("O", "Example Ltd"), ("CN", "thermo-17")]))
        try folder.write(issued.certificatePEM, to: "certs/device.pem")
        let command = try flags([match], cert: folder.path + "/certs/device.pem", out: folder.path + "/x.yaml")
        let failure = #expect(throws: CommandFailure.self) { try command.run() }
        #expect(failure?.description.contains("subject \(attribute): wanted") == true, "\(String(describing: failure))")
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/x.yaml"))
    }

    @Test func aNewProfileIsCheckedBesideTheOthersOfItsFolder() throws {
        let folder = try TemporaryFolder()
        try folder.write(ProfileShelf.profile("first"), to: "p/first.yaml")
        try folder.write("not: a profile\n", to: "p/fleetgate.yaml")
        try folder.write("profile: x\nabstract: true\n", to: "taken/y.yaml")
        let beside = #expect(throws: ProfileMistakes.self) {
            try flags(["O=first", "CN=first-{m:slug}"], out: folder.path + "/p/x.yaml").run()
        }
        #expect(beside?.mistakes.map(\.code) == [.overlappingMatch])
        let taken = #expect(throws: ProfileMistakes.self) { try flags([], out: folder.path + "/taken/x.yaml").run() }
        #expect(taken?.mistakes.map(\.code) == [.duplicateProfile])
        // What was wrong before is not the new profile's fault.
        try folder.write("profile: bad\nzzz: 1\n", to: "p/bad.yaml")
        try flags([], out: folder.path + "/p/x.yaml").run()
        #expect(throws: CommandFailure.self) { try flags([], out: folder.path + "/p/x.yaml").run() }
    }

    @Test func theCertificateIsThenADevice() throws {
        let sample = try certificate([("O", "Example Ltd"), ("CN", "thermo-17")], [.uri("urn:thermo:17")])
        let draft = try ProfileDraft(name: "thermometer", sample: sample)
        #expect(draft.device == "thermo-{serial}")
        #expect(draft.suggestions.first == "san: { uri: \"urn:thermo:{serial}\" }")
        #expect(
            ProfileDraftCheck(draft, sample: sample).remarks == ["the certificate is then the device default/thermo-17"]
        )
    }

    @Test func aNameMayBeAnAlternativeOneOnly() throws {
        let draft = try ProfileDraft(name: "x", sample: try certificate([("O", "Example")], [.dns("unit-5.example")]))
        #expect(
            draft.alternativeNames == [
                ProfileDraft.Condition(key: "dns", pattern: "unit-{serial:digits}.example", sample: "unit-5.example")
            ])
    }

    @Test func withoutANameThereIsNoDraft() throws {
        let sample = try certificate([("O", "Example")])
        #expect(throws: CommandFailure.self) { try ProfileDraft(name: "x", sample: sample) }
    }

    @Test(arguments: ["Upper", "1x", "", "a b", "a\n- b", "x: y", String(repeating: "x", count: 65)])
    func aBadNameIsRefusedBeforeWriting(name: String) {
        #expect(!ProfileDraftCheck(ProfileDraft(name: name), sample: nil).mistakes.isEmpty)
    }

    @Test(arguments: ["plain", "a \"b\" \\", "{x}", "tab\tline\nend", "\u{85}\u{2028}é", "# no comment", ""])
    func quotedTextIsReadBack(text: String) throws {
        let collector = MistakeCollector()
        let node = YAMLDocument.parse("key: \(ProfileDraft.quoted(text))\n", file: "x", reporting: collector)
        #expect(collector.mistakes == [])
        #expect(node?.text(at: "key") == text)
    }

    @Test func anExistingFileIsNeverReplaced() throws {
        let folder = try TemporaryFolder()
        try folder.write("mine", to: "x.yaml")
        #expect(throws: CommandFailure.self) { try ProfileDraftFile.write("new", to: folder.path + "/x.yaml") }
        #expect(throws: CommandFailure.self) { try ProfileDraftFile.write("new", to: folder.path + "/no/x.yaml") }
        #expect(try folder.text("x.yaml") == "mine")
    }
}

@Suite struct ProfileComparisonTests {
    private struct Samples: CertificateSource {
        let certificates: [SampleCertificate]

        func each(
            _ body: (SampleCertificate) throws -> Void, unreadable: (_ origin: String, _ why: String) -> Void
        ) async throws {
            for certificate in certificates { try body(certificate) }
        }
    }

    private func compare(_ old: String, _ new: String, _ subjects: [[(String, String)]]) async throws
        -> ProfileComparison
    {
        let folder = try TemporaryFolder()
        try folder.write(old, to: "old/p.yaml")
        try folder.write(new, to: "new/p.yaml")
        let root = try CertificateAuthority.makeDevelopmentRoot()
        let samples = try subjects.map { subject in
            let issued = try root.issue(CertificateTemplate(subject: subject))
            let leaf = try #require(try PeerCertificate.reading(Array(issued.certificatePEM.utf8)).first)
            return SampleCertificate(origin: subject.map(\.1).joined(separator: "/"), leaf: leaf, issuers: [])
        }
        let assumed = AssumedCircumstances(anchors: [], listener: "default", now: Int64(Date().timeIntervalSince1970))
        return try await ProfileComparison.compare(
            PolicySnapshot(profiles: try ProfileSources.read([folder.path + "/old"]).compiled()),
            PolicySnapshot(profiles: try ProfileSources.read([folder.path + "/new"]).compiled()),
            on: Samples(certificates: samples), circumstances: assumed.of)
    }

    private static let device = [("O", "a"), ("CN", "a-1")]

    @Test func nothingChanges() async throws {
        let profile = ProfileShelf.profile("a")
        let comparison = try await compare(profile, profile + "# a comment\n", [Self.device, [("CN", "stranger")]])
        #expect(comparison.isEqual)
        #expect(comparison.summary.unchanged == 2)
        #expect(comparison.text(rowsMax: 10) == "nothing changes for 2 certificates")
    }

    @Test(arguments: [
        ("publish: [ \"y/{device}\" ]", ["publish y/a-1 (qos 1)"], ["publish x/a-1 (qos 1)"]),
        ("publish: [ \"x/{device}\" ]\nsubscribe: [ s ]", ["subscribe s (qos 1)"], []),
        (
            "publish: [ { topic: \"x/{device}\", qos: 2, retain: true } ]", ["publish x/a-1 (qos 2, retain)"],
            ["publish x/a-1 (qos 1)"]
        ),
        ("publish: [ \"x/{device}\" ]\nwill: true", ["will, whatever may be published"], []),
        (
            "publish: [ \"x/#\" ]\ndeny-publish: [ \"x/y\" ]", ["publish x/# (qos 1)"],
            ["publish x/a-1 (qos 1)", "now deny-publish x/y"]
        ),
        ("publish: [ \"x/{device}\" ]\ntopic-prefix: \"t/\"", ["publish t/x/a-1 (qos 1)"], ["publish x/a-1 (qos 1)"]),
    ])
    func topicsGainedAndLost(lists: String, gained: [String], lost: [String]) async throws {
        let head = "profile: a\nmatch: { subject: { O: a, CN: \"a-{n:digits}\" } }\ndevice: \"a-{n}\"\n"
        let comparison = try await compare(ProfileShelf.profile("a"), head + lists, [Self.device])
        #expect(comparison.changes.map(\.topicsGained) == [gained])
        #expect(comparison.changes.map(\.topicsLost) == [lost])
        #expect(comparison.summary.gainedTopics == (gained.isEmpty ? 0 : 1))
    }

    @Test func accessProfileDeviceAndLimits() async throws {
        let old = ProfileShelf.profile("a")
        let lost = try await compare(old, ProfileShelf.profile("b"), [Self.device, [("O", "b"), ("CN", "b-1")]])
        #expect(lost.changes.map(\.access) == [.lost, .gained])
        #expect(lost.changes.map(\.newCode) == ["no-matching-profile", nil])
        let renamed = try await compare(old, old.replacing("profile: a", with: "profile: other"), [Self.device])
        #expect(renamed.summary.changedProfile == 1 && renamed.summary.changedDevice == 0)
        let other = try await compare(old, old + "tenant: kiel\n", [Self.device])
        #expect(other.changes.first?.newDevice == "kiel/a-1" && other.summary.changedDevice == 1)
        let limits = try await compare(old, old + "limits: { packet-bytes: 1KiB }\nclient-id: equal\n", [Self.device])
        #expect(limits.changes.first?.limits.map(\.key) == ["packet-bytes", "client-id"])
        #expect(limits.changes.first?.limits.first?.new == "1KiB")
    }

    @Test func aFolderIsGoneThroughAndBadFilesAreTold() async throws {
        let folder = try TemporaryFolder()
        let root = try CertificateAuthority.makeDevelopmentRoot()
        let issued = try root.issue(CertificateTemplate(subject: Self.device))
        try folder.write(issued.chainPEM, to: "b/device.pem")
        try folder.write(issued.privateKeyPEM, to: "b/device.key")
        try folder.write("rubbish", to: "a.crt")
        try folder.write("", to: "c.der")
        try folder.write(issued.privateKeyPEM, to: "d.pem")
        var found: [String] = []
        var unreadable: [String] = []
        try await CertificateFolder(path: folder.path).each {
            found.append($0.origin)
        } unreadable: { origin, _ in
            unreadable.append(origin)
        }
        #expect(found == [folder.path + "/b/device.pem"])
        #expect(unreadable == ["/a.crt", "/c.der", "/d.pem"].map { folder.path + $0 })
    }

    @Test(arguments: ["", "/nonexistent"])
    func aFolderWithoutCertificatesIsAFailure(path: String) async throws {
        let folder = try TemporaryFolder()
        await #expect(throws: CommandFailure.self) {
            try await CertificateFolder(path: path.isEmpty ? folder.path : path).each { _ in
            } unreadable: { _, _ in
            }
        }
    }
}

@Suite struct ProfileCommandTests {
    @Test(arguments: [
        ["profile"], ["profile", "lint"], ["profile", "list"], ["profile", "show"], ["profile", "new"],
        ["profile", "diff"],
        ["profile", "apply"], ["profile", "versions"], ["profile", "rollback"], ["explain"],
    ])
    func helpFitsATerminal(path: [String]) throws {
        let error = #expect(throws: (any Error).self) {
            if path == ["explain"] {
                _ = try ExplainCommand.parse(["--help"])
            } else {
                var command = try ProfileCommand.parseAsRoot(Array(path.dropFirst()) + ["--help"])
                try command.run()
            }
        }
        guard let error else { return }
        let help = path == ["explain"] ? ExplainCommand.fullMessage(for: error) : ProfileCommand.fullMessage(for: error)
        #expect(help.contains("USAGE: "))
        #expect(help.split(separator: "\n").allSatisfy { $0.hasPrefix("USAGE: ") || $0.count <= 80 }, "\(help)")
    }

    @Test(arguments: [
        ["lint"], ["list"], ["show"], ["diff", "a"], ["diff", "a", "b"], ["diff", "a", "b", "--against", "registry"],
        ["apply"], ["apply", "x"], ["versions"], ["rollback", "x", "--config", "y"], ["new", "x", "--match", "CN"],
        ["diff", "a", "b", "--against", "c", "--rows", "-1"],
    ])
    func aWrongCommandLineEndsWithStatus64(arguments: [String]) {
        let error = #expect(throws: (any Error).self) { try ProfileCommand.parseAsRoot(arguments) }
        #expect(error.map { ProfileCommand.exitCode(for: $0).rawValue } == 64)
    }

    @Test(arguments: [
        [], ["--cert", "x"], ["-c", "y"], ["-c", "y", "--cert", "x", "--device", "d"],
        ["-c", "y", "--device", "a/b/c"],
        ["-c", "y", "--device", "#"], ["-c", "y", "--cert", "x", "--qos", "3"],
        ["-c", "y", "--cert", "x", "--action", "read"],
        ["-c", "y", "--cert", "x", "--tls-version", "1.1"], ["-c", "y", "--device", "d", "--profiles", "p"],
    ])
    func aWrongExplainEndsWithStatus64(arguments: [String]) {
        let error = #expect(throws: (any Error).self) { try ExplainCommand.parse(arguments) }
        #expect(error.map { ExplainCommand.exitCode(for: $0).rawValue } == 64)
    }
}

import FleetPolicy
import Testing

@Suite struct ProfileSetTests {
    static let meter = """
        profile: meter
        match:
          subject: { O: "Elbe", OU: "{site:slug}", CN: "m-{serial:digits}" }
        device: "{serial}"
        tenant: "{site}"
        publish: ["m/{tenant}/{device}/x"]
        """

    @Test func aMatchingCertificateGetsItsGrant() throws {
        let grant = try #require(try compile(Self.meter).get().decide(certificate("CN=m-17,OU=nord,O=Elbe,C=DE")).grant)
        #expect(grant.deviceID == "17")
        #expect(grant.tenant == "nord")
        #expect(grant.profileName == "meter")
        #expect(grant.limits == DeviceLimits())
        #expect(grant.publish("m/nord/17/x") == .granted)
    }

    @Test(arguments: [
        "CN=m-17,OU=nord,O=Other", "CN=m-17,O=Elbe", "OU=nord,O=Elbe", "CN=m-x,OU=nord,O=Elbe",
        "CN=xm-17,OU=nord,O=Elbe",
        "CN=m-17x,OU=nord,O=Elbe", "CN=m-17,OU=Nord,O=Elbe", "CN=m-17,OU=nord,O=elbe", "", "CN=m-17\\00,OU=nord,O=Elbe",
        "CN=m-17,L=nord,O=Elbe",
    ])
    func otherCertificatesGetNothing(subject: String) throws {
        let denial = try #require(try compile(Self.meter).get().decide(certificate(subject)).denial)
        #expect(denial.code == .noMatchingProfile)
    }

    @Test func denialsNameTheSubjectWithoutControlCharacters() throws {
        let denial = try #require(try compile(Self.meter).get().decide(certificate("CN=\\1B[2J\\0Aforged line")).denial)
        #expect(denial.detail.contains("\\1B[2J\\0Aforged line"))
        #expect(denial.detail.unicodeScalars.allSatisfy { $0.value >= 0x20 })
        #expect("\(denial)".hasPrefix("no-matching-profile: "))
    }

    // MARK: Several values, several profiles

    @Test(
        arguments: [
            ("CN=m-1,OU=nord,OU=Süd,O=Elbe", nil), ("CN=m-1,OU=nord+OU=Abt. 4,O=Elbe", nil),
            ("CN=m-1,CN=other,OU=nord,O=Elbe", nil), ("CN=m-1,OU=nord,OU=sued,O=Elbe", PolicyDenial.Code.ambiguous),
            ("CN=m-1,CN=m-2,OU=nord,O=Elbe", .ambiguous), ("CN=m-1,OU=nord,OU=nord,O=Elbe", .ambiguous),
            ("CN=m-1,OU=nord,OU=sued,O=Other", .noMatchingProfile), ("CN=m-1,OU=nord,O=Elbe,O=Elbe", .ambiguous),
        ] as [(String, PolicyDenial.Code?)])
    func exactlyOneValueHasToFit(subject: String, code: PolicyDenial.Code?) throws {
        #expect(try compile(Self.meter).get().decide(certificate(subject)).denial?.code == code)
    }

    @Test func oneValueReadInTwoWaysIsAmbiguous() throws {
        let set = try compile("profile: p\nmatch: { subject: { CN: \"{a}-{b}\" } }\ndevice: \"{a}\"\n").get()
        #expect(set.decide(try certificate("CN=x-y")).grant?.deviceID == "x")
        let denial = try #require(set.decide(try certificate("CN=x-y-z")).denial)
        #expect(denial.code == .ambiguous)
        #expect(denial.detail.contains("subject CN"))
    }

    private func profile(_ name: String, _ pattern: String, priority: Int = 0) -> String {
        "profile: \(name)\npriority: \(priority)\nmatch: { subject: { CN: \"\(pattern)\" } }\ndevice: \"{id}\"\n"
    }

    /// Only a certificate with several values can do this: everything else is found when the profiles are compiled.
    @Test func twoProfilesOfOneRankAreAmbiguousAndNamed() throws {
        let set = try compile(profile("letters", "l-{id}"), profile("narrow", "m-{id:digits}")).get()
        let denial = try #require(set.decide(try certificate("CN=m-1,CN=l-1")).denial)
        #expect(denial.code == .ambiguous)
        #expect(denial.detail.contains("letters, narrow"))
        #expect(set.decide(try certificate("CN=l-x")).grant?.profileName == "letters")
    }

    @Test func theHigherPriorityDecidesAlone() throws {
        let set = try compile(
            profile("wide", "{id}", priority: -1), profile("narrow", "m-{id:digits}"),
            profile("narrower", "m-1{id:digits}", priority: 7)
        ).get()
        #expect(set.profileNames == ["narrower", "narrow", "wide"])
        #expect(set.decide(try certificate("CN=m-11")).grant?.profileName == "narrower")
        #expect(set.decide(try certificate("CN=m-21")).grant?.profileName == "narrow")
        #expect(set.decide(try certificate("CN=z")).grant?.profileName == "wide")
    }

    @Test func anAmbiguousProfileOfHigherPriorityIsNotPassedOver() throws {
        let set = try compile(profile("wide", "{id}"), profile("pair", "{id}-{x}", priority: 1)).get()
        #expect(set.decide(try certificate("CN=a-b-c")).denial?.code == .ambiguous)
    }

    /// A certificate refused by the profile that it belongs to does not fall through to a lower one.
    @Test func aBadDeviceIDIsNotPassedOver() throws {
        let set = try compile(profile("wide", "{id}", priority: -1), profile("narrow", "m-{id}")).get()
        #expect(set.decide(try certificate("CN=m-#")).denial?.code == .badDeviceID)
    }

    // MARK: Fields

    @Test func oneNameCapturedTwiceHasToHaveOneValue() throws {
        let set = try compile(
            "profile: p\nmatch: { subject: { CN: \"m-{s:digits}\" }, san: { uri: \"urn:m:{s}\" } }\ndevice: \"{s}\"\n"
        ).get()
        #expect(set.decide(try certificate("CN=m-1", san: [.uri("urn:m:1")])).grant?.deviceID == "1")
        #expect(set.decide(try certificate("CN=m-1", san: [.uri("urn:m:2")])).denial?.code == .noMatchingProfile)
        #expect(set.decide(try certificate("CN=m-1", san: [.dns("urn:m:1")])).denial?.code == .noMatchingProfile)
        #expect(set.decide(try certificate("CN=m-1")).denial?.code == .noMatchingProfile)
    }

    @Test(arguments: [
        ("uri: \"spiffe://x/{id:slug}\"", SubjectAlternativeName.uri("spiffe://x/d1")),
        ("dns: \"{id}.example\"", .dns("d1.example")), ("email: \"{id}@example\"", .email("d1@example")),
        ("ip: \"192.0.2.{id:digits}\"", .ip(bytes: [192, 0, 2, 7])),
        ("ip: \"2001:db8::{id:hex}\"", .ip(bytes: [0x20, 1, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xD, 1])),
    ])
    func alternativeNamesAreMatchedByKind(match: String, name: SubjectAlternativeName) throws {
        let set = try compile("profile: p\nmatch: { san: { \(match) } }\ndevice: \"{id}\"\n").get()
        #expect(set.decide(try certificate("CN=x", san: [.unknown(tag: 3), name, .registeredID("1.2")])).grant != nil)
        #expect(set.decide(try certificate("CN=x", san: [name, name])).denial?.code == .ambiguous)
        #expect(set.decide(try certificate("CN=x", san: [.otherName(oid: "1.2", value: [1])])).grant == nil)
    }

    @Test func issuersAreMatchedByPatternOrWhole() throws {
        let byPattern = try compile(
            "profile: p\nmatch: { issuer: { CN: \"CA {n:digits}\" }, subject: { CN: \"{id}\" } }\ndevice: \"{id}\"\ntenant: \"ca{n}\"\n"
        ).get()
        #expect(byPattern.decide(try certificate("CN=a", issuer: "CN=CA 3,O=X")).grant?.tenant == "ca3")
        #expect(byPattern.decide(try certificate("CN=a", issuer: "CN=CA x")).grant == nil)
        let whole = try compile(
            "profile: p\nmatch: { issuer: \"CN=CA 3,O=X\", subject: { CN: \"{id}\" } }\ndevice: \"{id}\"\n"
        ).get()
        #expect(whole.decide(try certificate("CN=a", issuer: "CN=CA 3,O=X")).grant?.tenant == "default")
        #expect(whole.decide(try certificate("CN=a", issuer: "CN=CA 3,O=X,C=DE")).grant == nil)
        #expect(whole.decide(try certificate("CN=CA 3,O=X", issuer: "CN=a")).grant == nil)
    }

    @Test func attributesAreMatchedByObjectIdentifier() throws {
        let set = try compile(
            "profile: p\nmatch: { subject: { \"1.3.6.1.4.1.99999.1\": \"{id}\" } }\ndevice: \"{id}\"\n"
        ).get()
        let name = try #require(DistinguishedName(attributes: [("1.3.6.1.4.1.99999.1", "x7")]))
        #expect(set.decide(try certificate("\(name)")).grant?.deviceID == "x7")
    }

    // MARK: Injection

    @Test(arguments: [
        "#", "+", "a/b", "a+b", "x#", "/", "$SYS", "$share", "a\u{0}b", "a\nb", "a\u{7F}", "a\u{85}", "\u{202E}abc",
        "\u{FEFF}a", "\u{FFFF}", "a\u{2028}b", String(repeating: "x", count: 129), "a\u{1B}[0m",
    ])
    func noValueThatChangesATopicGetsIn(value: String) throws {
        let device = try compile("profile: p\nmatch: { subject: { CN: \"{id}\" } }\ndevice: \"{id}\"\n").get()
        let tenant = try compile(
            "profile: p\nmatch: { subject: { CN: \"{id}\", O: \"{org}\" } }\ndevice: \"{id}\"\ntenant: \"{org}\"\n"
        ).get()
        let topic = try compile(
            "profile: p\nmatch: { subject: { CN: \"{id}\", O: \"{org}\" } }\ndevice: \"{id}\"\npublish: [\"a/{org}\"]\n"
        ).get()
        let unused = try compile(
            "profile: p\nmatch: { subject: { CN: \"{id}\", O: \"{org}\" } }\ndevice: \"{id}\"\n"
        ).get()
        let name = DistinguishedName(attributes: [("O", value), ("CN", "ok")])
        let names = "\(try #require(name))"
        let bad = "\(try #require(DistinguishedName(attributes: [("CN", value)])))"
        #expect(device.decide(try certificate(bad)).denial?.code == .badDeviceID)
        #expect(tenant.decide(try certificate(names)).denial?.code == .badTenant)
        #expect(topic.decide(try certificate(names)).denial?.code == .badPlaceholderValue)
        #expect(unused.decide(try certificate(names)).grant?.deviceID == "ok")
    }

    @Test(arguments: ["a", "meter 7", "ä", "a.b:c@d", "x$", String(repeating: "x", count: 128), "東京", "a=b,c"])
    func otherValuesAreKeptAsTheyAre(value: String) throws {
        let set = try compile("profile: p\nmatch: { subject: { CN: \"{id}\" } }\ndevice: \"{id}\"\n").get()
        let name = try #require(DistinguishedName(attributes: [("CN", value)]))
        #expect(set.decide(try certificate("\(name)")).grant?.deviceID == value)
    }

    @Test func longPartsMakeNoLongDeviceID() throws {
        let set = try compile(
            "profile: p\nmatch: { subject: { CN: \"{a:digits}\", OU: \"{b:digits}\" } }\ndevice: \"{a}-{b}\"\n"
        ).get()
        let digits = String(repeating: "1", count: 64)
        #expect(set.decide(try certificate("CN=\(digits),OU=\(digits)")).denial?.code == .badDeviceID)
    }
}

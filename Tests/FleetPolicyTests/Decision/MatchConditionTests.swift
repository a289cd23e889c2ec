import FleetPolicy
import Testing

@Suite struct MatchConditionTests {
    /// A certificate with a value for every condition.
    private func rich(_ change: (inout RichCertificate) -> Void = { _ in }) throws -> CertificateAttributes {
        var rich = RichCertificate()
        change(&rich)
        return try rich.attributes()
    }

    struct RichCertificate {
        var subject = "CN=d1+serialNumber=s7,OU=nord,O=Elbe"
        var names: [SubjectAlternativeName] = [
            .registeredID("1.2.3.4"), .directoryName(DistinguishedName(attributes: [("O", "X"), ("CN", "dir")])!),
            .otherName(oid: "1.3.6.1.4.1.311.20.2.3", value: [0x0C, 3, 0x75, 0x70, 0x6E]),
            .otherName(
                oid: "1.3.6.1.5.5.7.8.4", value: [0x30, 9, 0x06, 3, 0x2A, 0x03, 0x04, 0x04, 2, 0xAB, 0x01]),
            .otherName(oid: "1.2.3", value: [0x02, 1, 0x0F]),
        ]
        var serial: [UInt8] = [0, 0xAB, 0x0C]
        var key = PublicKeyDescription(
            algorithm: .ellipticCurve(oid: "1.2.840.10045.3.1.7"), bits: 256, sha256: [UInt8](repeating: 3, count: 32))
        var policies = ["1.2.3", "1.2.4"]
        var notAfter: Int64 = 1_000_000 + 86_400 * 10

        func attributes() throws -> CertificateAttributes {
            CertificateAttributes(
                subject: try #require(DistinguishedName(rfc4514: subject)),
                issuer: try #require(DistinguishedName(rfc4514: "CN=CA,O=Elbe")), subjectAlternativeNames: names,
                serialNumber: serial, sha256Fingerprint: [UInt8](repeating: 0xAB, count: 32), notBefore: 0,
                notAfter: notAfter, publicKey: key, policyOIDs: policies)
        }
    }

    private static let hash = String(repeating: "ab", count: 32)
    private static let usual = ConnectionCircumstances.usual.with {
        $0.serverName = "Acme.Gate.example"
        $0.listener = "edge"
    }

    private func decide(_ match: String, _ certificate: CertificateAttributes) throws -> PolicyDecision {
        try compile("profile: p\nmatch: { subject: { CN: \"{id}\" }, \(match) }\ndevice: \"{id}\"\n").get()
            .decide(certificate, Self.usual)
    }

    @Test(arguments: [
        "serial-number: \"ab0c\"", "serial-number: \"ab{x:hex}\"", "fingerprint: \"\(hash)\"",
        "fingerprint: [\"\(String(repeating: "00", count: 32))\", \"\(String(repeating: "AB:", count: 31))AB\"]",
        "policy: 1.2.4", "policy: [1.9.9, 1.2.3]", "key: { type: ec }", "key: { curve: P-256 }",
        "key: { curve: 1.2.840.10045.3.1.7, bits: { min: 256, max: 256 } }", "key: { bits: { max: 300 } }",
        "days-left: { min: 10, max: 10 }", "days-left: { max: 30 }", "tls-version: \"1.3\"", "listener: edge",
        "sni: \"{t}.gate.example\"", "trust-anchor: \"CN=Test Root,O=Test\"",
        "trust-anchor: { sha256: \"\(String(repeating: "09", count: 32))\" }", "issuer: \"CN=CA,O=Elbe\"",
        "san: { registered-id: 1.2.3.4 }", "san: { directory-name: \"CN=dir,O=X\" }",
        "san: { directory-name: { CN: \"{d}\", O: X } }", "san: { other-name: { 1.3.6.1.4.1.311.20.2.3: \"up{n}\" } }",
        "san: { other-name: { hardwareModuleName: \"1.2.3.4/{hw:hex(4)}\" } }",
        "san: { other-name: { 1.2.3: \"02010f\" } }",
    ])
    func holds(match: String) throws {
        #expect(try decide(match, rich()).grant?.deviceID == "d1")
    }

    @Test(arguments: [
        "serial-number: \"00ab0c\"", "serial-number: \"AB0C\"", "serial-number: \"ab:0c\"",
        "fingerprint: \"\(String(repeating: "ac", count: 32))\"", "policy: 1.2", "policy: [1.2.5, 1.2.34]",
        "key: { type: rsa }", "key: { curve: P-384 }", "key: { bits: { min: 257 } }", "key: { bits: { max: 255 } }",
        "days-left: { min: 11 }", "days-left: { max: 9 }", "tls-version: \"1.2\"", "listener: Edge",
        "listener: default",
        "sni: \"{t}.Gate.example\"", "sni: \"gate.example\"", "trust-anchor: \"CN=Test Root\"",
        "trust-anchor: \"CN=CA,O=Elbe\"", "trust-anchor: { sha256: \"\(hash)\" }", "issuer: \"CN=CA\"",
        "san: { registered-id: 1.2.3 }", "san: { directory-name: \"CN=dir\" }",
        "san: { directory-name: { CN: \"x{d}\" } }",
        "san: { other-name: { 1.3.6.1.4.1.311.20.2.4: \"{n}\" } }",
        "san: { other-name: { hardwareModuleName: \"1.2.3.4/{hw:hex(5-6)}\" } }",
        "san: { other-name: { hardwareModuleName: \"1.2.3.5/{hw:hex}\" } }",
        "san: { other-name: { 1.2.3: \"{x:digits}\" } }", "san: { dns: \"{x}\" }", "san: { email: \"{x}\" }",
    ])
    func doesNotHold(match: String) throws {
        #expect(try decide(match, rich()).denial?.code == .noMatchingProfile)
    }

    @Test func multiValuedRelativeNamesCount() throws {
        let set = try compile("profile: p\nmatch: { subject: { serialNumber: \"{s}\" } }\ndevice: \"{s}\"\n").get()
        #expect(set.decide(try rich()).grant?.deviceID == "s7")
        #expect(set.decide(try rich { $0.subject = "CN=d1+serialNumber=a+serialNumber=b" }).denial?.code == .ambiguous)
    }

    /// RFC 5280, section 7.1: a relative name is a set.
    @Test func theOrderInsideARelativeNameMeansNothing() throws {
        let orders = ["CN=d1+serialNumber=s7,O=Elbe", "serialNumber=s7+CN=d1,O=Elbe"]
        for written in orders {
            for sent in orders {
                let name = try #require(DistinguishedName(rfc4514: sent))
                let certificate = try rich {
                    $0.subject = sent
                    $0.names = [.directoryName(name)]
                }
                let match = "match: { subject: \"\(written)\", san: { directory-name: \"\(written)\" } }"
                let set = try compile("profile: p\n\(match)\ndevice: d\n").get()
                #expect(set.decide(certificate).grant?.deviceID == "d", "\(written) \(sent)")
                let anchored = try compile(
                    "profile: p\nmatch: { subject: { CN: \"{id}\" }, trust-anchor: \"\(written)\" }\ndevice: \"{id}\"\n"
                ).get()
                let circumstances = ConnectionCircumstances.usual.with {
                    $0.trustAnchor = ConnectionCircumstances.TrustAnchor(
                        subject: name, sha256Fingerprint: [UInt8](repeating: 9, count: 32))
                }
                #expect(anchored.decide(certificate, circumstances).grant?.deviceID == "d1", "\(written) \(sent)")
            }
        }
    }

    @Test(
        arguments: [
            (Int64(86_399), 0), (86_400, 1), (0, 0), (-1, -1), (-86_400, -1), (-86_401, -2), (Int64.max, nil),
            (Int64.min, nil),
        ] as [(Int64, Int?)])
    func daysAreRoundedDown(left: Int64, days: Int?) throws {
        let set = try compile(
            "profile: p\nmatch: { subject: { CN: \"{id}\" }, days-left: { min: \(days ?? 0), max: \(days ?? 0) } }\ndevice: \"{id}\"\nquarantine: { profile: q, expired: 30d }\n",
            "profile: q\nabstract: true\n"
        ).get()
        let (notAfter, overflow) = ConnectionCircumstances.usual.now.addingReportingOverflow(left)
        let certificate = try rich { $0.notAfter = overflow ? left : notAfter }
        #expect((set.decide(certificate).grant != nil) == (days != nil))
    }

    /// Bytes that are no DER, and names of any length, are answered.
    @Test func hostileValuesMatchNothing() throws {
        let match = "san: { other-name: { hardwareModuleName: \"{a}/{b:hex}\" } }"
        for length in 0...64 {
            for filler in [UInt8(0x00), 0x30, 0x80, 0x82, 0xFF] {
                let value = [0x30, UInt8(length)] + [UInt8](repeating: filler, count: length)
                let name = SubjectAlternativeName.otherName(oid: "1.3.6.1.5.5.7.8.4", value: value)
                #expect(try decide(match, rich { $0.names = [name] }).grant == nil)
            }
        }
        let huge = String(repeating: "é#+/\u{0}", count: 4_000)
        let name = DistinguishedName(attributes: [("CN", huge), ("O", huge)])
        let set = try compile("profile: p\nmatch: { subject: { CN: \"{id}\" } }\ndevice: \"{id}\"\n").get()
        let subject = try #require(name)
        let hostile = CertificateAttributes(
            subject: subject, issuer: DistinguishedName([]), subjectAlternativeNames: [], serialNumber: [],
            sha256Fingerprint: [], notBefore: .min, notAfter: .max)
        let denial = try #require(set.decide(hostile).denial)
        #expect(denial.code == .noMatchingProfile)
        #expect(denial.detail.utf8.count < 4_096)
    }

    @Test func aCertificateWithTooManyNamesGetsNothing() throws {
        let names = (0..<300).map { SubjectAlternativeName.dns("a\($0)") }
        let denial = try #require(try decide("key: { type: ec }", rich { $0.names = names }).denial)
        #expect(denial.code == .noMatchingProfile)
        #expect(denial.detail.contains("256"))
    }

    // MARK: Rank

    @Test func theMoreSpecificRuleDecides() throws {
        let set = try compile(
            "profile: pattern\nmatch: { subject: { CN: \"{id}\" } }\ndevice: \"{id}\"\n",
            "profile: two\nmatch: { subject: { CN: \"{id}\", OU: \"{x}\" } }\ndevice: \"{id}\"\n",
            "profile: literal\nmatch: { subject: { CN: \"{id}\", O: Elbe } }\ndevice: \"{id}\"\n",
            "profile: exact\nmatch: { fingerprint: \"\(Self.hash)\" }\ndevice: one\n"
        ).get()
        #expect(set.profileNames == ["exact", "literal", "two", "pattern"])
        #expect(set.decide(try rich()).grant?.profileName == "exact")
        #expect(set.decide(try certificate("CN=a,OU=b,O=Elbe")).grant?.profileName == "literal")
        #expect(set.decide(try certificate("CN=a,OU=b")).grant?.profileName == "two")
        #expect(set.decide(try certificate("CN=a")).grant?.profileName == "pattern")
    }

    @Test func priorityComesBeforeSpecificity() throws {
        let set = try compile(
            "profile: wide\npriority: 1\nmatch: { subject: { CN: \"{id}\" } }\ndevice: \"{id}\"\n",
            "profile: narrow\nmatch: { subject: { CN: \"x{id}\", O: Elbe } }\ndevice: \"{id}\"\n"
        )
        guard case .success(let set) = set else { return }
        #expect(set.decide(try certificate("CN=xa,O=Elbe")).grant?.profileName == "wide")
    }
}

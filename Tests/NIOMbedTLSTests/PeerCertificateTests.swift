import FleetPKI
import Foundation
import Testing

@testable import NIOMbedTLS

/// Reading certificates, good ones and above all bad ones.
@Suite("peer certificate")
struct PeerCertificateTests {
    @Test func everyField() throws {
        let credentials = try TLSTestCredentials.get()
        let notBefore = Date(timeIntervalSince1970: 1_700_000_000)
        let notAfter = Date(timeIntervalSince1970: 4_102_444_800)
        let issued = try credentials.root.issue(
            TLSTestCredentials.deviceTemplate {
                $0.subject = [("C", "SE"), ("O", "Mätare, AB"), ("OU", "#1"), ("CN", "+/#")]
                $0.alternativeNames = [
                    .dns("meter-17.example"), .uri("urn:dev:mac:0024befffe804ff1"), .email("ops@example.org"),
                    .ip("192.0.2.7"), .ip("2001:db8::1"),
                ]
                $0.notBefore = notBefore
                $0.notAfter = notAfter
                $0.serialNumber = [0x01, 0xAB]
            })
        let certificate = try PeerCertificate(parsing: issued.certificateDER)
        #expect(certificate.version == 3)
        #expect(certificate.serialNumber == [0x01, 0xAB] && certificate.serialNumberHex == "01ab")
        #expect(certificate.sha256FingerprintHex == issued.sha256Fingerprint.lowercased().filter { $0 != ":" })
        #expect(
            certificate.subject == [
                [NameAttribute(oid: "2.5.4.6", value: "SE")], [NameAttribute(oid: "2.5.4.10", value: "Mätare, AB")],
                [NameAttribute(oid: "2.5.4.11", value: "#1")], [NameAttribute(oid: "2.5.4.3", value: "+/#")],
            ])
        #expect(certificate.subjectDescription == ##"CN=\+/#,OU=\#1,O=Mätare\, AB,C=SE"##)
        #expect(certificate.issuerDescription == "CN=Test Root")
        #expect(certificate.notBefore == 1_700_000_000 && certificate.notAfter == 4_102_444_800)
        #expect(certificate.keyAlgorithm == .ellipticCurve(oid: "1.2.840.10045.3.1.7") && certificate.keyBits == 256)
        #expect(
            certificate.subjectAlternativeNames == [
                .dns("meter-17.example"), .uri("urn:dev:mac:0024befffe804ff1"), .email("ops@example.org"),
                .ip([192, 0, 2, 7]), .ip([0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
            ])
        #expect(!certificate.isCA && certificate.keyUsage == 1)
        #expect(certificate.extendedKeyUsages == ["1.3.6.1.5.5.7.3.2"])
        #expect(certificate.certificatePolicies.isEmpty && !certificate.isSelfIssued)
        let root = try PeerCertificate(
            parsing: try CertificateInspectionDER.der(ofPEM: try credentials.root.certificatePEM))
        #expect(root.isCA && root.maySignCertificates && root.isSelfIssued)
        #expect(certificate.authorityKeyIdentifier == root.subjectKeyIdentifier)
        #expect(certificate.issuerDER == root.subjectDER)
    }

    @Test func theHashOfThePublicKey() throws {
        let credentials = try TLSTestCredentials.get()
        let certificate = try PeerCertificate(parsing: credentials.device.certificateDER)
        // A SubjectPublicKeyInfo of a key on P-256 (RFC 5480, 2) has 91 bytes and begins with these.
        let prefix: [UInt8] = [
            0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08,
        ]
        let der = certificate.der
        let start = try #require(der.indices.first { der[$0...].starts(with: prefix) })
        #expect(try certificate.publicKeySHA256 == PeerCertificate.sha256(der[start..<start + 91]))
        // It outlives the certificate, and belongs to one key.
        let renewed = try credentials.root.issue(
            TLSTestCredentials.deviceTemplate(), for: credentials.device.key.publicKey)
        let renewedCertificate = try PeerCertificate(parsing: renewed.certificateDER)
        #expect(renewedCertificate.publicKeySHA256 == certificate.publicKeySHA256)
        #expect(renewedCertificate.sha256Fingerprint != certificate.sha256Fingerprint)
        let other = try credentials.root.issue(TLSTestCredentials.deviceTemplate())
        #expect(try PeerCertificate(parsing: other.certificateDER).publicKeySHA256 != certificate.publicKeySHA256)
    }

    /// The content of a certificatePolicies extension, and what is read of it; nil when it is refused.
    struct Policies: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let value: [UInt8]
        let read: [String]?
    }

    private static let policy: [UInt8] = [0x30, 0x05, 0x06, 0x03, 0x88, 0x37, 0x01]
    static let policies: [Policies] = [
        Policies(testDescription: "one", value: [0x30, 0x07] + policy, read: ["2.999.1"]),
        Policies(
            testDescription: "two, one with qualifiers",
            value: [0x30, 0x12, 0x30, 0x09, 0x06, 0x03, 0x88, 0x37, 0x02, 0x30, 0x02, 0x05, 0x00] + policy,
            read: ["2.999.2", "2.999.1"]),
        Policies(
            testDescription: "as many as may be",
            value: [0x30, 0x81, 0xE0] + Array(repeating: policy, count: 32).flatMap(\.self),
            read: Array(repeating: "2.999.1", count: 32)),
        Policies(
            testDescription: "one too many",
            value: [0x30, 0x81, 0xE7] + Array(repeating: policy, count: 33).flatMap(\.self),
            read: nil),
        Policies(testDescription: "no sequence", value: policy.dropFirst(2) + [], read: nil),
        Policies(testDescription: "an empty policy", value: [0x30, 0x02, 0x30, 0x00], read: nil),
        Policies(testDescription: "no identifier", value: [0x30, 0x04, 0x30, 0x02, 0x05, 0x00], read: nil),
        Policies(
            testDescription: "an identifier that does not end", value: [0x30, 0x05, 0x30, 0x03, 0x06, 0x01, 0x88],
            read: nil),
        Policies(testDescription: "truncated", value: [0x30, 0x09] + policy, read: nil),
        Policies(testDescription: "nothing", value: [], read: nil),
    ]

    @Test(arguments: policies)
    func certificatePolicies(_ policies: Policies) throws {
        let issued = try TLSTestCredentials.get().root.issue(
            TLSTestCredentials.deviceTemplate {
                $0.additionalExtensions = [.init(oid: "2.5.29.32", critical: false, value: policies.value)]
            })
        guard let read = policies.read else {
            #expect(throws: TLSError.self) { try PeerCertificate(parsing: issued.certificateDER) }
            return
        }
        #expect(try PeerCertificate(parsing: issued.certificateDER).certificatePolicies == read)
    }

    @Test func everyTruncationIsRefused() throws {
        let der = try TLSTestCredentials.get().device.certificateDER
        for length in 0..<der.count {
            #expect(throws: TLSError.self) { try PeerCertificate(parsing: Array(der.prefix(length))) }
        }
        #expect(throws: TLSError.self) { try PeerCertificate(parsing: der + [0]) }
        #expect(throws: TLSError.self) {
            try PeerCertificate(parsing: [UInt8](repeating: 0x30, count: TLSLimits.certificateBytesMax + 1))
        }
    }

    /// Anything may come of a changed byte but a trap.
    @Test func mutationsNeverTrap() throws {
        let der = try TLSTestCredentials.get().device.certificateDER
        var random = SeededRandom(seed: 99)
        var refused = 0
        for offset in der.indices {
            for _ in 0..<4 {
                var changed = der
                changed[offset] = UInt8(truncatingIfNeeded: random.next())
                if (try? PeerCertificate(parsing: changed)) == nil {
                    refused += 1
                }
            }
        }
        #expect(refused > 100)
    }

    @Test(
        arguments: [
            (0x0C, Array("grün".utf8), "grün"), (0x0C, [0xC3, 0x28], nil), (0x0C, [0x41, 0x00], nil),
            (0x0C, [0xED, 0xA0, 0x80], nil), (0x0C, [0xC0, 0x80], nil),
            (0x13, Array("a_b@c*".utf8), "a_b@c*"), (0x13, [0xE4], nil), (0x13, [0x0A], nil),
            (0x12, Array("12 3".utf8), "12 3"), (0x12, Array("1a".utf8), nil),
            (0x16, Array("a@b".utf8), "a@b"), (0x16, [0x80], nil), (0x16, [0x00], nil),
            (0x14, [0x47, 0xFC, 0x6E], "Gün"), (0x14, [0x00], nil),
            (0x1E, [0x00, 0x41, 0x20, 0xAC], "A€"), (0x1E, [0x00], nil), (0x1E, [0xD8, 0x00], nil),
            (0x1E, [0x00, 0x00], nil),
            (0x1C, [0x00, 0x01, 0xF6, 0x00], "😀"), (0x1C, [0x00, 0x11, 0x00, 0x00], nil),
            (0x1C, [0x00, 0x00, 0x41], nil),
            (0x04, [0x41], nil), (0x30, [], nil),
        ] as [(UInt8, [UInt8], String?)])
    func text(_ tag: UInt8, _ bytes: [UInt8], _ expected: String?) {
        #expect(DirectoryText.decode(tag: tag, bytes[...]) == expected)
    }

    @Test(
        arguments: [
            (0x17, "700101000000Z", 0), (0x17, "491231235959Z", 2_524_607_999), (0x17, "500101000000Z", -631_152_000),
            (0x18, "20000229120000Z", 951_825_600), (0x18, "19000228000000Z", -2_203_977_600),
            (0x18, "99991231235959Z", 253_402_300_799), (0x18, "00000101000000Z", -62_167_219_200),
            (0x18, "20010229000000Z", nil), (0x18, "19000229000000Z", nil), (0x18, "20000001000000Z", nil),
            (0x18, "20001301000000Z", nil), (0x18, "20000132000000Z", nil), (0x18, "20000100000000Z", nil),
            (0x18, "20000101240000Z", nil), (0x18, "20000101006000Z", nil), (0x18, "20000101000060Z", nil),
            (0x18, "20000101000000", nil), (0x18, "20000101000000+0000", nil), (0x18, "2000010100000aZ", nil),
            (0x17, "7001010000Z", nil), (0x17, "20000101000000Z", nil), (0x04, "700101000000Z", nil), (0x17, "", nil),
        ] as [(UInt8, String, Int64?)])
    func times(_ tag: UInt8, _ text: String, _ expected: Int64?) {
        #expect(CertificateTime.seconds(tag: tag, text: Array(text.utf8)[...]) == expected)
    }

    @Test(
        arguments: [
            ([0x55, 0x04, 0x03], "2.5.4.3"), ([0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01], "1.2.840.10045.2.1"),
            ([0x09, 0x92, 0x26, 0x89, 0x93, 0xF2, 0x2C, 0x64, 0x01, 0x01], "0.9.2342.19200300.100.1.1"),
            ([0x88, 0x37, 0x01], "2.999.1"), ([0x27], "0.39"), ([0x28], "1.0"),
            ([], nil), ([0x80, 0x01], nil), ([0x55, 0x84], nil), ([UInt8](repeating: 0xFF, count: 12), nil),
            ([UInt8](repeating: 0x01, count: 65), nil),
        ] as [([UInt8], String?)])
    func objectIdentifiers(_ content: [UInt8], _ expected: String?) {
        #expect((try? DERReader.dotted(content[...])) == expected)
    }

    @Test(
        arguments: [
            [0x30, 0x80, 0x00, 0x00], [0x30, 0x81, 0x01, 0x00], [0x30, 0x82, 0x00, 0x01, 0x00],
            [0x30, 0x83, 0, 0, 1, 0],
            [0x1F, 0x01, 0x00], [0x30, 0x02, 0x00], [0x30], [],
        ] as [[UInt8]])
    func malformedElements(_ bytes: [UInt8]) {
        var reader = DERReader(bytes)
        #expect(throws: DERReader.Failure.self) { try reader.next() }
    }

    @Test func multiValuedNamesAndAlternativeNames() throws {
        let names: [UInt8] = [
            0x31, 0x1C,
            0x30, 0x0C, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0C, 0x05, 0x6D, 0x65, 0x74, 0x65, 0x72,
            0x30, 0x0C, 0x06, 0x03, 0x55, 0x04, 0x05, 0x13, 0x05, 0x31, 0x32, 0x33, 0x34, 0x35,
        ]
        let name = try DistinguishedName.read(DERReader(names))
        #expect(name == [[.init(oid: "2.5.4.3", value: "meter"), .init(oid: "2.5.4.5", value: "12345")]])
        #expect(DistinguishedName.description(of: name) == "CN=meter+serialNumber=12345")
        #expect(throws: DERReader.Failure.self) { try DistinguishedName.read(DERReader([0x31, 0x00])) }

        let alternatives: [UInt8] = [
            0x30, 0x29,
            0x82, 0x03, 0x61, 0x00, 0x62,  // a DNS name with U+0000
            0x87, 0x03, 1, 2, 3,  // an address of three bytes
            0x88, 0x01, 0x2A,  // a registered identifier
            0xA0, 0x0A, 0x06, 0x03, 0x88, 0x37, 0x01, 0xA0, 0x03, 0x0C, 0x01, 0x78,
            0xA4, 0x0E, 0x30, 0x0C, 0x31, 0x0A, 0x30, 0x08, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0C, 0x01, 0x79,
        ]
        #expect(
            try SubjectAlternativeName.readAll(DERReader(alternatives)) == [
                .other(tag: 0x82), .other(tag: 0x87), .registeredID("1.2"),
                .otherName(oid: "2.999.1", value: [0x0C, 0x01, 0x78]),
                .directoryName([[.init(oid: "2.5.4.3", value: "y")]]),
            ])
    }

    @Test func tooManyAlternativeNames() {
        var content: [UInt8] = []
        for _ in 0...SubjectAlternativeName.countMax {
            content += [0x82, 0x01, 0x61]
        }
        let extensionValue = [0x30, 0x82, UInt8(content.count >> 8), UInt8(content.count & 0xFF)] + content
        #expect(throws: DERReader.Failure.self) { try SubjectAlternativeName.readAll(DERReader(extensionValue)) }
    }

    @Test(
        arguments: [
            ([0x01], true), ([0x00, 0x80], true), ([UInt8](repeating: 0x7F, count: 20), true),
            ([], false), ([0x00], false), ([0x80], false), ([UInt8](repeating: 0x01, count: 21), false),
        ] as [([UInt8], Bool)])
    func serialNumbers(_ number: [UInt8], _ isGood: Bool) {
        #expect(VerificationRules.isGoodSerialNumber(number) == isGood)
    }
}

enum CertificateInspectionDER {
    /// The DER of one PEM certificate.
    static func der(ofPEM pem: String) throws -> [UInt8] {
        let lines = pem.split(separator: "\n").filter { !$0.hasPrefix("-----") }
        return Array(try #require(Data(base64Encoded: lines.joined())))
    }
}

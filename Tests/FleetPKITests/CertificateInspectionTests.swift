import FleetPKI
import Foundation
import Testing

@Suite struct CertificateInspectionTests {
    let authority: CertificateAuthority

    init() throws {
        self.authority = try CertificateAuthority.makeDevelopmentRoot(organization: "Example")
    }

    @Test func everythingAPersonAsksFor() throws {
        let issued = try self.authority.issue(
            .init(
                subject: [("O", "Example, Inc."), ("CN", "meter-7")],
                alternativeNames: [.dns("m7.example"), .ip("2001:db8::7"), .uri("urn:dev:7"), .email("a@b.example")],
                notBefore: Date(timeIntervalSince1970: 1_700_000_000),
                notAfter: Date(timeIntervalSince1970: 1_900_000_000)
            )
        )
        let inspection = try CertificateInspection(pem: "a comment\n" + issued.certificatePEM)
        #expect(inspection.version == 3)
        #expect(inspection.subject == #"CN=meter-7,O=Example\, Inc."#)
        #expect(inspection.issuer == "CN=FleetGate Development Root CA,O=Example")
        #expect(inspection.serialNumber == issued.serialNumber)
        #expect(inspection.sha256Fingerprint == issued.sha256Fingerprint)
        #expect(inspection.notAfter == Date(timeIntervalSince1970: 1_900_000_000))
        #expect(inspection.keyType == "EC P-256")
        #expect(inspection.keySizeInBits == 256)
        #expect(inspection.signatureAlgorithm == "ecdsa-with-SHA256")
        #expect(
            inspection.alternativeNames.map { "\($0.type):\($0.value)" }
                == ["dns:m7.example", "ip:2001:db8::7", "uri:urn:dev:7", "email:a@b.example"]
        )
        #expect(!inspection.isCA)
        #expect(!inspection.isSelfIssued)
        for part in [#"CN=meter-7,O=Example\, Inc."#, issued.sha256Fingerprint, "2030-03-17T17:46:40Z", "clientAuth"] {
            #expect(inspection.description.contains(part))
        }
    }

    @Test func jsonRoundTrip() throws {
        let inspection = try CertificateInspection(self.authority.certificate)
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .iso8601
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        let json = try encoder.encode(inspection)
        #expect(try decoder.decode(CertificateInspection.self, from: json) == inspection)
        #expect(inspection.isCA && inspection.isSelfIssued && inspection.maxPathLength == 1)
    }

    @Test(arguments: [(KeyType.p384, "EC P-384", 384), (.rsa2048, "RSA", 2048), (.ed25519, "Ed25519", 256)])
    func keyKinds(_ type: KeyType, _ name: String, _ bits: Int) throws {
        let issued = try self.authority.issue(.init(subject: [("CN", "x")], keyType: type))
        let inspection = try CertificateInspection(der: issued.certificateDER)
        #expect(inspection.keyType == name)
        #expect(inspection.keySizeInBits == bits)
    }

    @Test func contentsInEitherForm() throws {
        let issued = try self.authority.issue(.init(subject: [("CN", "x")]))
        let der = try CertificateInspection(contents: issued.certificateDER)
        #expect(try CertificateInspection(contents: Array(issued.certificatePEM.utf8)) == der)
        #expect(try CertificateInspection(contents: Array(("0" + "\n" + issued.certificatePEM).utf8)) == der)
    }

    @Test func severalCertificates() throws {
        let two = try self.authority.certificatePEM + self.authority.issue(.init(subject: [("CN", "x")])).certificatePEM
        #expect(try code { try CertificateInspection(pem: two) } == .severalItems)
        #expect(try CertificateInspection.all(pem: two).count == 2)
    }

    @Test(arguments: [
        ("", "no-pem-block"), ("hello", "no-pem-block"),
        ("-----BEGIN PRIVATE KEY-----\nAQID\n-----END PRIVATE KEY-----\n", "no-pem-block"),
        ("-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n", "malformed-certificate"),
        ("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", "malformed-certificate"),
        ("-----BEGIN CERTIFICATE-----\nMIT/////\n-----END CERTIFICATE-----\n", "malformed-certificate"),
        ("-----BEGIN CERTIFICATE-----\n(((\n-----END CERTIFICATE-----\n", "malformed-pem"),
        ("-----BEGIN CERTIFICATE-----\nMAA=\n", "malformed-pem"),
    ])
    func malformed(_ pem: String, _ expected: String) throws {
        #expect(try code { try CertificateInspection(pem: pem) }?.rawValue == expected)
        #expect(try code { try CertificateInspection.all(pem: pem) }?.rawValue == expected)
    }

    @Test func octetsAfterTheCertificate() throws {
        let der = try self.authority.issue(.init(subject: [("CN", "x")])).certificateDER
        #expect(try code { try CertificateInspection(der: der + [0]) } == .malformedCertificate)
        #expect(try code { try CertificateInspection(contents: [0x30, 0xFF, 0xFE]) } == .malformedCertificate)
        let long = [UInt8](repeating: 0x30, count: (1 << 20) + 1)
        #expect(try code { try CertificateInspection(der: long) } == .inputTooLong)
    }

    /// Every prefix, and every octet changed in several ways: a value or an error, never a trap.
    @Test func damagedCertificates() throws {
        let der = try self.authority.issue(
            .init(
                subject: [("C", "DE"), ("CN", "x")],
                alternativeNames: [.dns("a.example"), .ip("::1")],
                additionalExtensions: [.unknownCritical]
            )
        ).certificateDER
        for count in 0..<der.count {
            #expect(try code { try CertificateInspection(der: Array(der.prefix(count))) } == .malformedCertificate)
        }
        for index in der.indices {
            for change: UInt8 in [0x01, 0x80, 0xFF] {
                var damaged = der
                damaged[index] ^= change
                if let inspection = try? CertificateInspection(der: damaged) {
                    #expect(!inspection.description.isEmpty)
                }
            }
        }
    }

    @Test func namesCannotForgeLines() throws {
        let issued = try self.authority.issue(.init(subject: [("CN", "x\nCA: yes\u{1B}[2J\u{202E}")]))
        let inspection = try CertificateInspection(der: issued.certificateDER)
        #expect(!inspection.description.contains("\nCA: yes\u{1B}"))
        #expect(
            inspection.description.unicodeScalars.allSatisfy { $0 == "\n" || $0.properties.generalCategory != .control }
        )
    }
}

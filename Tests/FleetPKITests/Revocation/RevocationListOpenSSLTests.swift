import Foundation
import Testing
import X509

@testable import FleetPKI

/// Lists that OpenSSL made, as a second opinion on what a list is.
@Suite struct RevocationListOpenSSLTests {
    private static let reasons = [
        "keyCompromise", "CACompromise", "affiliationChanged", "superseded", "cessationOfOperation", "certificateHold",
    ]

    /// A list made by `openssl ca -gencrl` with one entry for each reason and one without.
    private func make(_ openssl: OpenSSL, _ root: CertificateAuthority, extensions: String, _ arguments: String...)
        throws -> [UInt8]
    {
        try openssl.write("ca.pem", try root.certificatePEM)
        try openssl.write("ca.key", root.privateKeyPEM)
        let lines = Self.reasons.enumerated().map {
            "R\t400101000000Z\t250102030405Z,\($1)\tFF\($0)0\tunknown\t/CN=x\($0)\n"
        }
        try openssl.write(
            "index.txt", (lines + ["R\t400101000000Z\t490102030405Z\t01\tunknown\t/CN=y\n"]).joined())
        try openssl.write("number", "0100\n")
        try openssl.write(
            "ca.cnf",
            """
            [ca]
            default_ca = d
            [d]
            database = index.txt
            crlnumber = number
            default_md = sha256
            default_crl_days = 3
            \(extensions.isEmpty ? "" : "crl_extensions = e\n[e]\n\(extensions)")
            """)
        let call = [
            "ca", "-config", "ca.cnf", "-gencrl", "-cert", "ca.pem", "-keyfile", "ca.key", "-out", "crl.pem",
        ]
        let outcome = try openssl.run(call + arguments)
        try #require(outcome.status == 0, "\(outcome.output)")
        try openssl.require("crl", "-in", "crl.pem", "-outform", "DER", "-out", "crl.der")
        return try openssl.readBytes("crl.der")
    }

    @Test(.needsOpenSSL, arguments: [KeyType.p256, .p384, .rsa2048])
    func entriesAndHeaderAreWhatOpenSSLWrote(_ type: KeyType) throws {
        let openssl = try OpenSSL()
        defer { openssl.remove() }
        let root = try CertificateAuthority.makeDevelopmentRoot(keyType: type)
        let der = try self.make(openssl, root, extensions: "authorityKeyIdentifier = keyid")
        let (header, entries) = try scan(der, issuedBy: root)
        #expect(header.number == [1, 0])
        #expect(header.authorityKeyIdentifier == Array(root.keyIdentifier))
        #expect(header.nextUpdate == header.thisUpdate + 3 * 86_400)
        #expect(Set(entries.map(\.reason)) == [0, 1, 2, 3, 4, 5, 6])
        #expect(entries.first { $0.reason == 1 }?.serialNumber == [0xFF, 0x00])
        #expect(entries.first { $0.reason == 1 }?.revokedAt == 1_735_787_045)
        #expect(entries.first { $0.reason == 0 }?.revokedAt == 2_493_169_445)
        #expect(try CertificateRevocationList.encodings(in: openssl.readBytes("crl.pem")) == [der])
    }

    @Test(.needsOpenSSL, arguments: ["sha256", "sha384", "sha512"])
    func probabilisticSignaturesAreChecked(_ hash: String) throws {
        let openssl = try OpenSSL()
        defer { openssl.remove() }
        let root = try CertificateAuthority.makeDevelopmentRoot(keyType: .rsa2048)
        let der = try self.make(
            openssl, root, extensions: "authorityKeyIdentifier = keyid", "-md", hash, "-sigopt",
            "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest")
        let (header, entries) = try scan(der, issuedBy: root)
        #expect(header.signatureAlgorithm == "rsassaPss with \(hash.uppercased())")
        #expect(entries.count == 7)
        var damaged = der
        damaged[der.count - 1] ^= 1
        #expect(try code { try scan(damaged, issuedBy: root) } == .badRevocationListSignature)
    }

    @Test(.needsOpenSSL) func weakOrUnusualSignaturesAreRefused() throws {
        let openssl = try OpenSSL()
        defer { openssl.remove() }
        let root = try CertificateAuthority.makeDevelopmentRoot(keyType: .rsa2048)
        for arguments in [
            ["-md", "sha1"], ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:10"],
            ["-md", "sha1", "-sigopt", "rsa_padding_mode:pss"],
        ] {
            let der = try self.make(
                openssl, root, extensions: "", arguments[0], arguments[1],
                arguments.count > 2 ? arguments[2] : "-batch",
                arguments.count > 3 ? arguments[3] : "-batch")
            #expect(try code { try scan(der, issuedBy: root) } == .unsupportedRevocationListSignature, "\(arguments)")
        }
    }

    @Test(.needsOpenSSL) func distributionPointsAreWhatOpenSSLWrote() throws {
        let openssl = try OpenSSL()
        defer { openssl.remove() }
        let root = try CertificateAuthority.makeDevelopmentRoot()
        let der = try self.make(
            openssl, root,
            extensions: """
                issuingDistributionPoint = critical, @i
                [i]
                fullname = URI:http://example.test/a.crl
                onlyuser = TRUE
                """)
        let header = try scan(der, issuedBy: root).header
        #expect(header.distributionPoints == ["http://example.test/a.crl"])
        #expect(header.onlyUserCertificates)
        for (line, code) in [
            ("indirectCRL = TRUE", PKIError.Code.indirectRevocationList), ("onlyAA = TRUE", .attributeRevocationList),
            ("onlysomereasons = keyCompromise", .partialRevocationList),
        ] {
            let der = try self.make(
                openssl, root, extensions: "issuingDistributionPoint = critical, @i\n[i]\n\(line)")
            #expect(try FleetPKITests.code { try scan(der, issuedBy: root) } == code, "\(line)")
        }
    }

    @Test(.needsOpenSSL) func deltaListsAreRefused() throws {
        let openssl = try OpenSSL()
        defer { openssl.remove() }
        let root = try CertificateAuthority.makeDevelopmentRoot()
        let der = try self.make(openssl, root, extensions: "2.5.29.27 = critical, ASN1:INTEGER:3")
        #expect(try code { try scan(der, issuedBy: root) } == .deltaRevocationList)
        let unknown = try self.make(openssl, root, extensions: "1.2.3.4 = critical, ASN1:INTEGER:3")
        #expect(try code { try scan(unknown, issuedBy: root) } == .unknownCriticalExtension)
    }
}

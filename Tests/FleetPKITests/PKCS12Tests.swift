import FleetPKI
import Testing

@Suite struct PKCS12Tests {
    static let iterations = 10

    @Test func aKeyOfAnotherCertificateIsRefused() throws {
        let issued = try CertificateAuthority.selfSigned(.init(subject: [("CN", "device")]))
        let other = try KeyPair.generate()
        let thrown = try code {
            try PKCS12.archive(certificate: issued.certificateDER, chain: [], privateKey: other, passphrase: "p")
        }
        #expect(thrown == .keyMismatch)
    }

    @Test(
        arguments: [[], [0x30], [0x30, 0x00], [0xFF, 0xFF, 0xFF, 0xFF], [0x30, 0x84, 0x7F, 0xFF, 0xFF, 0xFF]]
            as [[UInt8]])
    func malformedCertificates(_ der: [UInt8]) throws {
        let issued = try CertificateAuthority.selfSigned(.init(subject: [("CN", "device")]))
        let asLeaf = try code {
            try PKCS12.archive(certificate: der, chain: [], privateKey: issued.key, passphrase: "p")
        }
        #expect(asLeaf == (der.isEmpty ? .inputTooLong : .malformedCertificate))
        guard !der.isEmpty else { return }
        let inChain = try code {
            try PKCS12.archive(
                certificate: issued.certificateDER,
                chain: [issued.certificateDER, der],
                privateKey: issued.key,
                passphrase: "p"
            )
        }
        #expect(inChain == .malformedCertificate)
    }

    @Test func octetsAfterTheCertificateAreRefused() throws {
        let issued = try CertificateAuthority.selfSigned(.init(subject: [("CN", "device")]))
        let thrown = try code {
            try PKCS12.archive(
                certificate: issued.certificateDER + [0],
                chain: [],
                privateKey: issued.key,
                passphrase: "p"
            )
        }
        #expect(thrown == .malformedCertificate)
    }

    @Test(arguments: ["", "a\u{0}b", String(repeating: "x", count: 1025)])
    func unusablePassphrases(_ passphrase: String) throws {
        let issued = try CertificateAuthority.selfSigned(.init(subject: [("CN", "device")]))
        let thrown = try code { try PKCS12.archive(issued, passphrase: passphrase, iterations: Self.iterations) }
        #expect(thrown == .invalidPassphrase)
    }

    @Test func otherArgumentsOutOfRange() throws {
        let issued = try CertificateAuthority.selfSigned(.init(subject: [("CN", "device")]))
        for iterations in [0, -5, Int.max] {
            #expect(
                try code { try PKCS12.archive(issued, passphrase: "p", iterations: iterations) } == .invalidArgument)
        }
        let named = try code {
            try PKCS12.archive(issued, friendlyName: "a\u{0}b", passphrase: "p", iterations: Self.iterations)
        }
        #expect(named == .invalidArgument)
        let long = try code {
            try PKCS12.archive(
                certificate: [UInt8](repeating: 0, count: (1 << 20) + 1),
                chain: [],
                privateKey: issued.key,
                passphrase: "p"
            )
        }
        #expect(long == .inputTooLong)
    }
}

@Suite(.needsOpenSSL) struct PKCS12WithOpenSSLTests {
    @Test func openSSLReadsKeyChainAndName() throws {
        let openssl = try OpenSSL()
        defer { openssl.remove() }
        let intermediate = try CertificateAuthority.makeDevelopmentRoot().makeIntermediate()
        let issued = try intermediate.issue(.init(subject: [("CN", "Zähler 7")]))
        try openssl.write("a.p12", try PKCS12.archive(issued, friendlyName: "Zähler 7", passphrase: "geheim"))

        let output = try openssl.require("pkcs12", "-in", "a.p12", "-passin", "pass:geheim", "-nodes")
        #expect(output.contains("friendlyName"))
        #expect(try KeyPair(pem: output).publicKey == issued.key.publicKey)
        let certificates = try CertificateInspection.all(pem: output)
        #expect(certificates.map(\.sha256Fingerprint).contains(issued.sha256Fingerprint))
        #expect(certificates.count == 2)

        let info = try openssl.require("pkcs12", "-in", "a.p12", "-passin", "pass:geheim", "-info", "-noout")
        #expect(info.contains("AES-256-CBC"))
        #expect(info.contains("sha256"))
        #expect(!info.contains("RC2"))
        #expect(try openssl.run("pkcs12", "-in", "a.p12", "-passin", "pass:other", "-nodes").status != 0)
    }

    @Test func aPinnedDeviceWithoutAChain() throws {
        let openssl = try OpenSSL()
        defer { openssl.remove() }
        let issued = try CertificateAuthority.selfSigned(.init(subject: [("CN", "device")], keyType: .rsa2048))
        try openssl.write("a.p12", try PKCS12.archive(issued, passphrase: "p", iterations: PKCS12Tests.iterations))
        let output = try openssl.require("pkcs12", "-in", "a.p12", "-passin", "pass:p", "-nodes")
        #expect(try KeyPair(pem: output).publicKey == issued.key.publicKey)
    }
}

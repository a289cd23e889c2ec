import Foundation
import Testing
import X509

@testable import FleetPKI

@Suite struct PKIItemTests {
    private let root: CertificateAuthority
    private let issued: IssuedCertificate

    init() throws {
        root = try CertificateAuthority.makeDevelopmentRoot()
        issued = try root.issue(.init(subject: [("CN", "a")]))
    }

    private func name(_ item: PKIItem?) -> String {
        switch item {
        case .certificate: "certificate"
        case .request: "request"
        case .revocationList: "list"
        case .archive: "archive"
        case .privateKey: "key"
        case .locked(let kind): "locked \(kind.rawValue)"
        case .other(let label): "other \(label)"
        case .unreadable(let kind, let error): "unreadable \(kind.rawValue) \(error.code)"
        case nil: "nothing"
        }
    }

    private func names(_ contents: [UInt8], passphrase: String? = nil) throws -> [String] {
        try PKIItem.all(in: contents, passphrase: passphrase).map(name)
    }

    @Test func eachKindIsFoundOutInDER() throws {
        let list = try root.issueCRL(revoked: [], nextUpdate: Date() + 60, number: 1)
        let archive = try PKCS12.archive(issued, passphrase: "horse", iterations: 10)
        #expect(try names(issued.certificateDER) == ["certificate"])
        #expect(try names(list.der) == ["list"])
        #expect(try names(issued.key.pkcs8DER) == ["key"])
        #expect(try names(archive) == ["locked archive"])
        #expect(try names(archive, passphrase: "horse") == ["archive"])
        #expect(try names(archive, passphrase: "cow") == ["unreadable archive wrong-passphrase"])
    }

    @Test func everyBlockOfATextIsShown() throws {
        let list = try root.issueCRL(revoked: [], nextUpdate: Date() + 60, number: 1)
        let encrypted = try PrivateKeyPEM.encrypt(issued.privateKeyPEM, passphrase: "horse", iterations: 10)
        let text =
            "a text\n" + issued.certificatePEM + (try root.certificatePEM) + list.pem + issued.privateKeyPEM + encrypted
            + PEMBlock.encode(label: "DH PARAMETERS", der: [1]) + PEMBlock.encode(label: "CERTIFICATE", der: [0x30, 0])
        #expect(
            try names(Array(text.utf8)) == [
                "certificate", "certificate", "list", "key", "locked private-key", "other DH PARAMETERS",
                "unreadable certificate malformed-certificate",
            ])
        #expect(try names(Array(encrypted.utf8), passphrase: "horse") == ["key"])
        #expect(try names(Array(encrypted.utf8), passphrase: "cow") == ["unreadable private-key wrong-passphrase"])
    }

    @Test func anArchiveIsShownWhole() throws {
        let issuing = try root.makeIntermediate()
        let leaf = try issuing.issue(.init(subject: [("CN", "leaf")]))
        let archive = try PKCS12.archive(leaf, passphrase: "horse", iterations: 10)
        guard case .archive(let found) = try PKIItem.all(in: archive, passphrase: "horse").first else {
            Issue.record("not an archive")
            return
        }
        #expect(found.certificate?.subject == "CN=leaf")
        #expect(found.certificateDER == leaf.certificateDER)
        #expect(found.others.map(\.subject) == [issuing.certificate.subject.rfc4514])
        #expect(found.othersDER.count == 1)
        #expect(found.key == leaf.key.subjectPublicKey)
    }

    @Test(.needsOpenSSL) func anArchiveWithoutKeyIsShown() throws {
        let openssl = try OpenSSL()
        defer { openssl.remove() }
        try openssl.write("a.pem", issued.certificatePEM + (try root.certificatePEM))
        try openssl.require("pkcs12", "-export", "-nokeys", "-in", "a.pem", "-out", "a.p12", "-passout", "pass:horse")
        let items = try PKIItem.all(in: openssl.readBytes("a.p12"), passphrase: "horse")
        guard case .archive(let found) = items.first else {
            Issue.record("not an archive")
            return
        }
        #expect(found.key == nil && found.certificate == nil && found.others.count == 2)
    }

    @Test(.needsOpenSSL) func requestsAreShownAndProven() throws {
        let openssl = try OpenSSL()
        defer { openssl.remove() }
        try openssl.require(
            "req", "-new", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-keyout", "k", "-out",
            "r", "-subj", "/CN=a")
        let pem = try openssl.read("r")
        #expect(try names(Array(pem.utf8)) == ["request"])
        var der = try #require(try PEMBlock.decodeAll(pem, label: "CERTIFICATE REQUEST").first)
        #expect(try names(der) == ["request"])
        der[der.count - 1] ^= 1
        #expect(try names(der) == ["unreadable request csr-signature-invalid"])
    }

    @Test(arguments: [
        ("", PKIError.Code.unknownContents), ("hello", .unknownContents), ("0", .unknownContents),
        ("-----BEGIN X-----\n", .malformedPEM), ("-----BEGIN X-----\n-----END Y-----\n", .malformedPEM),
        ("x -----BEGIN \n", .noPEMBlock),
        (String(repeating: "-----BEGIN X-----\n-----END X-----\n", count: 4097), .severalItems),
    ])
    func whatIsNothingIsRefused(text: String, expected: PKIError.Code) throws {
        #expect(try code { try PKIItem.all(in: Array(text.utf8)) } == expected)
    }

    @Test func hostileOctetsEndInAnAnswer() throws {
        var generator = SystemRandomNumberGenerator()
        let list = try root.issueCRL(
            revoked: [.init(serialNumber: "0a", revokedAt: Date())], nextUpdate: Date() + 60, number: 1)
        let archive = try PKCS12.archive(issued, passphrase: "horse", iterations: 1)
        for sound in [issued.certificateDER, list.der, issued.key.pkcs8DER, archive] {
            for _ in 0..<300 {
                var octets = sound
                for _ in 0..<Int.random(in: 1...4, using: &generator) {
                    octets[Int.random(in: octets.indices, using: &generator)] = UInt8.random(
                        in: .min ... .max, using: &generator)
                }
                if Bool.random(using: &generator) {
                    octets.removeLast(Int.random(in: 1..<octets.count, using: &generator))
                }
                // Whatever it is taken for, it is answered; an iteration count may have grown, so no pass phrase.
                _ = try? PKIItem.all(in: octets)
                _ = try? CertificateRevocationList.firstEntries(10, of: octets)
            }
        }
        for first in UInt8.min ... .max {
            _ = try? PKIItem.all(in: [first])
            _ = try? PKIItem.all(in: [0x30, first])
            _ = try? PKIItem.all(in: [0x30, 0x84, first, 0xFF, 0xFF, 0xFF])
        }
    }

    @Test func theFirstEntriesOfAListAreShown() throws {
        let revoked = (1...9).map {
            RevokedCertificate(serialNumber: "0\($0)", revokedAt: Date(timeIntervalSince1970: 1_700_000_000))
        }
        let list = try root.issueCRL(revoked: revoked, nextUpdate: Date() + 60, number: 1)
        #expect(try CertificateRevocationList.firstEntries(3, of: list.der) == Array(revoked.prefix(3)))
        #expect(try CertificateRevocationList.firstEntries(0, of: list.der).isEmpty)
        #expect(try CertificateRevocationList.firstEntries(100, of: list.der).count == 9)
    }
}

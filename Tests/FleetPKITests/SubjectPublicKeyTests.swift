import Foundation
import Testing

@testable import FleetPKI

@Suite struct SubjectPublicKeyTests {
    @Test(arguments: [
        (KeyType.p256, "EC P-256", 256), (.p384, "EC P-384", 384), (.rsa2048, "RSA", 2048), (.rsa3072, "RSA", 3072),
        (.ed25519, "Ed25519", 256),
    ])
    func saysWhatItIs(type: KeyType, name: String, bits: Int) throws {
        let key = try KeyPair.generate(type).subjectPublicKey
        #expect(key.type == name && key.sizeInBits == bits)
        #expect((key.objection == nil) == (type != .ed25519))
    }

    @Test func aCertificateIsForTheKeyGiven() throws {
        let root = try CertificateAuthority.makeDevelopmentRoot()
        let key = try KeyPair.generate()
        let signed = try root.issue(.init(subject: [("O", "a"), ("CN", "b")]), for: key.subjectPublicKey)
        let file = try CertificateFile(contents: signed.certificateDER)
        #expect(try file.subjectPublicKey == key.subjectPublicKey)
        #expect(try file.subject.map(\.name) == ["O", "CN"])
        #expect(try file.subject.map(\.value) == ["a", "b"])
        #expect(try file.subjectPublicKey != KeyPair.generate().subjectPublicKey)
    }

    @Test func whoSignedIsFoundOut() throws {
        let root = try CertificateAuthority.makeDevelopmentRoot()
        let namesake = try CertificateAuthority.makeDevelopmentRoot()
        let other = try CertificateAuthority.makeDevelopmentRoot(commonName: "Other")
        let leaf = try CertificateFile(contents: root.issue(.init(subject: [("CN", "a")])).certificateDER)
        func file(_ authority: CertificateAuthority) throws -> CertificateFile {
            try CertificateFile(contents: Array(try authority.certificatePEM.utf8))
        }
        #expect(try leaf.isSigned(by: file(root)))
        #expect(try !leaf.isSigned(by: file(namesake)))
        #expect(try !leaf.isSigned(by: file(other)))
        #expect(try !file(root).isSigned(by: leaf))
        #expect(try file(root).isSigned(by: file(root)))
    }

    @Test(.needsOpenSSL) func distributionPointsArePrintedByOpenSSL() throws {
        let openssl = try OpenSSL()
        defer { openssl.remove() }
        let root = try CertificateAuthority.makeDevelopmentRoot()
        let urls = ["http://pki.example/crl.pem", "https://other.example/a?b=c"]
        var template = CertificateTemplate(subject: [("CN", "a")])
        template.additionalExtensions = [try .crlDistributionPoints(urls)]
        let issued = try root.issue(template)
        try openssl.write("a.pem", issued.certificatePEM)
        let text = try openssl.require("x509", "-in", "a.pem", "-noout", "-ext", "crlDistributionPoints")
        for url in urls { #expect(text.contains("URI:\(url)"), "\(text)") }
        #expect(text.components(separatedBy: "Full Name:").count == 3, "\(text)")
        #expect(try CertificateInspection(der: issued.certificateDER).crlDistributionPoints == urls)
    }

    @Test(arguments: [[], [""], ["http://a b"], ["http://ä"], ["http://a\n"], ["http://a", ""], ["\u{7F}"]])
    func whatIsNoAddressIsRefused(urls: [String]) throws {
        #expect(try code { try CertificateTemplate.RawExtension.crlDistributionPoints(urls) } == .invalidExtension)
    }
}

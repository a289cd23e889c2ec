import Crypto
import Foundation
import Testing
import X509

@testable import FleetPKI

@Suite struct AuthorityIDsTests {
    @Test func nameAndKeyMakeTheID() throws {
        let root = try CertificateAuthority.makeDevelopmentRoot(commonName: "A")
        let id = try AuthorityIDs.id(ofCertificateDER: root.certificate.der())
        #expect(id.count == 32)
        let file = try CertificateFile(contents: root.certificate.der())
        let parts = try CertificateParts(der: file.der)
        #expect(Array(SHA256.hash(data: parts.subjectPublicKeyInfo)) == file.publicKeySHA256)
        #expect(try AuthorityIDs.name(ofCertificateDER: file.der) == Array(parts.subject))
        #expect(id == Array(SHA256.hash(data: parts.subject + parts.subjectPublicKeyInfo)))
    }

    @Test func everyCertificateOfOneKeyHasTheSame() throws {
        let root = try CertificateAuthority.makeDevelopmentRoot(commonName: "A")
        let intermediate = try root.makeIntermediate(commonName: "B")
        let id = try AuthorityIDs.id(ofCertificateDER: intermediate.certificate.der())
        // The same CA under another one.
        let other = try CertificateAuthority.makeDevelopmentRoot(commonName: "C")
        let cross = try CertificateAuthority.sign(
            CertificateTemplate(subject: [], purpose: .none, isCA: true), subject: intermediate.certificate.subject,
            publicKey: intermediate.key.publicKey, issuer: other.certificate.subject, issuerKey: other.key,
            issuerKeyIdentifier: nil, notBefore: Date(), notAfter: Date() + 60)
        #expect(try AuthorityIDs.id(ofCertificateDER: cross.der()) == id)
    }

    @Test func anotherKeyOrNameHasAnother() throws {
        let root = try CertificateAuthority.makeDevelopmentRoot(commonName: "A")
        let ids = try [
            root, root.makeNamesake(), CertificateAuthority.makeDevelopmentRoot(commonName: "B"),
        ].map { try AuthorityIDs.id(ofCertificateDER: $0.certificate.der()) }
        #expect(Set(ids).count == 3)
    }

    @Test(arguments: [[], [0x30, 0], [0x30, 2, 0x30, 0], [0x02, 1, 1], Array("text".utf8)] as [[UInt8]])
    func whatIsNoCertificateIsRefused(_ octets: [UInt8]) throws {
        #expect(try code { try AuthorityIDs.id(ofCertificateDER: octets) } == .malformedCertificate)
    }

    @Test func aLongInputIsRefused() throws {
        let octets = [UInt8](repeating: 0x30, count: (1 << 20) + 1)
        #expect(try code { try AuthorityIDs.id(ofCertificateDER: octets) } == .inputTooLong)
    }
}

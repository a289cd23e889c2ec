import Foundation
import Testing
import X509

@testable import FleetPKI

@Suite struct CertificateAuthorityNamesakeTests {
    @Test func hasTheNamesAndNotTheKeys() throws {
        let root = try CertificateAuthority.makeDevelopmentRoot(organization: "Example", maxPathLength: 2)
        let upper = try root.makeIntermediate(commonName: "Upper", maxPathLength: 1)
        for original in [root, upper, try upper.makeIntermediate(commonName: "Lower")] {
            let twin = try original.makeNamesake()
            #expect(twin.certificate.subject == original.certificate.subject)
            #expect(twin.certificate.issuer == original.certificate.issuer)
            #expect(twin.issuers.map(\.subject) == original.issuers.map(\.subject))
            #expect(twin.key.publicKey != original.key.publicKey)
            let issued = try twin.issue(.init(subject: [("CN", "device")]))
            #expect(!original.key.publicKey.isValidSignature(issued.certificate.signature, for: issued.certificate))
        }
    }

    @Test(.needsOpenSSL) func isNotTrusted() throws {
        let openssl = try OpenSSL()
        defer { openssl.remove() }
        let root = try CertificateAuthority.makeDevelopmentRoot()
        let issuing = try root.makeIntermediate()
        try openssl.write("ca.pem", try root.certificatePEM)
        try openssl.write("issuing.pem", try issuing.certificatePEM)
        for twin in [try root.makeNamesake(), try issuing.makeNamesake()] {
            try openssl.write("device.pem", try twin.issue(.init(subject: [("CN", "device")])).chainPEM)
            for untrusted in ["device.pem", "issuing.pem"] {
                let outcome = try openssl.run(
                    "verify", "-CAfile", "ca.pem", "-untrusted", untrusted, "device.pem")
                #expect(outcome.status != 0)
            }
        }
    }
}

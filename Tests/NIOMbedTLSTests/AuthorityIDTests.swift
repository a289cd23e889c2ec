import FleetPKI
import NIOMbedTLS
import Testing

/// Two modules name a CA for revocation; both names have to be one.
@Suite struct AuthorityIDTests {
    @Test func bothModulesNameACAAlike() throws {
        let root = try CertificateAuthority.makeDevelopmentRoot(commonName: "Root Ä", organization: "Elbe")
        let intermediate = try root.makeIntermediate(keyType: .rsa2048)
        for authority in [root, intermediate] {
            let file = try CertificateFile(contents: Array(authority.certificatePEM.utf8))
            let certificate = try PeerCertificate(parsing: file.der)
            #expect(certificate.authorityID == (try AuthorityIDs.id(ofCertificateDER: file.der)))
        }
    }

    @Test func distributionPointsAreThoseOfTheCertificate() throws {
        let root = try CertificateAuthority.makeDevelopmentRoot(commonName: "Root")
        let points = try CertificateTemplate.RawExtension.crlDistributionPoints(["http://crl.test/1"])
        var template = CertificateTemplate(subject: [("CN", "meter")])
        let without = try PeerCertificate(parsing: root.issue(template).certificateDER)
        template.additionalExtensions = [points]
        let with = try PeerCertificate(parsing: root.issue(template).certificateDER)
        #expect(without.crlDistributionPointsDER.isEmpty)
        #expect(with.crlDistributionPointsDER.elementsEqual(points.value))
        #expect(try PeerCertificate(identity: with.identity).crlDistributionPointsDER.isEmpty)
    }
}

import Testing

@testable import FleetPKI

@Suite struct KeyPairCertificateTests {
    @Test func onlyTheFirstCertificateCounts() throws {
        let root = try CertificateAuthority.makeDevelopmentRoot(commonName: "Root")
        let leaf = try root.issue(CertificateTemplate(subject: [("CN", "leaf")]))
        let key = try KeyPair(pem: leaf.privateKeyPEM)
        let (own, other) = (leaf.certificatePEM, try root.certificatePEM)
        #expect(key.belongsToFirstCertificate(of: own))
        #expect(key.belongsToFirstCertificate(of: own + other))
        #expect(key.belongsToFirstCertificate(of: key.pem + own))
        #expect(!key.belongsToFirstCertificate(of: other + own))
    }

    @Test(arguments: ["", "x", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
    func whatIsNoCertificateBelongsToNoKey(text: String) throws {
        #expect(try !KeyPair.generate().belongsToFirstCertificate(of: text))
    }
}

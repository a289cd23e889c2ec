internal import FleetPKI
internal import Foundation
internal import NIOMbedTLS
internal import Testing

/// Two roots, two CAs below the first, and the server's certificate: made once for a run.
struct TestAuthorities {
    /// Who issues a device's certificate.
    enum Issuer: CaseIterable {
        case root, north, south, otherRoot
    }

    let root: CertificateAuthority
    let north: CertificateAuthority
    let south: CertificateAuthority
    let otherRoot: CertificateAuthority
    let server: IssuedCertificate

    private static let made = Result { try TestAuthorities() }
    static func get() throws -> TestAuthorities { try self.made.get() }

    private init() throws {
        self.root = try CertificateAuthority.makeDevelopmentRoot(commonName: "Test Root")
        self.north = try self.root.makeIntermediate(commonName: "North")
        self.south = try self.root.makeIntermediate(commonName: "South")
        self.otherRoot = try CertificateAuthority.makeDevelopmentRoot(commonName: "Other Root")
        self.server = try self.root.issue(
            CertificateTemplate(
                subject: [("CN", "gateway.test")], alternativeNames: [.dns("gateway.test")], purpose: .server))
    }

    /// The device `meter-<number>` of a tenant.
    func device(_ number: Int, of issuer: Issuer = .north, tenant: String = "hamburg") throws -> IssuedCertificate {
        let authority =
            switch issuer {
            case .root: self.root
            case .north: self.north
            case .south: self.south
            case .otherRoot: self.otherRoot
            }
        return try authority.issue(CertificateTemplate(subject: [("O", tenant), ("CN", "meter-\(number)")]))
    }

    /// The settings of a listener that trusts both roots.
    func serverTLS(ticketKeys: [TLSTicketKey] = [], anchors: [Issuer] = [.root, .otherRoot]) throws -> TLSConfiguration
    {
        var pem = ""
        if anchors.contains(.root) { pem += try self.root.certificatePEM }
        if anchors.contains(.otherRoot) { pem += try self.otherRoot.certificatePEM }
        return TLSConfiguration(
            role: .server, certificateChainPEM: Array(self.server.chainPEM.utf8),
            privateKeyPEM: Array(self.server.privateKeyPEM.utf8), trustAnchorsPEM: Array(pem.utf8),
            ticketKeys: ticketKeys)
    }

    func clientTLS(_ device: IssuedCertificate) throws -> TLSConfiguration {
        TLSConfiguration(
            role: .client, certificateChainPEM: Array(device.chainPEM.utf8),
            privateKeyPEM: Array(device.privateKeyPEM.utf8),
            trustAnchorsPEM: Array(try self.root.certificatePEM.utf8), keepsSessions: true)
    }

    /// A CA's own certificate.
    static func certificate(of authority: CertificateAuthority) throws -> PeerCertificate {
        let base64 = try authority.certificatePEM.split(separator: "\n").filter { !$0.hasPrefix("-----") }.joined()
        return try PeerCertificate(parsing: Array(#require(Data(base64Encoded: base64))))
    }
}

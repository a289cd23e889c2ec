import FleetPKI
import Foundation
import NIOCore
import NIOMbedTLS

/// A CA with a server and a device, made once for a run; what tests need beside these they issue from `root`.
struct TLSTestCredentials {
    let root: CertificateAuthority
    let server: IssuedCertificate
    let device: IssuedCertificate

    private static let made = Result { try TLSTestCredentials() }
    static func get() throws -> TLSTestCredentials { try self.made.get() }

    private init() throws {
        self.root = try CertificateAuthority.makeDevelopmentRoot(commonName: "Test Root", maxPathLength: nil)
        self.server = try self.root.issue(
            CertificateTemplate(
                subject: [("O", "FleetGate"), ("CN", "gateway.test")],
                alternativeNames: [.dns("gateway.test"), .ip("192.0.2.1")], purpose: .server))
        self.device = try self.root.issue(Self.deviceTemplate())
    }

    /// A good device, to be made bad in one way.
    static func deviceTemplate(_ change: (inout CertificateTemplate) -> Void = { _ in }) -> CertificateTemplate {
        var template = CertificateTemplate(subject: [("O", "Example"), ("OU", "meters"), ("CN", "meter-17")])
        change(&template)
        return template
    }

    func serverConfiguration(
        _ versions: ClosedRange<TLSVersion> = .v1_2...TLSVersion.highestSupported,
        _ change: (inout TLSConfiguration) throws -> Void = { _ in }
    ) throws -> TLSConfiguration {
        var configuration = TLSConfiguration(
            role: .server, certificateChainPEM: Array(self.server.chainPEM.utf8),
            privateKeyPEM: Array(self.server.privateKeyPEM.utf8),
            trustAnchorsPEM: Array(try self.root.certificatePEM.utf8), versions: versions)
        try change(&configuration)
        return configuration
    }

    func clientConfiguration(
        _ versions: ClosedRange<TLSVersion> = .v1_2...TLSVersion.highestSupported,
        _ identity: IssuedCertificate? = nil,
        _ change: (inout TLSConfiguration) throws -> Void = { _ in }
    ) throws -> TLSConfiguration {
        let identity = identity ?? self.device
        var configuration = TLSConfiguration(
            role: .client, certificateChainPEM: Array(identity.chainPEM.utf8),
            privateKeyPEM: Array(identity.privateKeyPEM.utf8),
            trustAnchorsPEM: Array(try self.root.certificatePEM.utf8), versions: versions)
        try change(&configuration)
        return configuration
    }
}

extension TLSVersion {
    /// The versions to run a test with: TLS 1.3 where the library can be trusted with it (mbedTLS 3.6.6 and later).
    static var testable: [TLSVersion] { MbedTLSLibrary.supportsTLS13 ? [.v1_2, .v1_3] : [.v1_2] }
    var only: ClosedRange<TLSVersion> { self...self }
}

/// PEM of a DER certificate.
func certificatePEM(_ der: [UInt8]) -> String {
    let base64 = Data(der).base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed])
    return "-----BEGIN CERTIFICATE-----\n\(base64)\n-----END CERTIFICATE-----\n"
}

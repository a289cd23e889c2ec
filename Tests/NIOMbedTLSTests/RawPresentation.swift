import CMbedTLS
import FleetPKI
import Foundation

@testable import NIOMbedTLS

/// A client that presents any bytes as its certificates, also such as its own mbedTLS cannot read: certificates of the
/// same lengths are loaded, and overwritten where mbedTLS sends them from. The key is another's, so the proof of
/// possession fails, if it comes to that.
struct RawPresentation {
    let context: TLSContext
    private let owned: [AnyObject]

    init(_ ders: [[UInt8]], _ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        self.context = try TLSContext(
            try credentials.clientConfiguration(version.only) {
                $0.certificateChainPEM = []
                $0.privateKeyPEM = []
            })
        var placeholders: [IssuedCertificate] = []
        for der in ders {
            placeholders.append(try Self.placeholder(of: der.count))
        }
        let pem = placeholders.map { certificatePEM($0.certificateDER) }.joined()
        let chain = try CertificateChain(pem: Array(pem.utf8))
        let key = try PrivateKey(
            pem: Array(placeholders[0].privateKeyPEM.utf8), passphrase: nil, random: try RandomSource())
        guard fleetgate_settings_set_identity(self.context.settings, chain.pointer, key.pointer) == 0 else {
            throw TestFailure(detail: "no identity")
        }
        for (index, der) in ders.enumerated() {
            var length = 0
            guard let start = fleetgate_certificates_der(chain.pointer, index, &length), length == der.count else {
                throw TestFailure(detail: "no placeholder")
            }
            UnsafeMutablePointer(mutating: start).update(from: der, count: length)
        }
        self.owned = [chain, key]
    }

    /// Any certificate of that many bytes; its signature is sometimes a byte longer or shorter.
    private static func placeholder(of count: Int) throws -> IssuedCertificate {
        var padding = 1
        for _ in 0..<200 {
            let issued = try CertificateAuthority.selfSigned(
                CertificateTemplate(
                    subject: [("CN", "p")], purpose: .none, keyUsage: [],
                    additionalExtensions: [
                        .init(oid: "2.999.7", critical: false, value: [UInt8](repeating: 5, count: padding))
                    ]))
            let difference = count - issued.certificateDER.count
            if difference == 0 { return issued }
            padding = max(0, padding + difference)
        }
        throw TestFailure(detail: "no certificate of \(count) bytes")
    }
}

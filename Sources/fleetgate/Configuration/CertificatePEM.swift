import Foundation
import NIOMbedTLS

/// Certificates as text again, for what takes only text (RFC 7468).
enum CertificatePEM {
    static func text(_ certificate: PeerCertificate) -> String {
        let body = Data(certificate.der).base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed])
        return "-----BEGIN CERTIFICATE-----\n\(body)\n-----END CERTIFICATE-----\n"
    }
}

import FleetPolicy
import NIOMbedTLS

extension LoadedTrust {
    /// The CAs whose revocation lists count, with their bundles. The TLS layer has parsed every one of them.
    var authorities: [AuthorityCertificate] {
        anchors.compactMap { try? AuthorityCertificate(der: $0.certificate.der, bundle: $0.bundle) }
            + intermediates.compactMap { try? AuthorityCertificate(der: $0.certificate.der, bundle: $0.bundle) }
    }

    /// The names of bundles, by the fingerprint of their anchors' certificates.
    var bundleNames: [[UInt8]: String] {
        Dictionary(anchors.map { ($0.certificate.sha256Fingerprint, $0.bundle) }) { first, _ in first }
    }
}

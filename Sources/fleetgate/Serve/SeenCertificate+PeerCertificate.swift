import DeviceRegistry
import NIOMbedTLS

extension SeenCertificate {
    /// What the registry keeps of a certificate that a device presented.
    init(_ certificate: PeerCertificate) {
        self.init(
            sha256: certificate.sha256Fingerprint, subject: certificate.subjectDescription,
            notAfter: certificate.notAfter, der: certificate.der)
    }
}

import DeviceRegistry
import FleetPolicy
import Gateway
import NIOMbedTLS

extension ObservedCertificate {
    /// A certificate as the inventory keeps it. Of one that came back in a session ticket, key hash and signature
    /// algorithm may be unknown.
    ///
    /// - Parameters:
    ///   - issuerID: Nil: no trust anchor issued it, or it is not known.
    ///   - seconds: When the handshake was finished, since 1970-01-01T00:00:00Z.
    init(
        _ certificate: PeerCertificate, issuerID: AuthorityID?, device: DeviceDescription, address: String,
        anchor: String, at seconds: Int64
    ) {
        self.init(
            fingerprint: certificate.sha256FingerprintHex, subject: certificate.subjectDescription,
            alternativeNames: certificate.subjectAlternativeNames.map { CertificateNames.text(of: $0) },
            issuer: certificate.issuerDescription, issuerID: issuerID.map { HexadecimalText.text($0.bytes) },
            serialNumber: certificate.serialNumberHex, notBefore: certificate.notBefore,
            notAfter: certificate.notAfter, keyAlgorithm: CertificateNames.text(of: certificate.keyAlgorithm),
            keyBits: certificate.keyBits, keyHash: HexadecimalText.text(certificate.publicKeySHA256),
            signatureAlgorithm: SignatureAlgorithmName.read(certificate: certificate.der), seenAt: seconds,
            address: ClientNetwork.host(ofAddress: address),
            device: "\(DeviceKey(tenant: device.tenant, deviceID: device.deviceID))", profile: device.profile,
            anchor: anchor, der: certificate.der)
    }
}

extension JournalRecord.Certificate {
    init(_ certificate: PeerCertificate) {
        self.init(
            fingerprint: certificate.sha256FingerprintHex, subject: certificate.subjectDescription,
            alternativeNames: certificate.subjectAlternativeNames.map { CertificateNames.text(of: $0) },
            issuer: certificate.issuerDescription, serialNumber: certificate.serialNumberHex,
            notBefore: certificate.notBefore, notAfter: certificate.notAfter)
    }
}

public import FleetPolicy

/// A session as it is at one moment.
public struct LiveSession: Sendable, Hashable {
    /// Who it is.
    public let key: DeviceKey
    /// The name of the profile in force.
    public let profile: String
    /// Unique within one run of the gateway.
    public let connectionID: UInt64
    /// The peer's address and port.
    public let remoteAddress: String
    /// When its handshake was finished, in seconds since 1970.
    public let since: Int64
    /// The client identifier that the broker knows it by; nil before CONNECT was admitted.
    public let clientID: String?
    /// The DER of the certificate that it presented, from the handshake to the broker's answer; empty afterwards, because
    /// an idle session keeps ``certificateIdentity`` only, and where the handshake resumed an earlier session.
    public let certificate: [UInt8]
    /// SHA-256 of the certificate: 32 bytes.
    public let certificateSHA256: [UInt8]
    /// Why it has its quarantine profile; nil: it has its own.
    public let quarantine: QuarantineReason?
    /// Whether the broker has accepted it.
    public let isEstablished: Bool
    /// The certificate below its issuer, for revocation; nil where no trust anchor issued it.
    public let certificateID: CertificateID?
    /// SHA-256 of the trust anchor's certificate; nil: the certificate is pinned.
    public let trustAnchorSHA256: [UInt8]?
    /// The name of the listener that it came to.
    public let listener: String
    /// Whether its handshake resumed an earlier session.
    public let isResumed: Bool
    /// What the certificate says beside key and signature, for `PeerCertificate(identity:)`.
    public let certificateIdentity: [UInt8]

    public init(
        key: DeviceKey, profile: String, connectionID: UInt64, remoteAddress: String, since: Int64, clientID: String?,
        certificate: [UInt8], certificateSHA256: [UInt8], quarantine: QuarantineReason?, isEstablished: Bool,
        certificateID: CertificateID? = nil, trustAnchorSHA256: [UInt8]? = nil, listener: String = "default",
        isResumed: Bool = false, certificateIdentity: [UInt8] = []
    ) {
        self.certificateIdentity = certificateIdentity
        self.certificateID = certificateID
        self.trustAnchorSHA256 = trustAnchorSHA256
        self.listener = listener
        self.isResumed = isResumed
        self.key = key
        self.profile = profile
        self.connectionID = connectionID
        self.remoteAddress = remoteAddress
        self.since = since
        self.clientID = clientID
        self.certificate = certificate
        self.certificateSHA256 = certificateSHA256
        self.quarantine = quarantine
        self.isEstablished = isEstablished
    }
}

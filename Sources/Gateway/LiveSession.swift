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
    /// The DER of the certificate that it presented.
    public let certificate: [UInt8]
    /// SHA-256 of ``certificate``: 32 bytes.
    public let certificateSHA256: [UInt8]
    /// Why it has its quarantine profile; nil: it has its own.
    public let quarantine: QuarantineReason?
    /// Whether the broker has accepted it.
    public let isEstablished: Bool

    public init(
        key: DeviceKey, profile: String, connectionID: UInt64, remoteAddress: String, since: Int64, clientID: String?,
        certificate: [UInt8], certificateSHA256: [UInt8], quarantine: QuarantineReason?, isEstablished: Bool
    ) {
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

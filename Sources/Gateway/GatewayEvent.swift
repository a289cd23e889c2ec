public import FleetPolicy
public import NIOMbedTLS

/// What the data plane tells the control plane, once for each thing that happened: the source of the log and, later, of
/// the audit trail. Values only; whoever consumes them decides on form and place.
public enum GatewayEvent: Sendable {
    /// A connection was refused before its handshake; `count` such refusals happened since the last event of this
    /// reason (they are summed up, so that a flood of connections is not a flood of events). A count of 0 says that the
    /// gateway has been refusing for this reason, and that nobody came.
    case connectionsRefused(reason: String, count: Int)

    /// A TLS handshake failed. The certificate is known when one was presented, even if it did not verify.
    case handshakeFailed(connection: ConnectionDescription, error: TLSError)

    /// The certificate is genuine and got no profile.
    case policyDenied(
        connection: ConnectionDescription, certificate: PeerCertificate, reason: String, detail: String,
        clientHello: TLSClientHello?)

    /// A verified chain named a CA that no chain on its event loop had named since the last change of the configuration,
    /// or its leaf named distribution points that were not known, or it was refused for want of a revocation list: where
    /// that is to be had may stand in it. The leaf first, then its issuers up to the anchor. Its holder has not yet proved
    /// that he has the key. Full handshakes only.
    case chainSeen(chain: [PeerCertificate], trustAnchorSHA256: [UInt8])

    /// A device was refused for now, and belongs into the queue of those to be approved. At most one in a minute for
    /// each device and event loop.
    case registrationWanted(
        connection: ConnectionDescription, need: RegistrationNeed, certificate: PeerCertificate)

    /// The broker accepted the device's CONNECT: its session is carried from here on. `clientID` is what the broker
    /// knows it by.
    case sessionEstablished(
        connection: ConnectionDescription, device: DeviceDescription, certificate: PeerCertificate, clientID: String,
        handshake: HandshakeDescription)

    /// A packet was refused by the profile; the session goes on.
    case packetDenied(connection: ConnectionDescription, device: DeviceDescription, reason: String)

    /// A connection that got as far as a finished handshake has ended.
    /// `handshake` is nil when it was not finished.
    case sessionEnded(
        connection: ConnectionDescription, device: DeviceDescription?, handshake: HandshakeDescription?, end: SessionEnd
    )
}

/// Which connection an event is about.
public struct ConnectionDescription: Sendable, Hashable {
    /// Unique within one run of the gateway.
    public let id: UInt64
    /// The peer's address and port.
    public let remoteAddress: String
    /// The name of the listener that it came to.
    public let listener: String

    public init(id: UInt64, remoteAddress: String, listener: String) {
        self.id = id
        self.remoteAddress = remoteAddress
        self.listener = listener
    }
}

/// How a device proved who it is.
public struct HandshakeDescription: Sendable, Hashable {
    public let version: TLSVersion
    /// What the client asked for in SNI; proves nothing.
    public let serverName: String?
    /// Whether an earlier session was resumed.
    public let isResumed: Bool
    /// SHA-256 of the certificate: 32 bytes.
    public let certificateSHA256: [UInt8]
    /// The certificate below its issuer; nil where no trust anchor issued it.
    public let certificate: CertificateID?
    /// SHA-256 of the anchor's certificate; nil: the certificate is pinned.
    public let trustAnchorSHA256: [UInt8]?
    /// When the handshake was finished, in seconds since 1970.
    public let finishedAt: Int64

    public init(
        version: TLSVersion, serverName: String?, isResumed: Bool, certificateSHA256: [UInt8],
        certificate: CertificateID?, trustAnchorSHA256: [UInt8]?, finishedAt: Int64
    ) {
        self.version = version
        self.serverName = serverName
        self.isResumed = isResumed
        self.certificateSHA256 = certificateSHA256
        self.certificate = certificate
        self.trustAnchorSHA256 = trustAnchorSHA256
        self.finishedAt = finishedAt
    }
}

/// Which device a session belongs to.
public struct DeviceDescription: Sendable, Hashable {
    public let deviceID: String
    public let tenant: String
    public let profile: String
    /// Why it has its quarantine profile; nil: it has its own.
    public let quarantine: QuarantineReason?
}

extension DeviceDescription {
    init(_ grant: DeviceGrant) {
        self.init(
            deviceID: grant.deviceID, tenant: grant.tenant, profile: grant.profileName, quarantine: grant.quarantine)
    }
}

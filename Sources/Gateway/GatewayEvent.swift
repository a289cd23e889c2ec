public import FleetPolicy
public import NIOMbedTLS

/// What the data plane tells the control plane, once for each thing that happened: the source of the log and, later, of
/// the audit trail. Values only; whoever consumes them decides on form and place.
public enum GatewayEvent: Sendable {
    /// A connection was refused before its handshake; `count` such refusals happened since the last event of this
    /// reason (they are summed up, so that a flood of connections is not a flood of events).
    case connectionsRefused(reason: String, count: Int)

    /// A TLS handshake failed. The certificate is known when one was presented, even if it did not verify.
    case handshakeFailed(connection: ConnectionDescription, error: TLSError)

    /// The certificate is genuine and got no profile.
    case policyDenied(connection: ConnectionDescription, certificate: PeerCertificate, reason: String, detail: String)

    /// A device was refused for now, and belongs into the queue of those to be approved. At most one in a minute for
    /// each device and event loop.
    case registrationWanted(
        connection: ConnectionDescription, need: RegistrationNeed, certificate: PeerCertificate)

    /// The broker accepted the device's CONNECT: its session is carried from here on. `clientID` is what the broker
    /// knows it by.
    case sessionEstablished(
        connection: ConnectionDescription, device: DeviceDescription, certificate: PeerCertificate, clientID: String)

    /// A packet was refused by the profile; the session goes on.
    case packetDenied(connection: ConnectionDescription, device: DeviceDescription, reason: String)

    /// A connection that got as far as a finished handshake has ended.
    case sessionEnded(connection: ConnectionDescription, device: DeviceDescription?, end: SessionEnd)
}

/// Which connection an event is about.
public struct ConnectionDescription: Sendable, Hashable {
    /// Unique within one run of the gateway.
    public let id: UInt64
    /// The peer's address and port.
    public let remoteAddress: String
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

/// The bounded way up from the event loops: an event that finds the stream full is counted and dropped, because a slow
/// log must never slow a device.
struct EventSink: Sendable {
    /// Events waiting for the control plane, at about 300 bytes each: some seconds' worth in a storm.
    static let eventsMax = 16_384

    let continuation: AsyncStream<GatewayEvent>.Continuation

    /// Hands an event up. False when it was dropped.
    func send(_ event: GatewayEvent) -> Bool {
        switch self.continuation.yield(event) {
        case .enqueued: true
        case .dropped, .terminated: false
        @unknown default: false
        }
    }
}

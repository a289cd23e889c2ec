/// What a device may use up. A value of its own for each profile; the defaults hold for what a profile does not say.
public struct DeviceLimits: Sendable, Hashable {
    /// The largest MQTT packet accepted from the device, fixed header included, in bytes. Default 64 KiB: sensor
    /// readings are far smaller, and the gateway buffers one packet for each device.
    public var packetBytesMax: Int
    public var keepAlive: KeepAlive
    public var messageRate: MessageRate
    /// What happens on a PUBLISH that the profile does not permit. For MQTT 3.1.1 only: an MQTT 5 device gets reason
    /// code 0x87. Default `acknowledge`, as brokers do: a device that misbehaves on one topic keeps its session.
    public var onDeniedPublish: DeniedPublishAction
    /// How long the broker may keep the session of an absent device, in seconds. Default one day: long enough for an
    /// outage, short enough that a scrapped device is forgotten. 0 means that no session is kept; MQTT 3.1.1, which
    /// cannot say how long, may ask for a kept session unless this is 0.
    public var sessionExpirySecondsMax: UInt32
    /// Subscriptions held at one time. Default 32: a device listens to a few topics, and each costs broker memory.
    public var subscriptionsMax: Int
    public var byteRate: ByteRate
    /// PUBLISH packets with QoS 1 or 2 under way, each way (Receive Maximum, MQTT 5.0 section 3.1.2.11.3). Default 64:
    /// far more than a constrained device keeps track of. Not announced to MQTT 3.1.1, which has no word for it.
    public var receiveMaximum: UInt16
    public var connections: ConnectionLimit
    /// How long a session may go on after its certificate's notAfter, in seconds. Default 0.
    public var expiryGraceSeconds: Int64
    /// Default `unsubscribe`: the device keeps what it is still allowed.
    public var onLostSubscription: LostSubscriptionAction

    public init(
        packetBytesMax: Int = 65_536, keepAlive: KeepAlive = KeepAlive(), messageRate: MessageRate = MessageRate(),
        onDeniedPublish: DeniedPublishAction = .acknowledge, sessionExpirySecondsMax: UInt32 = 86_400,
        subscriptionsMax: Int = 32, byteRate: ByteRate = ByteRate(), receiveMaximum: UInt16 = 64,
        connections: ConnectionLimit = ConnectionLimit(), expiryGraceSeconds: Int64 = 0,
        onLostSubscription: LostSubscriptionAction = .unsubscribe
    ) {
        self.packetBytesMax = packetBytesMax
        self.keepAlive = keepAlive
        self.messageRate = messageRate
        self.onDeniedPublish = onDeniedPublish
        self.sessionExpirySecondsMax = sessionExpirySecondsMax
        self.subscriptionsMax = subscriptionsMax
        self.byteRate = byteRate
        self.receiveMaximum = receiveMaximum
        self.connections = connections
        self.expiryGraceSeconds = expiryGraceSeconds
        self.onLostSubscription = onLostSubscription
    }
}

/// How many connections one device may have at a time, and what becomes of one more.
public struct ConnectionLimit: Sendable, Hashable {
    /// The raw values are those of profiles.
    public enum ExceededAction: String, Sendable, Hashable, CaseIterable {
        /// The oldest is ended, as a broker does with a client identifier that comes back [MQTT-3.1.4-3].
        case takeOver = "take-over"
        /// The new one is refused.
        case refuse
    }

    /// Default 1. More need the client-id rule `extend`: the broker keeps one session for each name.
    public var maximum: Int
    /// Default `take-over`: a device that lost its connection must not wait until the gateway has noticed.
    public var onExceeded: ExceededAction

    public init(maximum: Int = 1, onExceeded: ExceededAction = .takeOver) {
        self.maximum = maximum
        self.onExceeded = onExceeded
    }
}

/// How many bytes of PUBLISH packets a device may send: a token bucket, filled at `perSecond`, that holds `burst`.
public struct ByteRate: Sendable, Hashable {
    /// Bytes a second. Default 64 KiB.
    public var perSecond: Int
    /// Bytes at once after a pause. Default 1 MiB.
    public var burst: Int
    /// Default `throttle`.
    public var onExceeded: MessageRate.ExceededAction

    public init(
        perSecond: Int = 65_536, burst: Int = 1_048_576, onExceeded: MessageRate.ExceededAction = .throttle
    ) {
        self.perSecond = perSecond
        self.burst = burst
        self.onExceeded = onExceeded
    }
}

/// What to do about a PUBLISH of an MQTT 3.1.1 device that its profile does not permit [MQTT-3.3.5-2].
public enum DeniedPublishAction: String, Sendable, CaseIterable {
    /// Answer as if it had been accepted, and drop it.
    case acknowledge
    /// Close the connection.
    case disconnect
}

/// How often a device may publish: a token bucket, filled at `perSecond`, that holds `burst`.
public struct MessageRate: Sendable, Hashable {
    /// What happens to a device that publishes faster.
    public enum ExceededAction: String, Sendable, CaseIterable {
        /// Stop reading from the device until the bucket has a token: it feels the back-pressure of TCP.
        case throttle
        case disconnect
    }

    /// PUBLISH packets a second. Default 50: ten times what a chatty sensor sends, a small part of what a broker takes.
    public var perSecond: Int
    /// PUBLISH packets at once after a pause. Default 100: what a device saved up while it had no network.
    public var burst: Int
    /// Default `throttle`: nothing is lost, and only the device itself is slowed.
    public var onExceeded: ExceededAction

    public init(perSecond: Int = 50, burst: Int = 100, onExceeded: ExceededAction = .throttle) {
        self.perSecond = perSecond
        self.burst = burst
        self.onExceeded = onExceeded
    }
}

/// Which keep-alive a device may ask for in CONNECT.
public struct KeepAlive: Sendable, Hashable {
    /// What to do about the keep-alive that a device asked for.
    public enum Verdict: Sendable, Equatable {
        case accepted
        /// Outside the range; the nearest permitted value, in seconds. MQTT 5 can tell the device (Server Keep Alive),
        /// 3.1.1 cannot.
        case outOfRange(nearestSeconds: UInt16)
    }

    /// Default 5 seconds: a device that pings more often costs more than it is worth.
    public var minimumSeconds: UInt16
    /// Default 1 hour: a connection that died unseen holds memory and an upstream connection until then.
    public var maximumSeconds: UInt16
    /// Whether 0 ("no keep-alive") is refused. Default true, for the same reason as the maximum.
    public var isRequired: Bool

    public init(minimumSeconds: UInt16 = 5, maximumSeconds: UInt16 = 3_600, isRequired: Bool = true) {
        self.minimumSeconds = minimumSeconds
        self.maximumSeconds = maximumSeconds
        self.isRequired = isRequired
    }

    /// Judges the keep-alive of a CONNECT, in seconds; 0 means that the device wants none.
    public func verdict(forSeconds seconds: UInt16) -> Verdict {
        if seconds == 0 { return isRequired ? .outOfRange(nearestSeconds: maximumSeconds) : .accepted }
        if seconds < minimumSeconds { return .outOfRange(nearestSeconds: minimumSeconds) }
        if seconds > maximumSeconds { return .outOfRange(nearestSeconds: maximumSeconds) }
        return .accepted
    }
}

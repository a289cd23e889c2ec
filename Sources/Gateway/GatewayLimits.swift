public import NIOCore

/// Every bound the gateway itself puts on its peers, each with its unit and the reason for its default.
///
/// What a single device may do is the profile's business (`DeviceLimits`); these bounds hold before anybody knows which
/// device it is, or for the gateway as a whole.
public struct GatewayLimits: Sendable, Hashable {
    /// Connections accepted and not yet closed, over all event loops. A session needs two file descriptors, so the
    /// default fits a descriptor limit of about 45,000 and costs some 2 GB at 40 KiB each.
    public var connectionsMax: Int

    /// TLS handshakes begun and not finished, over all event loops. Each holds some 40 KiB and, in a storm, work that
    /// is wasted when the device gives up first: 2,000 is one core's work for a second or two. One address may hold half
    /// of them.
    public var handshakesInFlightMax: Int

    /// New connections per second from one address (an IPv4 address or an IPv6 /64), as a token bucket's refill rate.
    /// Generous, because whole fleets sit behind one carrier's NAT.
    public var connectionsPerAddressPerSecond: Double

    /// The same token bucket's depth, in connections: how many may arrive at once after a quiet time.
    public var connectionsPerAddressBurst: Double

    /// Addresses whose rate is remembered at once, over all event loops. Bounds the table an attacker with many
    /// addresses can grow; when it is full, unknown addresses share one bucket.
    public var addressesTrackedMax: Int

    /// From the end of the handshake to a complete CONNECT. A device on NB-IoT takes up to 10 s for a round trip.
    public var connectTimeout: TimeAmount

    /// From dialling the broker to its transport being up.
    public var upstreamConnectTimeout: TimeAmount

    /// From sending CONNECT to the broker to its CONNACK.
    public var upstreamConnackTimeout: TimeAmount

    /// From a CONNECT that asks for more than the snapshot can answer (a registration, a password, a place among the
    /// device's connections) to the answers. Checking a password takes tens of milliseconds of a core on purpose.
    public var admissionTimeout: TimeAmount

    /// Questions to the admission authority that are not answered, over all event loops; more wait for their turn. At
    /// some 2 KiB each, and enough to fill one transaction of the registry.
    public var admissionsInFlightMax: Int

    /// Wrong passwords of one device per minute, as a token bucket's refill rate, over all event loops: a second factor
    /// that can be guessed at speed is none. A right password costs nothing.
    public var wrongPasswordsPerMinute: Double

    /// The same token bucket's depth, in wrong passwords.
    public var wrongPasswordsBurst: Double

    /// Devices whose wrong passwords are remembered at once, over all event loops; when that many are, all others share
    /// one bucket. At some 150 bytes each.
    public var devicesTrackedMax: Int

    /// The longest MQTT packet carried in either direction, in bytes, whatever the profile says.
    public var packetBytesMax: Int

    /// Bytes waiting in a socket's outbound buffer above which the other side is no longer read. Bounds what a slow
    /// reader costs.
    public var outboundBytesHigh: Int

    /// SUBSCRIBE packets forwarded with some of their filters held back and not yet answered by the broker, for each
    /// session.
    public var partialSubscriptionsMax: Int

    /// Topic aliases a device or broker may set, for each session and direction: each costs up to one topic of memory.
    public var topicAliasMax: UInt16

    /// QoS 2 exchanges the gateway answers by itself and that are not yet complete, for each session and direction.
    public var refusedExchangesMax: Int

    /// From the request to shut down to the hard end of what is still connected.
    public var shutdownDeadline: TimeAmount

    public init(
        connectionsMax: Int = 20_000,
        handshakesInFlightMax: Int = 2_000,
        connectionsPerAddressPerSecond: Double = 1_000,
        connectionsPerAddressBurst: Double = 4_000,
        addressesTrackedMax: Int = 65_536,
        connectTimeout: TimeAmount = .seconds(30),
        upstreamConnectTimeout: TimeAmount = .seconds(5),
        upstreamConnackTimeout: TimeAmount = .seconds(10),
        admissionTimeout: TimeAmount = .seconds(10),
        admissionsInFlightMax: Int = 512,
        wrongPasswordsPerMinute: Double = 6,
        wrongPasswordsBurst: Double = 10,
        devicesTrackedMax: Int = 65_536,
        packetBytesMax: Int = 262_144,
        outboundBytesHigh: Int = 65_536,
        partialSubscriptionsMax: Int = 16,
        topicAliasMax: UInt16 = 16,
        refusedExchangesMax: Int = 64,
        shutdownDeadline: TimeAmount = .seconds(10)
    ) {
        self.connectionsMax = connectionsMax
        self.handshakesInFlightMax = handshakesInFlightMax
        self.connectionsPerAddressPerSecond = connectionsPerAddressPerSecond
        self.connectionsPerAddressBurst = connectionsPerAddressBurst
        self.addressesTrackedMax = addressesTrackedMax
        self.connectTimeout = connectTimeout
        self.upstreamConnectTimeout = upstreamConnectTimeout
        self.upstreamConnackTimeout = upstreamConnackTimeout
        self.admissionTimeout = admissionTimeout
        self.admissionsInFlightMax = admissionsInFlightMax
        self.wrongPasswordsPerMinute = wrongPasswordsPerMinute
        self.wrongPasswordsBurst = wrongPasswordsBurst
        self.devicesTrackedMax = devicesTrackedMax
        self.packetBytesMax = packetBytesMax
        self.outboundBytesHigh = outboundBytesHigh
        self.partialSubscriptionsMax = partialSubscriptionsMax
        self.topicAliasMax = topicAliasMax
        self.refusedExchangesMax = refusedExchangesMax
        self.shutdownDeadline = shutdownDeadline
    }
}

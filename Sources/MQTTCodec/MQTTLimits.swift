/// How much of anything a peer may put into one packet. Every value is compared with a length or a count *before*
/// anything of that size is buffered, copied or allocated.
///
/// A value above what the wire format can carry has no effect; a value of zero or less refuses everything it counts.
public struct MQTTLimits: Sendable, Hashable {
    /// Bytes of one whole packet, fixed header included. 256 KiB: many times what telemetry needs, and small enough
    /// that ten thousand devices filling theirs at once stay below the memory of a small server. The wire's own limit
    /// is ``packetBytesAbsoluteMax``.
    public var packetBytesMax: Int
    /// Bytes of a topic name or a topic filter. 1 KiB: brokers match topics level by level for each message, and cloud
    /// brokers refuse more than 256 bytes. The wire's own limit is 65,535.
    public var topicBytesMax: Int
    /// Levels (parts between slashes) of a topic name or filter. 128: brokers walk, and some recurse, level by level.
    public var topicLevelsMax: Int
    /// User Properties in one packet or one will. 32: each costs two strings in every receiver.
    public var userPropertiesMax: Int
    /// Subscription Identifiers in one PUBLISH from a server: one for each overlapping subscription that matched. 64.
    public var subscriptionIdentifiersMax: Int
    /// Topic filters in one SUBSCRIBE or UNSUBSCRIBE. 64: a broker may answer each with all its retained messages.
    public var subscriptionFiltersMax: Int
    /// Bytes of a client identifier. 256: servers need to accept only 23 [MQTT-3.1.3-5], and it is a key everywhere.
    public var clientIdentifierBytesMax: Int
    /// Bytes of the user name in CONNECT. 1 KiB.
    public var userNameBytesMax: Int
    /// Bytes of the password in CONNECT. 4 KiB: room for a signed token.
    public var passwordBytesMax: Int
    /// Bytes of the will's payload. 64 KiB less one, which is the wire's own limit: the server keeps one per session.
    public var willPayloadBytesMax: Int
    /// Bytes of any other string in a property (reason string, content type, either half of a User Property …). 4 KiB.
    public var propertyStringBytesMax: Int
    /// Bytes of binary data in a property (correlation data, authentication data). 16 KiB: room for a Kerberos ticket.
    public var propertyDataBytesMax: Int
    /// Whether strings may hold control characters (U+0001…U+001F, U+007F…U+009F) and Unicode non-characters. The
    /// standard says senders SHOULD NOT and leaves it to receivers (section 1.5.4); true by default because a message
    /// that one broker passed on must not end the connection of everyone who receives it.
    public var acceptsControlCharacters: Bool

    /// The largest packet the wire format can express: 1 byte, 4 bytes of length, 268,435,455 bytes of body.
    public static let packetBytesAbsoluteMax = 268_435_460

    /// The largest length a string or binary field can express.
    public static let fieldBytesAbsoluteMax = 65_535

    public init(
        packetBytesMax: Int = 262_144,
        topicBytesMax: Int = 1024,
        topicLevelsMax: Int = 128,
        userPropertiesMax: Int = 32,
        subscriptionIdentifiersMax: Int = 64,
        subscriptionFiltersMax: Int = 64,
        clientIdentifierBytesMax: Int = 256,
        userNameBytesMax: Int = 1024,
        passwordBytesMax: Int = 4096,
        willPayloadBytesMax: Int = 65_535,
        propertyStringBytesMax: Int = 4096,
        propertyDataBytesMax: Int = 16_384,
        acceptsControlCharacters: Bool = true
    ) {
        self.packetBytesMax = packetBytesMax
        self.topicBytesMax = topicBytesMax
        self.topicLevelsMax = topicLevelsMax
        self.userPropertiesMax = userPropertiesMax
        self.subscriptionIdentifiersMax = subscriptionIdentifiersMax
        self.subscriptionFiltersMax = subscriptionFiltersMax
        self.clientIdentifierBytesMax = clientIdentifierBytesMax
        self.userNameBytesMax = userNameBytesMax
        self.passwordBytesMax = passwordBytesMax
        self.willPayloadBytesMax = willPayloadBytesMax
        self.propertyStringBytesMax = propertyStringBytesMax
        self.propertyDataBytesMax = propertyDataBytesMax
        self.acceptsControlCharacters = acceptsControlCharacters
    }

    /// Nothing refused for its size that the wire format can carry. For tests and for peers that are trusted.
    public static let protocolMaximum = MQTTLimits(
        packetBytesMax: packetBytesAbsoluteMax,
        topicBytesMax: fieldBytesAbsoluteMax,
        topicLevelsMax: fieldBytesAbsoluteMax + 1,
        userPropertiesMax: packetBytesAbsoluteMax,
        subscriptionIdentifiersMax: packetBytesAbsoluteMax,
        subscriptionFiltersMax: packetBytesAbsoluteMax,
        clientIdentifierBytesMax: fieldBytesAbsoluteMax,
        userNameBytesMax: fieldBytesAbsoluteMax,
        passwordBytesMax: fieldBytesAbsoluteMax,
        willPayloadBytesMax: fieldBytesAbsoluteMax,
        propertyStringBytesMax: fieldBytesAbsoluteMax,
        propertyDataBytesMax: fieldBytesAbsoluteMax
    )
}

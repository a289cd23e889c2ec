/// A packet value that cannot be written as MQTT. Always the caller's fault; the buffer is left as it was.
public struct MQTTEncodingError: Error, Sendable, Hashable {
    /// What was wrong: a stable kebab-case name.
    public struct Code: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
        public let rawValue: String

        public init(rawValue: String) {
            self.rawValue = rawValue
        }

        public var description: String { rawValue }

        /// A string or binary field of more than 65,535 bytes.
        public static let fieldTooLong = Code(rawValue: "field-too-long")
        /// A string that holds U+0000.
        public static let nullCharacter = Code(rawValue: "null-character")
        /// More than 268,435,455 bytes after the fixed header.
        public static let packetTooLarge = Code(rawValue: "packet-too-large")
        /// A topic name that is empty or holds a wildcard.
        public static let badTopic = Code(rawValue: "bad-topic")
        /// A topic filter that breaks the rules for wildcards or shared subscriptions.
        public static let badFilter = Code(rawValue: "bad-filter")
        /// A packet identifier that is zero, missing, or present where there is none.
        public static let badPacketIdentifier = Code(rawValue: "bad-packet-identifier")
        /// DUP set on a QoS 0 message.
        public static let badQoS = Code(rawValue: "bad-qos")
        /// A property that may not be in this packet or has a value outside its range.
        public static let badProperty = Code(rawValue: "bad-property")
        /// A property that may be given once was given twice.
        public static let duplicateProperty = Code(rawValue: "duplicate-property")
        // swift-format-ignore: DontRepeatTypeInStaticProperties
        /// A reason code this packet cannot carry, or has no place for in this protocol version.
        public static let badReasonCode = Code(rawValue: "bad-reason-code")
        /// Something only MQTT 5.0 can say.
        public static let requiresVersion5 = Code(rawValue: "requires-version-5")
        /// A list that must hold at least one element is empty.
        public static let emptyPayload = Code(rawValue: "empty-payload")
        /// MQTT 3.1.1 has no password without a user name.
        public static let passwordWithoutUserName = Code(rawValue: "password-without-user-name")
        /// MQTT 3.1.1 needs a client identifier for a session that is kept.
        public static let emptyClientIdentifier = Code(rawValue: "empty-client-identifier")
        /// Authentication data without a method, or an AUTH packet without one.
        public static let badAuthentication = Code(rawValue: "bad-authentication")
        /// A publish header used with a packet it was not read from.
        public static let headerMismatch = Code(rawValue: "header-mismatch")
    }

    /// What was wrong.
    public var code: Code
    /// One sentence for a log. Holds no value from the packet.
    public var detail: String

    public init(code: Code, detail: String) {
        self.code = code
        self.detail = detail
    }

    init(_ code: Code, _ detail: String) {
        self.init(code: code, detail: detail)
    }
}

extension MQTTEncodingError: CustomStringConvertible {
    public var description: String { "\(code): \(detail)" }
}

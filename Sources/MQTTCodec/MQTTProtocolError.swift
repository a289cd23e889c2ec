/// The peer sent bytes that are not acceptable MQTT. Always the peer's fault, never the caller's.
///
/// The texts are ours alone: nothing a peer sent is repeated in them, so an error may be logged as it is.
public struct MQTTProtocolError: Error, Sendable, Hashable {
    /// What was wrong: a stable kebab-case name, for metrics and logs.
    public struct Code: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
        public let rawValue: String

        public init(rawValue: String) {
            self.rawValue = rawValue
        }

        public var description: String { rawValue }

        /// The structure is wrong in a way none of the other codes names.
        public static let malformedPacket = Code(rawValue: "malformed-packet")
        /// A field ends after the end of the packet.
        public static let truncatedPacket = Code(rawValue: "truncated-packet")
        /// Bytes are left over after the last field.
        public static let trailingBytes = Code(rawValue: "trailing-bytes")
        /// A bit the standard reserves has the wrong value.
        public static let reservedBits = Code(rawValue: "reserved-bits")
        /// A packet type that does not exist, or not in this protocol version.
        public static let badPacketType = Code(rawValue: "bad-packet-type")
        /// A packet this end of the connection never sends.
        public static let unexpectedPacket = Code(rawValue: "unexpected-packet")
        /// A variable byte integer longer than four bytes, or longer than its value needs.
        public static let badVariableByteInteger = Code(rawValue: "bad-variable-byte-integer")
        /// The packet is larger than ``MQTTLimits/packetBytesMax``.
        public static let packetTooLarge = Code(rawValue: "packet-too-large")
        /// A field or a count is over one of ``MQTTLimits``.
        public static let limitExceeded = Code(rawValue: "limit-exceeded")
        /// A string that is not well-formed UTF-8, or holds U+0000.
        public static let badUTF8 = Code(rawValue: "bad-utf8")
        /// A property that does not exist, may not be in this packet, or has a value outside its range.
        public static let badProperty = Code(rawValue: "bad-property")
        /// A property that may be given once was given twice.
        public static let duplicateProperty = Code(rawValue: "duplicate-property")
        /// A topic name that is empty or holds a wildcard.
        public static let badTopic = Code(rawValue: "bad-topic")
        /// A topic filter that breaks the rules for wildcards or shared subscriptions.
        public static let badFilter = Code(rawValue: "bad-filter")
        /// A packet identifier of zero.
        public static let badPacketIdentifier = Code(rawValue: "bad-packet-identifier")
        /// A QoS of 3, or a combination of QoS and other flags that means nothing.
        public static let badQoS = Code(rawValue: "bad-qos")
        // swift-format-ignore: DontRepeatTypeInStaticProperties
        /// A reason code or return code this packet cannot carry.
        public static let badReasonCode = Code(rawValue: "bad-reason-code")
        /// Flags in CONNECT that contradict one another.
        public static let badConnectFlags = Code(rawValue: "bad-connect-flags")
        /// Authentication data without a method, or an AUTH packet without one.
        public static let badAuthentication = Code(rawValue: "bad-authentication")
        /// SUBSCRIBE, SUBACK, UNSUBSCRIBE or UNSUBACK with nothing in it.
        public static let emptyPayload = Code(rawValue: "empty-payload")
        /// The first byte of the connection does not begin a CONNECT packet: this is not an MQTT client.
        public static let connectExpected = Code(rawValue: "connect-expected")
        /// The protocol name in CONNECT is not one of MQTT's.
        public static let badProtocolName = Code(rawValue: "bad-protocol-name")
        /// An MQTT client of a version other than 3.1.1 and 5.0.
        public static let unsupportedProtocolVersion = Code(rawValue: "unsupported-protocol-version")
        /// The client identifier is too long, or empty where it may not be.
        public static let clientIdentifierRejected = Code(rawValue: "client-identifier-rejected")
    }

    /// What was wrong.
    public var code: Code
    /// What to answer with, in CONNACK or DISCONNECT (sections 2.4 and 4.13).
    public var reasonCode: MQTTReasonCode
    /// The conformance clause that was broken (for example `MQTT-2.2.2-2`), or the section where it has no number.
    public var clause: String
    /// One sentence for a log. Holds no bytes of the peer's.
    public var detail: String

    public init(code: Code, reasonCode: MQTTReasonCode, clause: String, detail: String) {
        self.code = code
        self.reasonCode = reasonCode
        self.clause = clause
        self.detail = detail
    }
}

extension MQTTProtocolError: CustomStringConvertible {
    public var description: String { "\(code): \(detail) [\(clause)]" }
}

extension MQTTProtocolError {
    /// The packet cannot be parsed (reason code 0x81).
    static func malformed(_ code: Code = .malformedPacket, _ clause: String, _ detail: String) -> MQTTProtocolError {
        MQTTProtocolError(code: code, reasonCode: .malformedPacket, clause: clause, detail: detail)
    }

    /// The packet can be parsed and breaks a rule (reason code 0x82).
    static func violation(_ code: Code, _ clause: String, _ detail: String) -> MQTTProtocolError {
        MQTTProtocolError(code: code, reasonCode: .protocolError, clause: clause, detail: detail)
    }

    /// Within the standard and over a limit of ours (reason code 0x97).
    static func overLimit(_ detail: String) -> MQTTProtocolError {
        MQTTProtocolError(code: .limitExceeded, reasonCode: .quotaExceeded, clause: "section 4.13", detail: detail)
    }
}

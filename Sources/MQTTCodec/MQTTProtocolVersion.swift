/// The protocol level a client names in its CONNECT packet (MQTT 5.0 section 3.1.2.2, MQTT 3.1.1 section 3.1.2.2).
public enum MQTTProtocolVersion: UInt8, Sendable, Hashable, CaseIterable {
    // swift-format-ignore: AlwaysUseLowerCamelCase
    /// MQTT 3.1.1 (OASIS standard, ISO/IEC 20922).
    case v3_1_1 = 4
    /// MQTT 5.0.
    case v5 = 5
}

/// The control packet type: the high four bits of the first byte (section 2.1.2). Value 0 is reserved.
public enum MQTTPacketType: UInt8, Sendable, Hashable, CaseIterable {
    case connect = 1
    case connack = 2
    case publish = 3
    case puback = 4
    case pubrec = 5
    case pubrel = 6
    case pubcomp = 7
    case subscribe = 8
    case suback = 9
    case unsubscribe = 10
    case unsuback = 11
    case pingreq = 12
    case pingresp = 13
    case disconnect = 14
    /// MQTT 5.0 only; the value is reserved in MQTT 3.1.1.
    case auth = 15
}

/// The delivery guarantee of one message or one subscription (section 4.3).
public enum MQTTQoS: UInt8, Sendable, Hashable, CaseIterable, Comparable {
    case atMostOnce = 0
    case atLeastOnce = 1
    case exactlyOnce = 2

    public static func < (lhs: MQTTQoS, rhs: MQTTQoS) -> Bool {
        lhs.rawValue < rhs.rawValue
    }
}

/// Which end of the network connection wrote a packet. Some packets, properties and reason codes may be sent by one
/// end only, so a decoder that knows the sender refuses more.
public enum MQTTSender: Sendable, Hashable, CaseIterable {
    /// The device. Checked as strictly as a server must check it.
    case client
    /// The broker, or whatever plays its part.
    case server
    /// Unknown: whatever either end may send is accepted.
    case either

    /// Whether this end may send packets of `type` at all under `version` (table of section 2.1.2).
    public func maySend(_ type: MQTTPacketType, version: MQTTProtocolVersion) -> Bool {
        switch type {
        case .publish, .puback, .pubrec, .pubrel, .pubcomp:
            return true
        case .connect, .subscribe, .unsubscribe, .pingreq:
            return self != .server
        case .connack, .suback, .unsuback, .pingresp:
            return self != .client
        case .disconnect:
            return version == .v5 || self != .server
        case .auth:
            return version == .v5
        }
    }
}

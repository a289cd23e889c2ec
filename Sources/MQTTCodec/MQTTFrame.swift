public import NIOCore

/// One whole control packet as it came from the wire, with its fixed header checked and its body not yet looked at.
///
/// `bytes` is a slice: it shares, and keeps alive, the storage of the buffer it was cut from.
public struct MQTTFrame: Sendable, Equatable {
    /// The packet type.
    public let type: MQTTPacketType
    /// The low four bits of the first byte. Already checked: reserved values never reach here, a PUBLISH has no QoS 3
    /// and no DUP with QoS 0.
    public let flags: UInt8
    /// The complete packet, fixed header included.
    public let bytes: ByteBuffer
    /// Bytes from the start of `bytes` to the variable header: 2 to 5.
    public let bodyOffset: Int

    init(type: MQTTPacketType, flags: UInt8, bytes: ByteBuffer, bodyOffset: Int) {
        self.type = type
        self.flags = flags
        self.bytes = bytes
        self.bodyOffset = bodyOffset
    }

    /// Bytes after the fixed header: the standard's Remaining Length.
    public var remainingLength: Int { bytes.readableBytes - bodyOffset }

    /// The packet identifier, without decoding the rest. Nil for a packet that has none (section 2.2.1), and for one
    /// that is too short to hold it or holds zero: a full decode says what is wrong with those.
    public var packetIdentifier: UInt16? {
        let start = bytes.readerIndex + bodyOffset
        let identifier: UInt16?
        switch type {
        case .puback, .pubrec, .pubrel, .pubcomp, .subscribe, .suback, .unsubscribe, .unsuback:
            identifier = bytes.getInteger(at: start)
        case .publish:
            guard flags & 0b0110 != 0, let topicBytes = bytes.getInteger(at: start, as: UInt16.self) else { return nil }
            identifier = bytes.getInteger(at: start + 2 + Int(topicBytes))
        case .connect, .connack, .pingreq, .pingresp, .disconnect, .auth:
            return nil
        }
        return identifier == 0 ? nil : identifier
    }

    /// The reason code of a PUBACK, PUBREC, PUBREL or PUBCOMP, without decoding the rest: success where it is left out,
    /// as MQTT 3.1.1 always does (sections 3.4.2.1 to 3.7.2.1). Nil for any other packet. Unknown codes are not refused:
    /// a full decode does that.
    public var acknowledgementReasonCode: MQTTReasonCode? {
        switch type {
        case .puback, .pubrec, .pubrel, .pubcomp:
            guard remainingLength > 2 else { return .success }
            return bytes.getInteger(at: bytes.readerIndex + bodyOffset + 2).map(MQTTReasonCode.init(rawValue:))
        case .publish, .subscribe, .suback, .unsubscribe, .unsuback, .connect, .connack, .pingreq, .pingresp,
            .disconnect, .auth:
            return nil
        }
    }

    /// The protocol level byte of a CONNECT, whatever its value and whatever follows it; nil if this is no CONNECT or
    /// is too short. For answering a client whose CONNECT does not decode: 5 and above understands an MQTT 5.0
    /// CONNACK, lower ones only the older form (MQTT 5.0 section 3.1.2.2, MQTT 3.1.1 [MQTT-3.1.2-2]).
    public var connectProtocolLevel: UInt8? {
        let start = bytes.readerIndex + bodyOffset
        guard type == .connect, let nameBytes = bytes.getInteger(at: start, as: UInt16.self) else { return nil }
        return bytes.getInteger(at: start + 2 + Int(nameBytes))
    }
}

extension MQTTFrame: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Type and size only: a CONNECT holds a password.
    public var description: String { "\(type) of \(bytes.readableBytes) bytes" }
    public var debugDescription: String { description }
    public var customMirror: Mirror {
        Mirror(self, children: ["type": type, "byteCount": bytes.readableBytes], displayStyle: .struct)
    }
}

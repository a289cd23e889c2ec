public import NIOCore

/// Cuts a byte stream into ``MQTTFrame``s, refusing what is not acceptable as early as the bytes allow: the packet type
/// and flags at the first byte, the length as soon as the fixed header is complete and before any of the body is
/// buffered.
///
/// Nothing is consumed when an error is thrown, and the same bytes throw the same error again: the connection cannot be
/// continued. To change ``version`` or ``packetBytesMax`` in the middle of a connection, keep the decoder and the
/// buffer and call ``decode(buffer:)`` until it returns nil; NIO's own processor does not give its decoder out.
public struct MQTTFrameDecoder: NIOSingleStepByteToMessageDecoder {
    public typealias InboundOut = MQTTFrame

    /// The version CONNECT settled, nil before. Refuses packet types and lengths that do not exist in that version.
    public var version: MQTTProtocolVersion?

    /// Bytes of one packet, fixed header included. May be changed at any time; holds from the next packet on.
    public var packetBytesMax: Int

    /// Whether the next packet must be a CONNECT.
    private var expectsConnect: Bool

    /// - Parameters:
    ///   - limits: only ``MQTTLimits/packetBytesMax`` is used.
    ///   - version: the version, where it is already settled.
    ///   - expectsConnectFirst: refuse, at its first byte, a stream that does not begin with a CONNECT [MQTT-3.1.0-1].
    public init(limits: MQTTLimits, version: MQTTProtocolVersion? = nil, expectsConnectFirst: Bool = false) {
        self.version = version
        self.packetBytesMax = limits.packetBytesMax
        self.expectsConnect = expectsConnectFirst
    }

    /// Takes one whole packet off the front of `buffer`; nil, and nothing taken, if it is not all there yet.
    public mutating func decode(buffer: inout ByteBuffer) throws(MQTTProtocolError) -> MQTTFrame? {
        guard let first = buffer.getInteger(at: buffer.readerIndex, as: UInt8.self) else { return nil }
        let (type, flags) = try checkedFirstByte(first)
        guard let length = try MQTTVariableByteInteger.peek(in: buffer, at: buffer.readerIndex + 1) else { return nil }

        let headerBytes = 1 + length.byteCount
        let packetBytes = headerBytes + length.value
        guard packetBytes <= packetBytesMax else {
            throw MQTTProtocolError(
                code: .packetTooLarge, reasonCode: .packetTooLarge, clause: "section 3.2.2.3.6",
                detail: "a packet of \(packetBytes) bytes is over the limit of \(packetBytesMax)")
        }
        guard length.value <= remainingLengthMax(of: type) else {
            throw .malformed(.trailingBytes, "section 2.1.4", "the packet is longer than its type can be")
        }
        guard let bytes = buffer.readSlice(length: packetBytes) else { return nil }
        expectsConnect = false
        return MQTTFrame(type: type, flags: flags, bytes: bytes, bodyOffset: headerBytes)
    }

    /// As ``decode(buffer:)``; at the end of the stream an incomplete packet is an error.
    public mutating func decodeLast(
        buffer: inout ByteBuffer, seenEOF: Bool
    ) throws(MQTTProtocolError) -> MQTTFrame? {
        if let frame = try decode(buffer: &buffer) { return frame }
        if seenEOF && buffer.readableBytes > 0 {
            throw .malformed(.truncatedPacket, "section 2.1.4", "the connection ended inside a packet")
        }
        return nil
    }

    private func checkedFirstByte(
        _ first: UInt8
    ) throws(MQTTProtocolError) -> (type: MQTTPacketType, flags: UInt8) {
        // 0x10 is the only first byte of a CONNECT: a TLS record (0x16), HTTP or noise ends here, at one byte.
        if expectsConnect && first != 0x10 {
            throw .violation(.connectExpected, "MQTT-3.1.0-1", "the first packet is not a CONNECT")
        }
        guard let type = MQTTPacketType(rawValue: first >> 4) else {
            throw .malformed(.badPacketType, "section 2.1.2", "packet type 0 is reserved")
        }
        let flags = first & 0x0F
        switch type {
        case .publish:
            guard flags & 0b0110 != 0b0110 else {
                throw .malformed(.badQoS, "MQTT-3.3.1-4", "a PUBLISH has both QoS bits set")
            }
            guard flags & 0b1000 == 0 || flags & 0b0110 != 0 else {
                throw .malformed(.badQoS, "MQTT-3.3.1-2", "a QoS 0 PUBLISH has DUP set")
            }
        case .pubrel, .subscribe, .unsubscribe:
            guard flags == 0b0010 else {
                throw .malformed(.reservedBits, Self.flagsClause, "the fixed header's flags are not 2")
            }
        case .connect, .connack, .puback, .pubrec, .pubcomp, .suback, .unsuback, .pingreq, .pingresp, .disconnect:
            guard flags == 0 else {
                throw .malformed(.reservedBits, Self.flagsClause, "the fixed header's flags are not 0")
            }
        case .auth:
            guard version != .v3_1_1 else {
                throw .malformed(.badPacketType, "section 2.1.2", "packet type 15 is reserved in MQTT 3.1.1")
            }
            guard flags == 0 else {
                throw .malformed(.reservedBits, "MQTT-3.15.1-1", "the fixed header's flags are not 0")
            }
        }
        return (type, flags)
    }

    private static let flagsClause = "MQTT-2.1.3-1"

    /// The largest Remaining Length a well-formed packet of this type can have: what has a fixed size need not be
    /// buffered to be refused.
    private func remainingLengthMax(of type: MQTTPacketType) -> Int {
        switch type {
        case .pingreq, .pingresp:
            return 0
        case .disconnect:
            return version == .v3_1_1 ? 0 : .max
        case .connack, .puback, .pubrec, .pubrel, .pubcomp, .unsuback:
            return version == .v3_1_1 ? 2 : .max
        case .connect, .publish, .subscribe, .suback, .unsubscribe, .auth:
            return .max
        }
    }
}

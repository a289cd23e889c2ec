public import NIOCore

/// Any control packet, decoded.
public enum MQTTPacket: Sendable, Hashable {
    case connect(MQTTConnect)
    case connack(MQTTConnack)
    case publish(MQTTPublish)
    case puback(MQTTAcknowledgement)
    case pubrec(MQTTAcknowledgement)
    case pubrel(MQTTAcknowledgement)
    case pubcomp(MQTTAcknowledgement)
    case subscribe(MQTTSubscribe)
    case suback(MQTTSuback)
    case unsubscribe(MQTTUnsubscribe)
    case unsuback(MQTTUnsuback)
    case pingreq
    case pingresp
    case disconnect(MQTTDisconnect)
    /// MQTT 5.0 only.
    case auth(MQTTAuth)

    public var type: MQTTPacketType {
        switch self {
        case .connect: return .connect
        case .connack: return .connack
        case .publish: return .publish
        case .puback: return .puback
        case .pubrec: return .pubrec
        case .pubrel: return .pubrel
        case .pubcomp: return .pubcomp
        case .subscribe: return .subscribe
        case .suback: return .suback
        case .unsubscribe: return .unsubscribe
        case .unsuback: return .unsuback
        case .pingreq: return .pingreq
        case .pingresp: return .pingresp
        case .disconnect: return .disconnect
        case .auth: return .auth
        }
    }

    /// Decodes the body of a packet, which must be consumed to its last byte.
    ///
    /// - Parameters:
    ///   - version: the version CONNECT settled. A CONNECT is decoded by the version it names itself.
    ///   - limits: compared with every length and count before anything is allocated.
    ///   - sender: which end wrote the packet; what only the other end may send is then refused.
    /// - Throws: ``MQTTProtocolError``, with the reason code to answer with.
    public static func decode(
        _ frame: MQTTFrame, version: MQTTProtocolVersion, limits: MQTTLimits, sender: MQTTSender = .either
    ) throws(MQTTProtocolError) -> MQTTPacket {
        guard sender.maySend(frame.type, version: version) || (frame.type == .auth && version == .v3_1_1) else {
            throw .violation(.unexpectedPacket, "section 2.1.2", "this packet is for the other direction")
        }
        if frame.type == .publish {
            let context = MQTTDecodingContext(version: version, limits: limits, sender: sender)
            return .publish(try MQTTPublish(frame, context))
        }
        var reader = MQTTBodyReader(frame, limits: limits)
        let packet = try decodeBody(
            of: frame, &reader, MQTTDecodingContext(version: version, limits: limits, sender: sender))
        try reader.requireEnd()
        return packet
    }

    private static func decodeBody(
        of frame: MQTTFrame, _ reader: inout MQTTBodyReader, _ context: MQTTDecodingContext
    ) throws(MQTTProtocolError) -> MQTTPacket {
        switch frame.type {
        case .connect:
            return .connect(try MQTTConnect(&reader, limits: context.limits, sender: context.sender))
        case .connack:
            return .connack(try MQTTConnack(&reader, context))
        case .publish:
            return .publish(try MQTTPublish(frame, context))
        case .puback:
            return .puback(try MQTTAcknowledgement(&reader, of: .puback, .puback, context))
        case .pubrec:
            return .pubrec(try MQTTAcknowledgement(&reader, of: .pubrec, .pubrec, context))
        case .pubrel:
            return .pubrel(try MQTTAcknowledgement(&reader, of: .pubrel, .pubrel, context))
        case .pubcomp:
            return .pubcomp(try MQTTAcknowledgement(&reader, of: .pubcomp, .pubcomp, context))
        case .subscribe:
            return .subscribe(try MQTTSubscribe(&reader, context))
        case .suback:
            return .suback(try MQTTSuback(&reader, context))
        case .unsubscribe:
            return .unsubscribe(try MQTTUnsubscribe(&reader, context))
        case .unsuback:
            return .unsuback(try MQTTUnsuback(&reader, context))
        case .pingreq:
            return .pingreq
        case .pingresp:
            return .pingresp
        case .disconnect:
            return .disconnect(try MQTTDisconnect(&reader, context))
        case .auth:
            return .auth(try MQTTAuth(&reader, context))
        }
    }

    /// Appends the packet to `buffer`, which is left as it was if this throws.
    ///
    /// Whatever is written here decodes to an equal packet, except where MQTT 3.1.1 has fewer codes: there a SUBACK's
    /// failures all become 0x80, CONNACK's reason becomes the nearest return code, and the successes of UNSUBACK and
    /// of PUBACK to PUBCOMP are left out.
    ///
    /// - Parameter version: the version CONNECT settled. A CONNECT is written by its own.
    /// - Throws: ``MQTTEncodingError``: the value breaks a rule of the standard.
    public func encode(
        into buffer: inout ByteBuffer, version: MQTTProtocolVersion
    ) throws(MQTTEncodingError) {
        let size = try bodySize(version: version).byteCount
        guard size <= MQTTVariableByteInteger.valueMax else {
            throw MQTTEncodingError(.packetTooLarge, "the packet is longer than 268,435,455 bytes")
        }
        buffer.reserveCapacity(minimumWritableBytes: 5 + size)
        buffer.writeMQTTFixedHeader(type, flags: fixedHeaderFlags, remainingLength: size)
        let start = buffer.writerIndex
        writeBody(to: &buffer, version: version)
        assert(buffer.writerIndex - start == size, "the body's size was worked out wrongly")
    }

    private var fixedHeaderFlags: UInt8 {
        switch self {
        case .publish(let publish):
            return publish.fixedHeaderFlags
        case .pubrel, .subscribe, .unsubscribe:
            return 0b0010
        case .connect, .connack, .puback, .pubrec, .pubcomp, .suback, .unsuback, .pingreq, .pingresp, .disconnect,
            .auth:
            return 0
        }
    }

    private func bodySize(version: MQTTProtocolVersion) throws(MQTTEncodingError) -> MQTTBodySize {
        var size = MQTTBodySize()
        switch self {
        case .connect(let packet): try packet.add(to: &size)
        case .connack(let packet): try packet.add(to: &size, version: version)
        case .publish(let packet): try packet.add(to: &size, version: version)
        case .puback(let packet): try packet.add(to: &size, of: .puback, .puback, version: version)
        case .pubrec(let packet): try packet.add(to: &size, of: .pubrec, .pubrec, version: version)
        case .pubrel(let packet): try packet.add(to: &size, of: .pubrel, .pubrel, version: version)
        case .pubcomp(let packet): try packet.add(to: &size, of: .pubcomp, .pubcomp, version: version)
        case .subscribe(let packet): try packet.add(to: &size, version: version)
        case .suback(let packet): try packet.add(to: &size, version: version)
        case .unsubscribe(let packet): try packet.add(to: &size, version: version)
        case .unsuback(let packet): try packet.add(to: &size, version: version)
        case .pingreq, .pingresp: break
        case .disconnect(let packet): try packet.add(to: &size, version: version)
        case .auth(let packet): try packet.add(to: &size, version: version)
        }
        return size
    }

    private func writeBody(to buffer: inout ByteBuffer, version: MQTTProtocolVersion) {
        switch self {
        case .connect(let packet): packet.write(to: &buffer)
        case .connack(let packet): packet.write(to: &buffer, version: version)
        case .publish(let packet): packet.write(to: &buffer, version: version)
        case .puback(let packet), .pubrec(let packet), .pubrel(let packet), .pubcomp(let packet):
            packet.write(to: &buffer, version: version)
        case .subscribe(let packet): packet.write(to: &buffer, version: version)
        case .suback(let packet): packet.write(to: &buffer, version: version)
        case .unsubscribe(let packet): packet.write(to: &buffer, version: version)
        case .unsuback(let packet): packet.write(to: &buffer, version: version)
        case .pingreq, .pingresp: break
        case .disconnect(let packet): packet.write(to: &buffer, version: version)
        case .auth(let packet): packet.write(to: &buffer)
        }
    }
}

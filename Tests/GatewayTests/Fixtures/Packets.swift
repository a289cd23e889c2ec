internal import MQTTCodec
internal import NIOCore
internal import Testing

extension MQTTPacket {
    /// The packet on the wire.
    func bytes(_ version: MQTTProtocolVersion) throws -> ByteBuffer {
        var buffer = ByteBuffer()
        try self.encode(into: &buffer, version: version)
        return buffer
    }

    /// The packet as the gateway gets it from the wire.
    func frame(_ version: MQTTProtocolVersion) throws -> MQTTFrame {
        try MQTTFrame.one(in: self.bytes(version), version)
    }

    /// A PUBLISH; a packet identifier is given exactly with QoS 1 and 2.
    static func publish(
        _ topic: String, qos: MQTTQoS = .atMostOnce, id: UInt16 = 11, retain: Bool = false, alias: UInt16? = nil,
        payload: String = "payload"
    ) -> MQTTPacket {
        .publish(
            MQTTPublish(
                qos: qos, retain: retain, topic: topic, packetIdentifier: qos == .atMostOnce ? nil : id,
                properties: alias.map { [.topicAlias($0)] } ?? [], payload: ByteBuffer(string: payload)
            )
        )
    }

    static func subscribe(id: UInt16 = 21, _ filters: (String, MQTTQoS)...) -> MQTTPacket {
        .subscribe(
            MQTTSubscribe(
                packetIdentifier: id, subscriptions: filters.map { MQTTSubscription(filter: $0.0, qos: $0.1) }
            )
        )
    }

    static func suback(id: UInt16 = 21, _ codes: MQTTReasonCode...) -> MQTTPacket {
        .suback(MQTTSuback(packetIdentifier: id, reasonCodes: codes))
    }

    static func acknowledgement(
        _ type: MQTTPacketType, id: UInt16, _ code: MQTTReasonCode = .success
    ) throws -> MQTTPacket {
        let acknowledgement = MQTTAcknowledgement(packetIdentifier: id, reasonCode: code)
        switch type {
        case .puback: return .puback(acknowledgement)
        case .pubrec: return .pubrec(acknowledgement)
        case .pubrel: return .pubrel(acknowledgement)
        case .pubcomp: return .pubcomp(acknowledgement)
        case .connect, .connack, .publish, .subscribe, .suback, .unsubscribe, .unsuback, .pingreq, .pingresp,
            .disconnect, .auth:
            throw NotAnAcknowledgement()
        }
    }

    private struct NotAnAcknowledgement: Error {}
}

extension MQTTFrame {
    /// The one packet in these bytes, cut out as strictly as on a connection.
    static func one(in bytes: ByteBuffer, _ version: MQTTProtocolVersion?) throws -> MQTTFrame {
        var bytes = bytes
        var decoder = MQTTFrameDecoder(limits: .protocolMaximum, version: version)
        let frame = try #require(try decoder.decode(buffer: &bytes))
        #expect(bytes.readableBytes == 0)
        return frame
    }

    static func one(in bytes: [UInt8], _ version: MQTTProtocolVersion?) throws -> MQTTFrame {
        try .one(in: ByteBuffer(bytes: bytes), version)
    }
}

extension ByteBuffer {
    /// The one packet in these bytes.
    func packet(_ version: MQTTProtocolVersion) throws -> MQTTPacket {
        try MQTTPacket.decode(.one(in: self, version), version: version, limits: .protocolMaximum)
    }
}

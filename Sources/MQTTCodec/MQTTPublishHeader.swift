public import NIOCore

/// What a gateway needs to know of a PUBLISH, taken from the packet without copying its topic or payload.
///
/// Checked as strictly as a full decode: it throws exactly when ``MQTTPacket/decode(_:version:limits:sender:)`` does.
public struct MQTTPublishHeader: Sendable, Equatable {
    public let duplicate: Bool
    public let qos: MQTTQoS
    public let retain: Bool
    /// Nil for QoS 0.
    public let packetIdentifier: UInt16?
    /// The topic name, a slice of the packet. Empty only with a topic alias.
    public let topic: ByteBuffer
    /// 1 to 65,535, MQTT 5.0 only. Whether the alias is within what was agreed is for the session to say.
    public let topicAlias: UInt16?
    /// The response topic, a slice of the packet, MQTT 5.0 only.
    public let responseTopic: ByteBuffer?
    /// Bytes of the application message.
    public let payloadBytes: Int

    /// Bytes from the start of the packet to the properties' length; nil under MQTT 3.1.1.
    let propertiesLengthOffset: Int?
    /// Bytes from the start of the packet to the first property, or to the payload if there are no properties.
    let propertiesOffset: Int
    /// Bytes from the start of the packet to the topic alias property.
    let topicAliasOffset: Int?
    /// Bytes from the start of the packet to the response topic property.
    let responseTopicOffset: Int?
    /// Bytes from the start of the packet to the payload.
    let payloadOffset: Int
}

extension MQTTFrame {
    /// Reads and checks everything of a PUBLISH but the payload, without allocating.
    ///
    /// - Throws: as a full decode does; ``MQTTProtocolError/Code/unexpectedPacket`` if this is no PUBLISH.
    public func publishHeader(
        version: MQTTProtocolVersion, limits: MQTTLimits, sender: MQTTSender = .either
    ) throws(MQTTProtocolError) -> MQTTPublishHeader {
        guard type == .publish else {
            throw .violation(.unexpectedPacket, "section 3.3", "the packet is not a PUBLISH")
        }
        guard let qos = MQTTQoS(rawValue: flags >> 1 & 0b11) else {
            throw .malformed(.badQoS, "MQTT-3.3.1-4", "a PUBLISH has both QoS bits set")
        }
        var reader = MQTTBodyReader(self, limits: limits)
        let topic = try reader.readTopicRange(limits: limits, allowsEmpty: version == .v5)
        let packetIdentifier = qos == .atMostOnce ? nil : try reader.readPacketIdentifier()

        var propertiesLengthOffset: Int?
        var properties = MQTTPublishProperties(offset: reader.offset)
        if version == .v5 {
            propertiesLengthOffset = reader.offset
            properties = try MQTTPublishProperties(&reader, sender: sender, limits: limits)
        }
        guard !topic.isEmpty || properties.topicAlias != nil else {
            throw MQTTProtocolError(
                code: .badTopic, reasonCode: .protocolError, clause: "section 3.3.2.1",
                detail: "a topic name is empty and there is no topic alias")
        }
        return MQTTPublishHeader(
            duplicate: flags & 0b1000 != 0, qos: qos, retain: flags & 0b0001 != 0, packetIdentifier: packetIdentifier,
            topic: try reader.slice(topic), topicAlias: properties.topicAlias,
            responseTopic: try properties.responseTopic.map { (range) throws(MQTTProtocolError) in
                try reader.slice(range)
            },
            payloadBytes: reader.remaining, propertiesLengthOffset: propertiesLengthOffset,
            propertiesOffset: properties.offset, topicAliasOffset: properties.topicAliasOffset,
            responseTopicOffset: properties.responseTopicOffset, payloadOffset: reader.offset)
    }

    /// The application message of a PUBLISH, sharing storage with the packet. Empty if `header` is another packet's.
    public func payload(_ header: MQTTPublishHeader) -> ByteBuffer {
        bytes.getSlice(at: bytes.readerIndex + header.payloadOffset, length: header.payloadBytes) ?? ByteBuffer()
    }
}

/// The few properties of a PUBLISH that its header shows; all of them are checked.
private struct MQTTPublishProperties {
    /// Bytes from the start of the packet to the first property.
    var offset: Int
    var topicAlias: UInt16?
    var topicAliasOffset: Int?
    var responseTopic: Range<Int>?
    var responseTopicOffset: Int?

    init(offset: Int) {
        self.offset = offset
    }

    init(_ reader: inout MQTTBodyReader, sender: MQTTSender, limits: MQTTLimits) throws(MQTTProtocolError) {
        let count = try reader.readVariableByteInteger()
        var found = MQTTPublishProperties(offset: reader.offset)
        if count > 0 {
            try reader.limited(to: count) { (reader) throws(MQTTProtocolError) in
                var scanner = MQTTPropertyScanner(context: .publish, sender: sender, limits: limits)
                var start = reader.offset
                while let property = try scanner.next(&reader) {
                    if property.identifier == .topicAlias {
                        found.topicAlias = UInt16(truncatingIfNeeded: property.number)
                        found.topicAliasOffset = start
                    } else if property.identifier == .responseTopic {
                        found.responseTopic = property.first
                        found.responseTopicOffset = start
                    }
                    start = reader.offset
                }
            }
        }
        self = found
    }
}

public import NIOCore

/// A PUBLISH in two pieces, to be written one after the other.
public struct MQTTPublishParts: Sendable, Equatable {
    /// The fixed header, topic, packet identifier and properties: newly written.
    public let head: ByteBuffer
    /// The application message: a slice of the packet it came from, not copied.
    public let payload: ByteBuffer

    /// Bytes of the whole packet.
    public var byteCount: Int { head.readableBytes + payload.readableBytes }
}

extension MQTTFrame {
    /// The PUBLISH `frame` with another topic: flags, packet identifier, the other properties and payload are kept as
    /// they are. For resolving a topic alias of the device's before the broker, which has another table, sees it.
    ///
    /// - Parameters:
    ///   - header: what ``publishHeader(version:limits:sender:)`` returned for this very frame.
    ///   - topic: a topic name in UTF-8; empty only if the packet keeps its topic alias.
    ///   - droppingTopicAlias: leave the topic alias property out.
    /// - Throws: `bad-topic`, `field-too-long` or `packet-too-large`; `header-mismatch` if the header is not its own.
    public static func rewritingPublish(
        _ frame: MQTTFrame, _ header: MQTTPublishHeader, topic: ByteBuffer, droppingTopicAlias: Bool
    ) throws(MQTTEncodingError) -> MQTTPublishParts {
        let keepsAlias = header.topicAlias != nil && !droppingTopicAlias
        guard topic.readableBytes <= MQTTLimits.fieldBytesAbsoluteMax else {
            throw MQTTEncodingError(.fieldTooLong, "a topic name is longer than 65,535 bytes")
        }
        guard (keepsAlias && topic.readableBytes == 0) || MQTTTopic.isValidName(topic.readableBytesUInt8Span) else {
            throw MQTTEncodingError(.badTopic, "a topic name is empty or holds what it must not")
        }

        // The properties before and after the alias, which is 3 bytes: its identifier and its value.
        let aliasBytes = 3
        let cut = keepsAlias ? nil : header.topicAliasOffset
        let before = header.propertiesOffset..<(cut ?? header.payloadOffset)
        let after = (cut.map { $0 + aliasBytes } ?? header.payloadOffset)..<header.payloadOffset
        let start = frame.bytes.readerIndex
        guard frame.type == .publish, frame.bytes.readableBytes == header.payloadOffset + header.payloadBytes,
            let first = frame.bytes.getSlice(at: start + before.lowerBound, length: before.count),
            let second = frame.bytes.getSlice(at: start + after.lowerBound, length: after.count),
            let payload = frame.bytes.getSlice(at: start + header.payloadOffset, length: header.payloadBytes)
        else {
            throw MQTTEncodingError(.headerMismatch, "the header was not read from this packet")
        }

        let propertiesBytes = before.count + after.count
        var size = MQTTBodySize()
        size.add(2 + topic.readableBytes + (header.packetIdentifier == nil ? 0 : 2))
        if header.propertiesLengthOffset != nil {
            size.add(MQTTVariableByteInteger.byteCount(of: propertiesBytes) + propertiesBytes)
        }
        let remainingLength = size.byteCount + payload.readableBytes
        guard remainingLength <= MQTTVariableByteInteger.valueMax else {
            throw MQTTEncodingError(.packetTooLarge, "the packet is longer than 268,435,455 bytes")
        }

        var head = ByteBuffer()
        head.reserveCapacity(5 + size.byteCount)
        head.writeMQTTFixedHeader(.publish, flags: frame.flags, remainingLength: remainingLength)
        head.writeMQTTData(topic)
        if let packetIdentifier = header.packetIdentifier { head.writeInteger(packetIdentifier) }
        if header.propertiesLengthOffset != nil {
            MQTTVariableByteInteger.write(propertiesBytes, to: &head)
            head.writeImmutableBuffer(first)
            head.writeImmutableBuffer(second)
        }
        return MQTTPublishParts(head: head, payload: payload)
    }
}

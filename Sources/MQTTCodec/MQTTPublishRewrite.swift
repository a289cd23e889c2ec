public import NIOCore

/// What becomes of a PUBLISH's topics when it is written anew. Flags, packet identifier, every other property and the
/// payload are kept as they are.
public struct MQTTPublishEdit: Sendable {
    /// What becomes of the response topic; it has no effect on a packet that has none.
    public enum ResponseTopic: Sendable {
        case kept
        case removed
        /// ``MQTTPublishEdit/prefix`` and this topic name, in UTF-8, in the place of the old one.
        case replaced(ByteBuffer)
    }

    /// Written before ``topic`` and before a replaced response topic: the beginning of a topic name in UTF-8, or empty.
    public var prefix: ByteBuffer
    /// A topic name in UTF-8. Empty only if the packet keeps its topic alias; no prefix is written then.
    public var topic: ByteBuffer
    /// Leave the topic alias property out.
    public var dropsTopicAlias: Bool
    public var responseTopic: ResponseTopic

    public init(
        topic: ByteBuffer, prefix: ByteBuffer = ByteBuffer(), dropsTopicAlias: Bool = false,
        responseTopic: ResponseTopic = .kept
    ) {
        self.prefix = prefix
        self.topic = topic
        self.dropsTopicAlias = dropsTopicAlias
        self.responseTopic = responseTopic
    }
}

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
    /// This PUBLISH with other topics, without decoding its properties again: for a gateway that writes out a topic
    /// alias, or gives a topic its place below a prefix, between two peers.
    ///
    /// - Parameters:
    ///   - header: what ``publishHeader(version:limits:sender:)`` returned for this very frame.
    ///   - edit: the new topics.
    /// - Throws: `bad-topic`, `field-too-long` or `packet-too-large`; `header-mismatch` if the header is not its own.
    public func rewritingPublish(
        _ header: MQTTPublishHeader, _ edit: MQTTPublishEdit
    ) throws(MQTTEncodingError) -> MQTTPublishParts {
        let keepsAlias = header.topicAlias != nil && !edit.dropsTopicAlias
        let isTopicOmitted = keepsAlias && edit.topic.readableBytes == 0
        let prefix = edit.prefix.readableBytes == 0 ? nil : edit.prefix
        if let prefix {
            // A prefix that is no name of its own could make one that is not well-formed, with whatever follows it.
            guard MQTTTopic.isValidName(prefix.readableBytesUInt8Span) else { throw Self.badTopic }
        }
        let topicBytes = isTopicOmitted ? 0 : try Self.checkedByteCount(of: edit.topic, after: prefix)
        let properties = try keptProperties(header, edit, keepsAlias: keepsAlias, prefix: prefix)
        guard type == .publish, bytes.readableBytes == header.payloadOffset + header.payloadBytes,
            let payload = bytes.getSlice(at: bytes.readerIndex + header.payloadOffset, length: header.payloadBytes)
        else { throw Self.headerMismatch }

        var size = MQTTBodySize()
        size.add(2 + topicBytes + (header.packetIdentifier == nil ? 0 : 2))
        if header.propertiesLengthOffset != nil {
            size.add(MQTTVariableByteInteger.byteCount(of: properties.byteCount) + properties.byteCount)
        }
        let remainingLength = size.byteCount + payload.readableBytes
        guard remainingLength <= MQTTVariableByteInteger.valueMax else {
            throw MQTTEncodingError(.packetTooLarge, "the packet is longer than 268,435,455 bytes")
        }

        var head = ByteBuffer()
        head.reserveCapacity(5 + size.byteCount)
        head.writeMQTTFixedHeader(.publish, flags: flags, remainingLength: remainingLength)
        head.writeInteger(UInt16(truncatingIfNeeded: topicBytes))
        if !isTopicOmitted {
            if let prefix { head.writeImmutableBuffer(prefix) }
            head.writeImmutableBuffer(edit.topic)
        }
        if let packetIdentifier = header.packetIdentifier { head.writeInteger(packetIdentifier) }
        if header.propertiesLengthOffset != nil {
            MQTTVariableByteInteger.write(properties.byteCount, to: &head)
            properties.write(to: &head)
        }
        return MQTTPublishParts(head: head, payload: payload)
    }

    /// Bytes of a topic name with its prefix.
    private static func checkedByteCount(
        of topic: ByteBuffer, after prefix: ByteBuffer?
    ) throws(MQTTEncodingError) -> Int {
        let byteCount = topic.readableBytes + (prefix?.readableBytes ?? 0)
        guard byteCount <= MQTTLimits.fieldBytesAbsoluteMax else {
            throw MQTTEncodingError(.fieldTooLong, "a topic name is longer than 65,535 bytes")
        }
        guard MQTTTopic.isValidName(topic.readableBytesUInt8Span) else { throw badTopic }
        return byteCount
    }

    private static let badTopic = MQTTEncodingError(.badTopic, "a topic name is empty or holds what it must not")
    private static let headerMismatch = MQTTEncodingError(
        .headerMismatch, "the header was not read from this packet")

    private func keptProperties(
        _ header: MQTTPublishHeader, _ edit: MQTTPublishEdit, keepsAlias: Bool, prefix: ByteBuffer?
    ) throws(MQTTEncodingError) -> KeptProperties {
        var kept = KeptProperties(end: header.payloadOffset)
        if !keepsAlias, let offset = header.topicAliasOffset {
            // Identifier and value.
            kept.leaveOut(offset..<(offset + 3))
        }
        if let offset = header.responseTopicOffset, let old = header.responseTopic {
            // Identifier, length and text.
            let range = offset..<(offset + 3 + old.readableBytes)
            switch edit.responseTopic {
            case .kept: break
            case .removed: kept.leaveOut(range)
            case .replaced(let topic):
                kept.leaveOut(range, replacing: (prefix, topic, try Self.checkedByteCount(of: topic, after: prefix)))
            }
        }
        guard kept.fill(from: bytes, start: header.propertiesOffset) else { throw Self.headerMismatch }
        return kept
    }
}

/// The properties of a packet but for at most two of them, in one of whose places another response topic may stand.
private struct KeptProperties {
    private typealias Replacement = (prefix: ByteBuffer?, topic: ByteBuffer, byteCount: Int)

    /// What is left out, by its place in the packet; empty at the end of the properties where nothing is.
    private var first: Range<Int>
    private var second: Range<Int>
    private var replacement: Replacement?
    private var replacementOffset = 0
    private let end: Int
    private var pieces: (ByteBuffer, ByteBuffer, ByteBuffer) = (ByteBuffer(), ByteBuffer(), ByteBuffer())

    init(end: Int) {
        self.end = end
        first = end..<end
        second = end..<end
    }

    mutating func leaveOut(
        _ range: Range<Int>, replacing replacement: (prefix: ByteBuffer?, topic: ByteBuffer, byteCount: Int)? = nil
    ) {
        (first, second) = range.lowerBound < first.lowerBound ? (range, first) : (first, range)
        guard let replacement else { return }
        self.replacement = replacement
        replacementOffset = range.lowerBound
    }

    /// Takes what is kept out of the packet. False if the places are not in it.
    mutating func fill(from bytes: ByteBuffer, start: Int) -> Bool {
        func piece(_ lower: Int, _ upper: Int) -> ByteBuffer? {
            guard lower <= upper else { return nil }
            return bytes.getSlice(at: bytes.readerIndex + lower, length: upper - lower)
        }
        guard let before = piece(start, first.lowerBound),
            let between = piece(first.upperBound, second.lowerBound),
            let after = piece(second.upperBound, end)
        else { return false }
        pieces = (before, between, after)
        return true
    }

    /// Without their length.
    var byteCount: Int {
        pieces.0.readableBytes + pieces.1.readableBytes + pieces.2.readableBytes
            + (replacement.map { 3 + $0.byteCount } ?? 0)
    }

    func write(to buffer: inout ByteBuffer) {
        buffer.writeImmutableBuffer(pieces.0)
        writeReplacement(at: first, to: &buffer)
        buffer.writeImmutableBuffer(pieces.1)
        writeReplacement(at: second, to: &buffer)
        buffer.writeImmutableBuffer(pieces.2)
    }

    private func writeReplacement(at cut: Range<Int>, to buffer: inout ByteBuffer) {
        guard let replacement = self.replacement, !cut.isEmpty, cut.lowerBound == replacementOffset else { return }
        buffer.writeInteger(MQTTPropertyIdentifier.responseTopic.rawValue)
        buffer.writeInteger(UInt16(truncatingIfNeeded: replacement.byteCount))
        if let prefix = replacement.prefix { buffer.writeImmutableBuffer(prefix) }
        buffer.writeImmutableBuffer(replacement.topic)
    }
}

import NIOCore

/// Reads the fields of a packet's body in order. Every read checks that the field lies inside the body, and every
/// string and binary field is compared with its limit, before anything is copied.
struct MQTTBodyReader {
    private let bytes: ByteBuffer
    /// Where the next field begins, as an index into the buffer.
    private(set) var index: Int
    /// The end of the body, or of the part of it that ``limited(to:_:)`` is reading.
    private(set) var end: Int
    private let acceptsControlCharacters: Bool

    init(_ frame: MQTTFrame, limits: MQTTLimits) {
        self.init(frame, from: frame.bodyOffset, limits: limits)
    }

    /// Begins at `offset` bytes from the start of the packet, which must lie inside it.
    init(_ frame: MQTTFrame, from offset: Int, limits: MQTTLimits) {
        bytes = frame.bytes
        index = frame.bytes.readerIndex + offset
        end = frame.bytes.writerIndex
        acceptsControlCharacters = limits.acceptsControlCharacters
    }

    var remaining: Int { end - index }
    var isAtEnd: Bool { index == end }

    /// Bytes from the start of the packet to the next field.
    var offset: Int { index - bytes.readerIndex }

    mutating func readByte() throws(MQTTProtocolError) -> UInt8 {
        try readInteger()
    }

    mutating func readUInt16() throws(MQTTProtocolError) -> UInt16 {
        try readInteger()
    }

    mutating func readUInt32() throws(MQTTProtocolError) -> UInt32 {
        try readInteger()
    }

    private mutating func readInteger<Value: FixedWidthInteger>() throws(MQTTProtocolError) -> Value {
        let size = MemoryLayout<Value>.size
        guard remaining >= size, let value = bytes.getInteger(at: index, as: Value.self) else {
            throw Self.truncated
        }
        index += size
        return value
    }

    /// A packet identifier, which is never zero [MQTT-2.2.1-3].
    mutating func readPacketIdentifier() throws(MQTTProtocolError) -> UInt16 {
        let identifier = try readUInt16()
        guard identifier != 0 else {
            throw .violation(.badPacketIdentifier, "MQTT-2.2.1-3", "the packet identifier is zero")
        }
        return identifier
    }

    mutating func readVariableByteInteger() throws(MQTTProtocolError) -> Int {
        guard let integer = try MQTTVariableByteInteger.peek(in: bytes, at: index), integer.byteCount <= remaining
        else { throw Self.truncated }
        index += integer.byteCount
        return integer.value
    }

    /// The place of a two-byte length and as many bytes.
    mutating func readDataRange(
        bytesMax: Int, orThrow tooLong: @autoclosure () -> MQTTProtocolError
    ) throws(MQTTProtocolError) -> Range<Int> {
        let count = Int(try readUInt16())
        guard count <= remaining else { throw Self.truncated }
        guard count <= bytesMax else { throw tooLong() }
        defer { index += count }
        return index..<(index + count)
    }

    /// The place of a string, known to be well-formed.
    mutating func readTextRange(
        bytesMax: Int, orThrow tooLong: @autoclosure () -> MQTTProtocolError
    ) throws(MQTTProtocolError) -> Range<Int> {
        let range = try readDataRange(bytesMax: bytesMax, orThrow: tooLong())
        let span = bytes.readableBytesUInt8Span.extracting(spanRange(range))
        guard MQTTText.isWellFormed(span, acceptingControlCharacters: acceptsControlCharacters) else {
            throw .malformed(
                .badUTF8, "MQTT-1.5.4-1", "a string is not well-formed UTF-8 or holds a forbidden character")
        }
        return range
    }

    mutating func readData(
        bytesMax: Int, orThrow tooLong: @autoclosure () -> MQTTProtocolError
    ) throws(MQTTProtocolError) -> ByteBuffer {
        try slice(readDataRange(bytesMax: bytesMax, orThrow: tooLong()))
    }

    mutating func readText(
        bytesMax: Int, orThrow tooLong: @autoclosure () -> MQTTProtocolError
    ) throws(MQTTProtocolError) -> String {
        try text(readTextRange(bytesMax: bytesMax, orThrow: tooLong()))
    }

    /// The place of a topic name within the limits, without wildcards; empty only where `allowsEmpty`.
    mutating func readTopicRange(limits: MQTTLimits, allowsEmpty: Bool) throws(MQTTProtocolError) -> Range<Int> {
        let range = try readTextRange(
            bytesMax: limits.topicBytesMax,
            orThrow: Self.topicTooLong("a topic name is longer than \(limits.topicBytesMax) bytes"))
        if range.isEmpty && allowsEmpty { return range }
        let span = bytes.readableBytesUInt8Span.extracting(spanRange(range))
        guard MQTTTopic.isWildcardFreeName(span) else {
            throw MQTTProtocolError(
                code: .badTopic, reasonCode: .topicNameInvalid, clause: range.isEmpty ? "MQTT-4.7.3-1" : "MQTT-4.7.0-1",
                detail: range.isEmpty ? "a topic name is empty" : "a topic name holds a wildcard")
        }
        guard MQTTTopic.levelCount(span) <= limits.topicLevelsMax else {
            throw Self.topicTooLong("a topic name has more than \(limits.topicLevelsMax) levels")
        }
        return range
    }

    /// A topic filter within the limits, with valid wildcards and share name.
    mutating func readFilter(limits: MQTTLimits) throws(MQTTProtocolError) -> (text: String, isShared: Bool) {
        let range = try readTextRange(
            bytesMax: limits.topicBytesMax,
            orThrow: Self.filterTooLong("a topic filter is longer than \(limits.topicBytesMax) bytes"))
        let span = bytes.readableBytesUInt8Span.extracting(spanRange(range))
        if let violation = MQTTTopic.filterViolation(span) {
            throw MQTTProtocolError(
                code: .badFilter, reasonCode: .topicFilterInvalid, clause: "\(violation.clause)",
                detail: "\(violation.detail)")
        }
        guard MQTTTopic.levelCount(span) <= limits.topicLevelsMax else {
            throw Self.filterTooLong("a topic filter has more than \(limits.topicLevelsMax) levels")
        }
        let isShared = MQTTTopic.isShared(span)
        return (try text(range), isShared)
    }

    /// Runs `read` with the next `count` bytes as the whole body, and requires that it takes them all.
    mutating func limited<Value>(
        to count: Int, _ read: (inout MQTTBodyReader) throws(MQTTProtocolError) -> Value
    ) throws(MQTTProtocolError) -> Value {
        guard count <= remaining else { throw Self.truncated }
        let outerEnd = end
        end = index + count
        let value = try read(&self)
        try requireEnd()
        end = outerEnd
        return value
    }

    /// The body must have been read to its end.
    func requireEnd() throws(MQTTProtocolError) {
        guard isAtEnd else {
            throw .malformed(.trailingBytes, "section 2.1.4", "bytes are left after the last field")
        }
    }

    /// The bytes at a place this reader returned, sharing storage.
    func slice(_ range: Range<Int>) throws(MQTTProtocolError) -> ByteBuffer {
        guard let slice = bytes.getSlice(at: range.lowerBound, length: range.count) else { throw Self.truncated }
        return slice
    }

    /// The string at a place ``readTextRange(bytesMax:orThrow:)`` returned.
    func text(_ range: Range<Int>) throws(MQTTProtocolError) -> String {
        guard let text = bytes.getString(at: range.lowerBound, length: range.count) else { throw Self.truncated }
        return text
    }

    private func spanRange(_ range: Range<Int>) -> Range<Int> {
        (range.lowerBound - bytes.readerIndex)..<(range.upperBound - bytes.readerIndex)
    }

    private static let truncated = MQTTProtocolError.malformed(
        .truncatedPacket, "section 2.1.4", "a field ends after the end of the packet")

    private static func topicTooLong(_ detail: String) -> MQTTProtocolError {
        MQTTProtocolError(
            code: .limitExceeded, reasonCode: .topicNameInvalid, clause: "section 4.7.3", detail: detail)
    }

    private static func filterTooLong(_ detail: String) -> MQTTProtocolError {
        MQTTProtocolError(
            code: .limitExceeded, reasonCode: .topicFilterInvalid, clause: "section 4.7.3", detail: detail)
    }
}

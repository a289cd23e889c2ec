public import NIOCore

/// What the PUBLISH packets of one sender mostly have in common: QoS, RETAIN and topic name.
///
/// Made of a packet that was decoded, it recognizes others for which the same decode would find the same, but for packet
/// identifier and payload, and which so need not be decoded. No allocation, any thread.
public struct MQTTPublishPattern: Sendable, Equatable {
    /// A packet like the one that the pattern was made of.
    public struct Packet: Sendable, Equatable {
        /// All of it, the fixed header included.
        public let byteCount: Int
        /// Nil for QoS 0.
        public let packetIdentifier: UInt16?
    }

    private static let duplicateFlag: UInt8 = 0b1000

    /// The fixed header's, without DUP.
    private let flags: UInt8
    /// The topic name behind its two bytes of length, as in a packet.
    private let topicField: [UInt8]
    /// Whether packets have a length of properties (MQTT 5.0), which is 0 in what is alike.
    private let hasPropertyLength: Bool

    /// - Parameters:
    ///   - frame: A PUBLISH.
    ///   - header: What the frame was decoded to.
    /// - Returns: Nil for a packet with properties, or with no topic name (MQTT 5.0, section 3.3.2.3.4): what it means
    ///   depends on more.
    public init?(_ frame: MQTTFrame, _ header: MQTTPublishHeader, version: MQTTProtocolVersion) {
        let topicBytes = header.topic.readableBytes
        let lengthBytes = version == .v5 ? 1 : 0
        let identifierBytes = header.packetIdentifier == nil ? 0 : 2
        let start = frame.bodyOffset
        guard topicBytes > 0, header.payloadOffset == start + 2 + topicBytes + identifierBytes + lengthBytes,
            let field = frame.bytes.getBytes(at: frame.bytes.readerIndex + start, length: 2 + topicBytes)
        else { return nil }
        self.flags = frame.flags & ~Self.duplicateFlag
        self.topicField = field
        self.hasPropertyLength = version == .v5
    }

    /// The packet that begins at `offset` bytes behind the reader index, if it is there as a whole and alike: it would
    /// decode, in the same version and under the same limits, to the same QoS, RETAIN and topic, without properties. Nil
    /// where something is different, missing or wrong; what, the decoder says.
    ///
    /// - Parameter packetBytesMax: ``MQTTFrameDecoder/packetBytesMax``.
    public func packet(in buffer: ByteBuffer, at offset: Int, packetBytesMax: Int) -> Packet? {
        let bytes = buffer.readableBytesUInt8Span
        guard let (bodyOffset, end) = self.extent(bytes, offset), end - offset <= packetBytesMax, end <= bytes.count
        else { return nil }
        let hasIdentifier = self.flags & 0b0110 != 0
        var place = bodyOffset + self.topicField.count
        guard place + (hasIdentifier ? 2 : 0) + (self.hasPropertyLength ? 1 : 0) <= end,
            Self.isSame(bytes.extracting(bodyOffset..<place), self.topicField.span)
        else { return nil }
        var identifier: UInt16?
        if hasIdentifier {
            let number = UInt16(bytes[place]) << 8 | UInt16(bytes[place + 1])
            // Zero is refused [MQTT-2.2.1-3].
            guard number != 0 else { return nil }
            identifier = number
            place += 2
        }
        guard !self.hasPropertyLength || bytes[place] == 0 else { return nil }
        return Packet(byteCount: end - offset, packetIdentifier: identifier)
    }

    /// Where the body of a packet with this first byte begins and where it ends, by its Remaining Length.
    private func extent(_ bytes: Span<UInt8>, _ offset: Int) -> (bodyOffset: Int, end: Int)? {
        guard offset < bytes.count, bytes[offset] >> 4 == MQTTPacketType.publish.rawValue else { return nil }
        let flags = bytes[offset] & 0x0F
        // DUP is for QoS 1 and 2 alone [MQTT-3.3.1-2].
        guard flags & ~Self.duplicateFlag == self.flags, flags == self.flags || flags & 0b0110 != 0 else { return nil }
        var length = 0
        for index in 0..<4 {
            let place = offset + 1 + index
            guard place < bytes.count else { return nil }
            let byte = bytes[place]
            length |= Int(byte & 0x7F) << (7 * index)
            guard byte & 0x80 == 0 else { continue }
            // The shortest form only [MQTT-1.5.5-1].
            return byte == 0 && index > 0 ? nil : (place + 1, place + 1 + length)
        }
        return nil
    }

    /// Compares spans of the same length.
    private static func isSame(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Bool {
        for index in left.indices where left[index] != right[index] { return false }
        return true
    }
}

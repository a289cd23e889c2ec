internal import NIOCore

/// What the PUBLISH packets of one sender mostly have in common: QoS, RETAIN and topic name.
///
/// Made of a packet that was decoded, it recognizes others for which the same decode would find the same, but for packet
/// identifier and payload, and which so need not be decoded. No allocation, any thread.
public struct MQTTPublishPattern: Sendable, Equatable {
    /// Whether another packet is like the one that the pattern was made of.
    public enum Likeness: Sendable, Equatable {
        /// It has to be decoded: something is different, or wrong.
        case different
        /// It would decode, to the same QoS, RETAIN and topic, without properties. The identifier is nil for QoS 0.
        case alike(packetIdentifier: UInt16?)
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

    /// Compares a packet of the same sender, in the same version and under the same limits.
    public func compare(_ frame: MQTTFrame) -> Likeness {
        guard frame.type == .publish, frame.flags & ~Self.duplicateFlag == self.flags else { return .different }
        let bytes = frame.bytes.readableBytesUInt8Span
        let hasIdentifier = self.flags & 0b0110 != 0
        var offset = frame.bodyOffset
        let behindTopic = offset + self.topicField.count
        guard behindTopic + (hasIdentifier ? 2 : 0) + (self.hasPropertyLength ? 1 : 0) <= bytes.count,
            Self.isSame(bytes.extracting(offset..<behindTopic), self.topicField.span)
        else { return .different }
        offset = behindTopic
        var identifier: UInt16?
        if hasIdentifier {
            let number = UInt16(bytes[offset]) << 8 | UInt16(bytes[offset + 1])
            // Zero is refused [MQTT-2.2.1-3].
            guard number != 0 else { return .different }
            identifier = number
            offset += 2
        }
        guard !self.hasPropertyLength || bytes[offset] == 0 else { return .different }
        return .alike(packetIdentifier: identifier)
    }

    /// Compares spans of the same length.
    private static func isSame(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Bool {
        for index in left.indices where left[index] != right[index] { return false }
        return true
    }
}

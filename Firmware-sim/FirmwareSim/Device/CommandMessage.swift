import MQTTCodec
import NIOCore

/// What a payload between two devices says (``Firmware/CommandTraffic``): `cmd ID REPLY-TOPIC` and filler, or `ack ID`
/// and the filler back. Comes from another device through the broker, so from anybody: bounded, and never trusted.
enum CommandMessage: Sendable, Equatable {
    case command(CommandAnswer)
    case answer(identifier: UInt32)

    /// - Parameter qos: The command's, which is the answer's too.
    /// - Returns: nil if the payload is neither.
    init?(_ payload: ByteBuffer, qos: UInt8) {
        var rest = payload
        guard let verb = rest.readWord(max: 3) else { return nil }
        switch verb {
        case "cmd":
            guard let identifier = rest.readWord(max: SimulatorLimits.commandIdentifierBytesMax),
                let topic = rest.readWord(max: SimulatorLimits.replyTopicBytesMax),
                FirmwareTexts.isPublishable(topic)
            else { return nil }
            self = .command(CommandAnswer(identifier: identifier, topic: topic, filler: rest, qos: qos))
        case "ack":
            guard let text = rest.readWord(max: SimulatorLimits.commandIdentifierBytesMax),
                let identifier = UInt32(text)
            else { return nil }
            self = .answer(identifier: identifier)
        default:
            return nil
        }
    }

    /// The payload of a command: at least `bytes` long, if its head is shorter.
    static func command(
        identifier: UInt32, replyTopic: String, filler: ByteBuffer, bytes: Int, allocator: ByteBufferAllocator
    ) -> ByteBuffer {
        let head = "cmd \(identifier) \(replyTopic) "
        var payload = allocator.buffer(capacity: max(bytes, head.utf8.count))
        payload.writeString(head)
        payload.writeImmutableBuffer(filler.prefix(bytes - payload.readableBytes))
        return payload
    }
}

/// The answer to a command, as far as the command settles it.
struct CommandAnswer: Sendable, Equatable {
    /// As the commanding device wrote it.
    let identifier: String
    let topic: String
    /// What followed in the command, sent back.
    let filler: ByteBuffer
    let qos: UInt8

    func payload(allocator: ByteBufferAllocator) -> ByteBuffer {
        var payload = allocator.buffer(capacity: 5 + identifier.utf8.count + filler.readableBytes)
        payload.writeString("ack \(identifier) ")
        payload.writeImmutableBuffer(filler)
        return payload
    }
}

extension ByteBuffer {
    /// Reads up to the next space or the end; nil if that is empty, more than `max` bytes, or not UTF-8.
    fileprivate mutating func readWord(max: Int) -> String? {
        let window = readableBytesView.prefix(max + 1)
        let length = window.firstIndex(of: UInt8(ascii: " ")).map { $0 - readerIndex } ?? window.count
        guard length > 0, length <= max else { return nil }
        guard let text = try? readUTF8ValidatedString(length: length) else { return nil }
        if readableBytes > 0 { moveReaderIndex(forwardBy: 1) }
        return text
    }

    fileprivate func prefix(_ length: Int) -> ByteBuffer {
        getSlice(at: readerIndex, length: Swift.min(Swift.max(0, length), readableBytes)) ?? ByteBuffer()
    }
}

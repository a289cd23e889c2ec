import AdminAPI
import Foundation
import NIOCore

/// Cuts an answer into lines, none longer than the server may write.
struct ControlLineSplitter {
    private var pending = ByteBuffer()
    /// Bytes of `pending` that are known to hold no line end.
    private var searched = 0

    mutating func append(_ bytes: ByteBuffer) {
        pending.writeImmutableBuffer(bytes)
    }

    /// The next line that is complete, without its end; nil when more has to come.
    mutating func next() throws(ControlClientError) -> ByteBuffer? {
        let view = pending.readableBytesView.dropFirst(searched)
        guard let end = view.firstIndex(of: UInt8(ascii: "\n")) else {
            searched = pending.readableBytes
            guard searched <= ControlAnswer.lineBytesMax else { throw Self.tooLong }
            return nil
        }
        let length = end - pending.readerIndex
        searched = 0
        guard length <= ControlAnswer.lineBytesMax, let line = pending.readSlice(length: length) else {
            throw Self.tooLong
        }
        pending.moveReaderIndex(forwardBy: 1)
        pending.discardReadBytes()
        return line
    }

    private static var tooLong: ControlClientError {
        ControlClientError.badAnswer("has a line of more than \(ControlAnswer.lineBytesMax) bytes")
    }
}

/// One line of an answer.
enum ControlAnswerLine<Item, Progress, Result> {
    case item(Item)
    case progress(Progress)
    case result(Result)
    case error(ControlFailure)
}

extension ControlAnswerLine: Sendable where Item: Sendable, Progress: Sendable, Result: Sendable {}

extension ControlAnswerLine: Decodable where Item: Decodable, Progress: Decodable, Result: Decodable {
    private enum CodingKeys: String, CodingKey {
        case item, progress, result, error
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        // Items first: nearly all lines are.
        if container.contains(.item) {
            self = .item(try container.decode(Item.self, forKey: .item))
        } else if container.contains(.progress) {
            self = .progress(try container.decode(Progress.self, forKey: .progress))
        } else if container.contains(.error) {
            self = .error(try container.decode(ControlFailure.self, forKey: .error))
        } else {
            self = .result(try container.decode(Result.self, forKey: .result))
        }
    }
}

/// JSON as both ends of the admin socket write it.
enum ControlJSON {
    static func encode(_ value: any Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        return Array(try encoder.encode(value))
    }

    static func decode<Value: Decodable>(_ type: Value.Type, from bytes: ByteBuffer) throws -> Value {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        return try decoder.decode(type, from: Data(bytes.readableBytesView))
    }

    static func line<Item: Decodable, Progress: Decodable, Result: Decodable>(
        _ line: ByteBuffer, _ item: Item.Type, _ progress: Progress.Type, _ result: Result.Type
    ) throws(ControlClientError) -> ControlAnswerLine<Item, Progress, Result> {
        do {
            return try decode(ControlAnswerLine<Item, Progress, Result>.self, from: line)
        } catch {
            throw ControlClientError.badAnswer("is not what this program expects: is the gateway of another version?")
        }
    }
}

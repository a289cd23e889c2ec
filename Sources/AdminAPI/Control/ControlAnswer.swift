import HummingbirdCore
import NIOCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The answer to one control request: lines of JSON, each an object with one key. Used by the task of its route.
///
/// `{"progress":…}` and `{"item":…}` in any number, then `{"result":…}` or `{"error":…}`, which the server writes.
public struct ControlAnswer {
    /// A line, in bytes: whoever reads it has to hold one. A device with everything has some 20 KiB.
    public static let lineBytesMax = 1 << 20
    /// Lines are gathered up to here, in bytes, and then written at once: a listing has a million short ones.
    private static let gatheredBytesMax = 32 * 1024

    private var writer: any ResponseBodyWriter
    private var gathered = ByteBuffer()
    private let encoder: JSONEncoder

    init(_ writer: any ResponseBodyWriter) {
        self.writer = writer
        encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
    }

    /// Writes one of the things asked for. It may be held back until more lines have come together.
    ///
    /// - Throws: When the value cannot be encoded, or the client is gone.
    public mutating func item(_ value: any Encodable & Sendable) async throws {
        try gather(ControlLine(kind: .item, value: value))
        if gathered.readableBytes >= Self.gatheredBytesMax { try await flush() }
    }

    /// Writes how far things are, at once.
    ///
    /// - Throws: As ``item(_:)``.
    public mutating func progress(_ value: any Encodable & Sendable) async throws {
        try gather(ControlLine(kind: .progress, value: value))
        try await flush()
    }

    mutating func finish(_ kind: ControlLine.Kind, _ value: any Encodable & Sendable) async throws {
        try gather(ControlLine(kind: kind, value: value))
        try await flush()
        try await writer.finish(nil)
    }

    private mutating func gather(_ line: ControlLine) throws {
        let bytes = try encoder.encode(line)
        guard bytes.count < Self.lineBytesMax else { throw ControlLine.TooLong(bytes: bytes.count) }
        gathered.writeBytes(bytes)
        gathered.writeInteger(UInt8(ascii: "\n"))
    }

    private mutating func flush() async throws {
        guard gathered.readableBytes > 0 else { return }
        let lines = gathered
        gathered = ByteBuffer()
        try await writer.write(lines)
    }
}

/// One line of an answer.
struct ControlLine: Encodable {
    enum Kind: String, CodingKey {
        case progress, item, result, error
    }

    /// A line longer than whoever reads it has room for: a defect of ours.
    struct TooLong: Error {
        let bytes: Int
    }

    let kind: Kind
    let value: any Encodable

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Kind.self)
        try container.encode(value, forKey: kind)
    }
}

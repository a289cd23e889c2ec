import Hummingbird
public import NIOCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What came in on the control socket. It belongs to the task of its route.
public struct ControlRequest: Sendable {
    /// Who asks; nil when the kernel does not say.
    public let peer: ControlPeer?
    /// The body as it comes in, never more of it than the route takes. To be read once.
    public let body: ControlBody

    /// Reads the whole body as one JSON value, dates in ISO 8601.
    ///
    /// - Throws: ``ControlFailure``: `bad-request`, `request-too-large`, `request-cut-off`.
    public func decode<Value: Decodable>(_ type: Value.Type) async throws -> Value {
        var whole = ByteBuffer()
        for try await part in body { whole.writeImmutableBuffer(part) }
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        do {
            return try decoder.decode(type, from: Data(whole.readableBytesView))
        } catch let error as DecodingError {
            throw ControlFailure.badRequest(error.words)
        }
    }
}

/// The body of a control request, part by part, bounded.
public struct ControlBody: AsyncSequence, Sendable {
    public typealias Element = ByteBuffer

    private let parts: RequestBody
    private let bytesMax: Int

    init(_ parts: RequestBody, bytesMax: Int) {
        self.parts = parts
        self.bytesMax = bytesMax
    }

    public func makeAsyncIterator() -> Iterator { Iterator(parts: parts.makeAsyncIterator(), bytesMax: bytesMax) }

    public struct Iterator: AsyncIteratorProtocol {
        private var parts: RequestBody.AsyncIterator
        private let bytesMax: Int
        private var bytes = 0

        fileprivate init(parts: RequestBody.AsyncIterator, bytesMax: Int) {
            self.parts = parts
            self.bytesMax = bytesMax
        }

        /// The next part; nil at the end of the body.
        ///
        /// - Throws: ``ControlFailure``: `request-too-large`, `request-cut-off`.
        public mutating func next() async throws -> ByteBuffer? {
            let part: ByteBuffer?
            do {
                part = try await parts.next()
            } catch {
                // Whatever it is: not all of the body came.
                throw ControlFailure.cutOff
            }
            guard let part else { return nil }
            bytes += part.readableBytes
            guard bytes <= bytesMax else { throw ControlFailure.tooLarge(bytesMax: bytesMax) }
            return part
        }
    }
}

extension DecodingError {
    /// What is wrong and where, without what was sent: it may hold a secret.
    fileprivate var words: String {
        switch self {
        case .typeMismatch(_, let context): "\(Self.place(context.codingPath)) has the wrong type"
        case .valueNotFound(_, let context): "\(Self.place(context.codingPath)) is missing"
        case .keyNotFound(let key, let context): "\(Self.place(context.codingPath + [key])) is missing"
        case .dataCorrupted(let context):
            context.codingPath.isEmpty ? "the request is not JSON" : "\(Self.place(context.codingPath)) has a bad value"
        @unknown default: "the request cannot be read"
        }
    }

    private static func place(_ path: [any CodingKey]) -> String {
        let names = path.map { $0.intValue.map(String.init) ?? String($0.stringValue.prefix(64)) }
        return path.isEmpty ? "the request" : "`\(names.joined(separator: "."))`"
    }
}

import AdminAPI
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix

/// Asks a running gateway over its admin socket. One request on each connection.
struct ControlClient: Sendable {
    /// What goes with a request.
    enum Body: Sendable {
        case json(any Encodable & Sendable)
        /// Part by part, each asked for when there is room for it. When it throws, the request is broken off, and the
        /// gateway does nothing of it.
        case parts(AsyncThrowingStream<ByteBuffer, any Error>)
    }

    /// For a connection to be taken. The gateway is on this machine; it is a full queue that takes time.
    private static let connectTimeout = TimeAmount.seconds(5)
    /// Without a byte either way. The longest silence is that of one large transaction: an import of a million devices.
    private static let silenceTimeout = TimeAmount.seconds(300)

    let socketPath: String

    /// Connects and hangs up: whether a gateway listens. It may be gone a moment later.
    ///
    /// - Throws: ``ControlClientError``, `not-running` among them.
    func greet() async throws {
        try await connect().executeThenClose { _, _ in }
    }

    /// Asks for what has a result only.
    ///
    /// - Throws: ``ControlClientError``, or the gateway's `ControlFailure`.
    func call<Result: Decodable & Sendable>(
        _ route: String, _ body: some Encodable & Sendable, as result: Result.Type = Result.self
    ) async throws -> Result {
        try await call(
            route, .json(body), as: result, onItem: { (_: ControlDone) in }, onProgress: { (_: ControlDone) in })
    }

    /// Asks for a listing; items come in the order of the answer, as they arrive.
    ///
    /// - Throws: ``ControlClientError``, the gateway's `ControlFailure`, or what `onItem` throws.
    func call<Item: Decodable & Sendable, Result: Decodable & Sendable>(
        _ route: String, _ body: some Encodable & Sendable, as result: Result.Type = Result.self,
        onItem: @Sendable (Item) async throws -> Void
    ) async throws -> Result {
        try await call(route, .json(body), as: result, onItem: onItem, onProgress: { (_: ControlDone) in })
    }

    /// The whole of it: any body, items and progress.
    ///
    /// - Throws: ``ControlClientError``, the gateway's `ControlFailure`, or what the body or a closure throws.
    func call<Item: Decodable & Sendable, Progress: Decodable & Sendable, Result: Decodable & Sendable>(
        _ route: String, _ body: Body, as result: Result.Type = Result.self,
        onItem: @Sendable (Item) async throws -> Void, onProgress: @Sendable (Progress) async throws -> Void
    ) async throws -> Result {
        let channel = try await connect()
        return try await channel.executeThenClose { inbound, outbound in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await Self.send(route, body, to: outbound, channel.channel) }
                let answer: Swift.Result<Result, any Error>
                do {
                    answer = .success(try await Self.receive(inbound, onItem: onItem, onProgress: onProgress))
                } catch {
                    answer = .failure(error)
                }
                group.cancelAll()
                do {
                    try await group.waitForAll()
                } catch let error as BodyFailure {
                    throw error.underlying
                }
                return try answer.get()
            }
        }
    }

    // MARK: The connection

    private typealias Connection = NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>

    private func connect() async throws -> Connection {
        do {
            return try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .connectTimeout(Self.connectTimeout)
                .connect(unixDomainSocketPath: socketPath) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandlers([
                            IdleStateHandler(allTimeout: Self.silenceTimeout), SilenceHandler(),
                        ])
                        try channel.pipeline.syncOperations.addHTTPClientHandlers()
                        return try Connection(wrappingChannelSynchronously: channel)
                    }
                }
        } catch let error as IOError {
            switch error.errnoCode {
            case ENOENT, ENOTDIR: throw ControlClientError.notRunning(socketPath, "no admin socket at")
            case ECONNREFUSED: throw ControlClientError.notRunning(socketPath, "nobody listens on")
            case EACCES, EPERM: throw ControlClientError.noPermission(socketPath)
            case _: throw cannotConnect(unsafe String(cString: strerror(error.errnoCode)))
            }
        } catch is SocketAddressError {
            throw cannotConnect("the path is too long for a socket")
        } catch let error as ChannelError {
            throw cannotConnect("\(error)")
        }
    }

    private func cannotConnect(_ why: String) -> ControlClientError {
        ControlClientError(.cannotConnect, "the admin socket \(socketPath) cannot be connected to: \(why)")
    }

    // MARK: The request

    /// What ended a body before its end.
    private struct BodyFailure: Error {
        let underlying: any Error
    }

    private static func send(
        _ route: String, _ body: Body, to outbound: NIOAsyncChannelOutboundWriter<HTTPClientRequestPart>,
        _ channel: any Channel
    ) async throws(BodyFailure) {
        var head = HTTPRequestHead(version: .http1_1, method: .POST, uri: "/v1/" + route)
        head.headers = ["host": "localhost", "content-type": "application/json", "connection": "close"]
        do {
            switch body {
            case .json(let value):
                let bytes = ByteBuffer(bytes: try ControlJSON.encode(value))
                head.headers.add(name: "content-length", value: "\(bytes.readableBytes)")
                try await outbound.write(contentsOf: [.head(head), .body(.byteBuffer(bytes)), .end(nil)])
            case .parts(let parts):
                head.headers.replaceOrAdd(name: "content-type", value: "application/octet-stream")
                head.headers.add(name: "transfer-encoding", value: "chunked")
                try await outbound.write(.head(head))
                for try await part in parts where part.readableBytes > 0 {
                    try await outbound.write(.body(.byteBuffer(part)))
                }
                try await outbound.write(.end(nil))
            }
        } catch is CancellationError {
            // The answer has come before the end of the request.
        } catch is ChannelError {
            // The gateway has closed: its answer, or the lack of one, says why.
        } catch is IOError {
            // The same.
        } catch {
            // Without the end of its body the request counts for nothing.
            channel.close(promise: nil)
            throw BodyFailure(underlying: error)
        }
    }

    // MARK: The answer

    private static func receive<Item: Decodable, Progress: Decodable, Result: Decodable>(
        _ inbound: NIOAsyncChannelInboundStream<HTTPClientResponsePart>,
        onItem: (Item) async throws -> Void, onProgress: (Progress) async throws -> Void
    ) async throws -> Result {
        var lines = ControlLineSplitter()
        var parts = inbound.makeAsyncIterator()
        while let part = try await next(&parts) {
            guard case .body(let bytes) = part else { continue }
            lines.append(bytes)
            while let line = try lines.next() {
                switch try ControlJSON.line(line, Item.self, Progress.self, Result.self) {
                case .item(let item): try await onItem(item)
                case .progress(let progress): try await onProgress(progress)
                case .result(let result): return result
                case .error(let failure): throw failure
                }
            }
        }
        throw ControlClientError.badAnswer("ended without a result")
    }

    private static func next(
        _ parts: inout NIOAsyncChannelInboundStream<HTTPClientResponsePart>.AsyncIterator
    ) async throws(ControlClientError) -> HTTPClientResponsePart? {
        do {
            return try await parts.next()
        } catch {
            throw ControlClientError.badAnswer("broke off, or is not HTTP")
        }
    }
}

/// Closes a connection on which nothing happens.
private final class SilenceHandler: ChannelInboundHandler {
    typealias InboundIn = NIOAny

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent {
            context.close(promise: nil)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }
}

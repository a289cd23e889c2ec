import NIOCore
import NIOHTTP1
import NIOMbedTLS

/// Sends a request and collects its answer, up to a size. Confined to its channel's event loop.
final class HTTPResponseCollector: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let requestHead: HTTPRequestHead
    private let requestBody: [UInt8]
    private let bytesMax: Int
    private let answer: EventLoopPromise<HTTPExchange.Response>
    private let waitsForTLS: Bool
    private var wasSent = false
    private var head: HTTPResponseHead?
    private var body: [UInt8] = []

    /// - Parameters:
    ///   - answer: Completed once, with ``HTTPFetchError`` if not with the answer.
    ///   - waitsForTLS: Whether the request leaves after a TLS handshake.
    init(
        head: HTTPRequestHead, body: [UInt8], bytesMax: Int, answer: EventLoopPromise<HTTPExchange.Response>,
        waitsForTLS: Bool
    ) {
        requestHead = head
        requestBody = body
        self.bytesMax = bytesMax
        self.answer = answer
        self.waitsForTLS = waitsForTLS
    }

    func channelActive(context: ChannelHandlerContext) {
        if !waitsForTLS { send(context) }
        context.fireChannelActive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is TLSHandshakeCompleted { send(context) }
        context.fireUserInboundEventTriggered(event)
    }

    private func send(_ context: ChannelHandlerContext) {
        guard !wasSent else { return }
        wasSent = true
        context.write(wrapOutboundOut(.head(requestHead)), promise: nil)
        if !requestBody.isEmpty {
            context.write(
                wrapOutboundOut(.body(.byteBuffer(context.channel.allocator.buffer(bytes: requestBody)))), promise: nil)
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): began(head, context)
        case .body(let bytes):
            guard bytes.readableBytes <= bytesMax - body.count else { return tooLarge(context) }
            body.append(contentsOf: bytes.readableBytesView)
        case .end:
            guard let head else { return }
            answer.succeed(HTTPExchange.Response(head: head, body: body))
        }
    }

    private func began(_ head: HTTPResponseHead, _ context: ChannelHandlerContext) {
        self.head = head
        let encodings = head.headers[canonicalForm: "content-encoding"].filter { $0.lowercased() != "identity" }
        guard encodings.isEmpty else {
            return fail(HTTPFetchError(.badAnswer, "the answer is compressed, which was not asked for"), context)
        }
        guard let length = head.headers.first(name: "content-length").flatMap({ Int($0) }) else { return }
        guard length <= bytesMax else { return tooLarge(context) }
        if head.status == .ok { body.reserveCapacity(length) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case let error as TLSError where error.code != .truncated:
            fail(HTTPFetchError(.tlsFailed, error.detail), context)
        case is HTTPParserError: fail(HTTPFetchError(.badAnswer, "the answer is not HTTP: \(error)"), context)
        case _: fail(HTTPFetchError(.badAnswer, "the answer broke off: \(error)"), context)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        answer.fail(HTTPFetchError(.badAnswer, "the answer broke off"))
        context.fireChannelInactive()
    }

    private func tooLarge(_ context: ChannelHandlerContext) {
        fail(HTTPFetchError(.tooLarge, "the answer has more than \(bytesMax) bytes"), context)
    }

    private func fail(_ error: HTTPFetchError, _ context: ChannelHandlerContext) {
        answer.fail(error)
        context.close(promise: nil)
    }
}

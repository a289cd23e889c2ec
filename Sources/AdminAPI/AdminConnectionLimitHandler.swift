import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Bounds what one request may cost: bytes of body, and the time from its head to the end of the answer.
///
/// Nothing here takes a body, but the HTTP server reads an unwanted one to its end before the next request; without a
/// bound that end is the client's to choose. And it closes after the answer to a request that cannot be parsed: the
/// server itself then waits for the client to do so.
final class AdminConnectionLimitHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let bodyBytesMax: Int
    private let requestTimeout: TimeAmount
    private var bodyBytes = 0
    private var closesAfterResponse = false
    private var deadline: Scheduled<Void>?

    init(bodyBytesMax: Int, requestTimeout: TimeAmount) {
        self.bodyBytesMax = bodyBytesMax
        self.requestTimeout = requestTimeout
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            bodyBytes = 0
            armDeadline(context.channel)
        case .body(let bytes):
            bodyBytes += bytes.readableBytes
            guard bodyBytes <= bodyBytesMax else {
                context.close(promise: nil)
                return
            }
        case .end:
            break
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head, .body:
            break
        case .end:
            disarmDeadline()
            guard !closesAfterResponse else {
                context.writeAndFlush(data, promise: promise)
                context.close(promise: nil)
                return
            }
        }
        context.write(data, promise: promise)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        closesAfterResponse = true
        // The server answers a parser error with 400; should it not, for any other error, the deadline ends it.
        armDeadline(context.channel)
        context.fireErrorCaught(error)
    }

    func channelInactive(context: ChannelHandlerContext) {
        disarmDeadline()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        disarmDeadline()
    }

    private func armDeadline(_ channel: any Channel) {
        disarmDeadline()
        deadline = channel.eventLoop.scheduleTask(in: requestTimeout) { channel.close(promise: nil) }
    }

    private func disarmDeadline() {
        deadline?.cancel()
        deadline = nil
    }
}

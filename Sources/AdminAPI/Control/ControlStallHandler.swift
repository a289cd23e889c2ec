import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Bounds how long a client of the control socket may keep a connection without doing its part: sending the rest of its
/// request while that is waited for, or taking the answer. How long the work itself takes is not bounded here.
///
/// One request for each connection: what comes after is not read, and the connection is closed behind the answer.
final class ControlStallHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let timeout: TimeAmount
    private var hasRequestBegun = false
    private var isRequestComplete = false
    private var request: Scheduled<Void>?
    private var answer: Scheduled<Void>?

    init(timeout: TimeAmount) {
        self.timeout = timeout
    }

    /// Reading is asked for only while there is room for what comes: the time runs against the client.
    func read(context: ChannelHandlerContext) {
        if !isRequestComplete, request == nil { request = deadline(context.channel) }
        context.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        request?.cancel()
        request = nil
        switch unwrapInboundIn(data) {
        case .head:
            guard !isRequestComplete else {
                context.close(promise: nil)
                return
            }
            hasRequestBegun = true
        case .body:
            break
        case .end:
            isRequestComplete = true
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head, .body:
            context.write(data, promise: promise)
        case .end:
            // Closing at once would throw away what the client has not taken yet.
            let written = promise ?? context.eventLoop.makePromise()
            let channel = context.channel
            written.futureResult.whenComplete { _ in channel.close(promise: nil) }
            context.writeAndFlush(data, promise: written)
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        answer?.cancel()
        answer = context.channel.isWritable ? nil : deadline(context.channel)
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The server answers a parser error with 400, and then waits for the client to close.
        if request == nil { request = deadline(context.channel) }
        context.fireErrorCaught(error)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent { reportCutOff(context) }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        disarm()
        reportCutOff(context)
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        disarm()
    }

    /// The HTTP server takes the end of the connection for the end of a body: half an import would be a whole one.
    private func reportCutOff(_ context: ChannelHandlerContext) {
        guard hasRequestBegun, !isRequestComplete else { return }
        isRequestComplete = true
        context.fireErrorCaught(ControlFailure.cutOff)
    }

    private func deadline(_ channel: any Channel) -> Scheduled<Void> {
        channel.eventLoop.scheduleTask(in: timeout) { channel.close(promise: nil) }
    }

    private func disarm() {
        request?.cancel()
        answer?.cancel()
        request = nil
        answer = nil
    }
}

import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A little HTTP server on 127.0.0.1, which answers as a test says and remembers what it was asked.
final class HTTPOrigin: Sendable {
    struct Question: Sendable {
        var head: HTTPRequestHead
        var body: [UInt8]

        func header(_ name: String) -> String? { head.headers.first(name: name) }
    }

    enum Answer: Sendable {
        case whole(HTTPResponseStatus, [(String, String)] = [], [UInt8] = [])
        /// Head and parts for ever, as fast as they are taken.
        case endless
        /// The head, and nothing more.
        case stalled
        /// Nothing at all.
        case silent
        /// These bytes, then the end of the connection.
        case raw(String)
    }

    typealias Script = @Sendable (Question) -> Answer

    fileprivate struct State {
        var questions: [Question] = []
        var script: Script
    }

    private let channel: any Channel
    private let state: SharedState

    init(_ script: @escaping Script) async throws {
        let state = SharedState(State(script: script))
        self.state = state
        channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers([
                        HTTPResponseEncoder(), ByteToMessageHandler(HTTPRequestDecoder()), OriginHandler(state),
                    ])
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    convenience init(_ answer: Answer) async throws { try await self.init { _ in answer } }

    func close() async { try? await channel.close() }

    var url: String { "http://127.0.0.1:\(channel.localAddress?.port ?? 0)" }
    var questions: [Question] { state.value.withLock { $0.questions } }

    /// What it answers from now on.
    func answers(_ script: @escaping Script) { state.value.withLock { $0.script = script } }

    fileprivate final class SharedState: Sendable {
        let value: Mutex<State>

        init(_ state: State) { value = Mutex(state) }

        func answer(to question: Question) -> Answer {
            let script = value.withLock { state in
                state.questions.append(question)
                return state.script
            }
            return script(question)
        }
    }
}

private final class OriginHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let state: HTTPOrigin.SharedState
    private var head: HTTPRequestHead?
    private var body: [UInt8] = []
    private var isEndless = false

    init(_ state: HTTPOrigin.SharedState) { self.state = state }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): self.head = head
        case .body(let bytes): body += bytes.readableBytesView
        case .end:
            guard let head else { return }
            reply(state.answer(to: HTTPOrigin.Question(head: head, body: body)), context)
        }
    }

    private func reply(_ answer: HTTPOrigin.Answer, _ context: ChannelHandlerContext) {
        switch answer {
        case .whole(let status, let headers, let bytes):
            var fields = HTTPHeaders(headers)
            if status != .notModified { fields.replaceOrAdd(name: "content-length", value: "\(bytes.count)") }
            write(.head(HTTPResponseHead(version: .http1_1, status: status, headers: fields)), context)
            if !bytes.isEmpty { write(.body(.byteBuffer(ByteBuffer(bytes: bytes))), context) }
            write(.end(nil), context)
        case .endless:
            isEndless = true
            let headers: HTTPHeaders = ["transfer-encoding": "chunked"]
            write(.head(HTTPResponseHead(version: .http1_1, status: .ok, headers: headers)), context)
            channelWritabilityChanged(context: context)
        case .stalled:
            let headers: HTTPHeaders = ["content-length": "100"]
            write(.head(HTTPResponseHead(version: .http1_1, status: .ok, headers: headers)), context)
        case .silent: return
        case .raw(let text):
            guard let encoder = try? context.pipeline.syncOperations.context(handlerType: HTTPResponseEncoder.self)
            else { return }
            encoder.writeAndFlush(NIOAny(IOData.byteBuffer(ByteBuffer(string: text))), promise: nil)
            context.close(promise: nil)
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        while isEndless, context.channel.isWritable, context.channel.isActive {
            write(.body(.byteBuffer(ByteBuffer(repeating: 65, count: 16_384))), context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func write(_ part: HTTPServerResponsePart, _ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(part), promise: nil)
    }
}

import NIOCore
import NIOEmbedded
import NIOMbedTLS

/// Records what reaches the application.
final class EventRecorder: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    enum Event: Equatable {
        case active, completed, data
        case error(TLSError.Code)
        case inactive
    }

    private(set) var events: [Event] = []
    private(set) var completed: TLSHandshakeCompleted?
    private(set) var sessions: [TLSSession] = []
    private(set) var errors: [TLSError] = []
    private(set) var otherErrors: [any Error] = []
    private(set) var plaintext = ByteBuffer()
    /// Called with the handshake's completion, from inside the event.
    var onCompleted: ((ChannelHandlerContext) -> Void)?

    func channelActive(context: ChannelHandlerContext) { self.events.append(.active) }
    func channelInactive(context: ChannelHandlerContext) { self.events.append(.inactive) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var buffer = self.unwrapInboundIn(data)
        self.plaintext.writeBuffer(&buffer)
        self.events.append(.data)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let available = event as? TLSSessionAvailable {
            self.sessions.append(available.session)
        }
        guard let completed = event as? TLSHandshakeCompleted else { return }
        self.completed = completed
        self.events.append(.completed)
        self.onCompleted?(context)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? TLSError else {
            self.otherErrors.append(error)
            return
        }
        self.errors.append(error)
        self.events.append(.error(error.code))
    }
}

/// One end of a connection in memory.
struct TLSEnd {
    let channel: EmbeddedChannel
    let recorder = EventRecorder()

    init(_ handler: TLSHandler, on loop: EmbeddedEventLoop = EmbeddedEventLoop()) throws {
        self.channel = EmbeddedChannel(loop: loop)
        try self.channel.pipeline.syncOperations.addHandlers([handler, self.recorder])
    }

    var error: TLSError? { self.recorder.errors.first }
    var isOpen: Bool { self.channel.isActive }
    var text: String { String(buffer: self.recorder.plaintext) }

    func activate() throws {
        try self.channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 8883)).wait()
    }

    @discardableResult
    func write(_ text: String) -> EventLoopFuture<Void> {
        let promise = self.channel.eventLoop.makePromise(of: Void.self)
        self.channel.writeAndFlush(ByteBuffer(string: text), promise: promise)
        return promise.futureResult
    }

    /// Everything that wants to leave, joined.
    func takeOutbound() throws -> ByteBuffer {
        var all = ByteBuffer()
        while var next = try self.channel.readOutbound(as: ByteBuffer.self) {
            all.writeBuffer(&next)
        }
        return all
    }

    /// Bytes from the network, as one read or as many.
    func receive(_ bytes: ByteBuffer, chunk: Int?) throws {
        var bytes = bytes
        while self.isOpen, let part = bytes.readSlice(length: min(chunk ?? Int.max, bytes.readableBytes)),
            part.readableBytes > 0
        {
            try self.channel.writeInbound(part)
        }
    }

    /// The network connection is gone.
    func loseConnection() {
        guard self.isOpen else { return }
        self.channel.pipeline.fireChannelInactive()
    }
}

/// A client and a server back to back: a whole connection in memory, without sockets or time.
struct TLSPair {
    enum Direction { case toServer, toClient }

    let client: TLSEnd
    let server: TLSEnd

    init(
        client: TLSConfiguration, server: TLSConfiguration,
        serverName: TLSServerName = .verified("gateway.test"),
        authorize: @escaping TLSAuthorize = { _ in .allowed }
    ) throws {
        try self.init(TLSContext(client), TLSContext(server), serverName: serverName, authorize: authorize)
    }

    init(
        _ client: TLSContext, _ server: TLSContext, serverName: TLSServerName = .verified("gateway.test"),
        session: TLSSession? = nil, authorizeServer: @escaping TLSAuthorize = { _ in .allowed },
        authorize: @escaping TLSAuthorize = { _ in .allowed }
    ) throws {
        self.client = try TLSEnd(
            TLSHandler(context: client, serverName: serverName, session: session, authorize: authorizeServer))
        self.server = try TLSEnd(TLSHandler(context: server, authorize: authorize))
    }

    /// Moves bytes both ways until there are none, through `change` if given. A side that has closed its end is seen by
    /// the other.
    func interact(chunk: Int? = nil, change: (Direction, ByteBuffer) -> ByteBuffer = { $1 }) throws {
        while true {
            let up = try self.client.takeOutbound()
            if up.readableBytes > 0 {
                try self.server.receive(change(.toServer, up), chunk: chunk)
            }
            let down = try self.server.takeOutbound()
            if down.readableBytes > 0 {
                try self.client.receive(change(.toClient, down), chunk: chunk)
            }
            if up.readableBytes == 0, down.readableBytes == 0 { break }
        }
    }

    /// Activates both and lets them shake hands.
    func handshake(chunk: Int? = nil, change: (Direction, ByteBuffer) -> ByteBuffer = { $1 }) throws {
        try self.server.activate()
        try self.client.activate()
        try self.interact(chunk: chunk, change: change)
    }
}

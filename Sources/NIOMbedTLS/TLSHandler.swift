public import NIOCore

/// TLS as a channel handler: ciphertext towards the network, plaintext towards the application.
///
/// * Fires ``TLSHandshakeCompleted`` as a user inbound event when the peer is verified and allowed, and plaintext only
///   after it.
/// * On a client that keeps sessions fires ``TLSSessionAvailable`` likewise, any number of times from then on.
/// * Every failure is fired once as a ``TLSError`` with `fireErrorCaught`, after the alert that goes with it was
///   flushed; then the channel is closed.
/// * The peer's close_notify is answered with ours, then the channel is closed. Closing the channel sends close_notify
///   and waits for the peer's, at most ``TLSConfiguration/closeTimeout``. A connection that ends without one is
///   `truncated`.
/// * Writes before the handshake is complete are held, up to ``TLSLimits/plaintextHeldMax``.
/// * Reads that are asked for reach the channel. Of its own accord this reads on for the handshake, for the close, and
///   until a read that was asked for has brought plaintext; the last only while the channel is writable.
///
/// Only whole connections can be closed (`CloseMode.all`); TLS is not taken off a channel again. Confined to the event
/// loop of its channel, as is the authorization it calls.
public final class TLSHandler: ChannelDuplexHandler {
    public typealias InboundIn = ByteBuffer
    public typealias InboundOut = ByteBuffer
    public typealias OutboundIn = ByteBuffer
    public typealias OutboundOut = ByteBuffer

    let tlsContext: TLSContext
    private let serverName: TLSServerName?
    /// Where steps of the handshake wait for their turn; nil: they are done as they come.
    let turns: TLSHandshakeTurns?
    private let authorize: TLSAuthorize
    /// What a client offers, until it has.
    private var session: TLSSession?
    var machine: TLSStateMachine
    /// There while the connection is neither idle nor closed.
    var connection: TLSConnection?
    var writes = PendingWrites()
    var deadline: Scheduled<Void>?
    /// Completed when the channel is closed; everybody who asked for it is chained to it.
    var closePromise: EventLoopPromise<Void>?
    /// The last ciphertext written after the end of the connection was decided: the channel is closed after it.
    var lastFlush: EventLoopFuture<Void>?
    private var wasActivated = false
    /// Somebody asked for data and has not got any: another read is due when one brought no plaintext.
    var isReadWanted = false
    /// What was received waits for the handshake's turn; nothing more is read until then.
    var isWaitingForTurn = false
    /// A read that was asked for meanwhile reaches the channel after the turn, whatever the turn has brought.
    var isReadHeld = false

    /// A handler for the server's side.
    ///
    /// - Parameters:
    ///   - context: of the role `server`.
    ///   - turns: of the event loop, when handshakes are not to keep others waiting.
    ///   - authorize: decides on each client whose chain was verified.
    public init(context: TLSContext, turns: TLSHandshakeTurns? = nil, authorize: @escaping TLSAuthorize) {
        precondition(context.role == .server, "a context of a client cannot accept connections")
        self.tlsContext = context
        self.machine = TLSStateMachine(role: .server)
        self.serverName = nil
        self.turns = turns
        self.authorize = authorize
    }

    /// A handler for the client's side.
    ///
    /// - Parameters:
    ///   - context: of the role `client`.
    ///   - serverName: what the server's certificate must be for.
    ///   - session: an earlier session with this server to resume; the server may decline, and then there is a full
    ///     handshake, as there is when it must not be offered (``TLSSession``).
    ///   - authorize: decides on a server whose chain and name were verified, now or in the handshake that the session
    ///     began with.
    public init(
        context: TLSContext, serverName: TLSServerName, session: TLSSession? = nil,
        authorize: @escaping TLSAuthorize = { _ in .allowed }
    ) {
        precondition(context.role == .client, "a context of a server cannot open connections")
        self.tlsContext = context
        self.machine = TLSStateMachine(role: .client)
        self.serverName = serverName
        self.turns = nil
        self.authorize = authorize
        self.session = session
    }

    // MARK: Coming and going

    public func handlerAdded(context: ChannelHandlerContext) {
        context.eventLoop.preconditionInEventLoop()
        if context.channel.isActive {
            self.activate(context)
        }
    }

    public func handlerRemoved(context: ChannelHandlerContext) {
        self.isWaitingForTurn = false
        self.run(self.machine.inactivated(presented: self.connection?.presentedCertificate), context)
        self.release()
    }

    public func channelActive(context: ChannelHandlerContext) {
        // First, so that nobody behind us learns of the peer before learning of the channel.
        context.fireChannelActive()
        self.activate(context)
    }

    public func channelInactive(context: ChannelHandlerContext) {
        self.takeTurnAtTheEnd(context)
        self.run(self.machine.inactivated(presented: self.connection?.presentedCertificate), context)
        self.release()
        context.fireChannelInactive()
    }

    /// A channel that was active when this was added may report it once more.
    private func activate(_ context: ChannelHandlerContext) {
        guard !self.wasActivated else { return }
        self.wasActivated = true
        do throws(TLSError) {
            if !self.machine.isClosed {
                self.connection = try TLSConnection(
                    context: self.tlsContext, serverName: self.serverName, session: self.session,
                    authorize: self.authorize, allocator: context.channel.allocator)
            }
            self.session = nil
        } catch {
            self.run(self.machine.failed(error), context)
            return
        }
        self.run(self.machine.activated(), context)
        if !self.machine.isClosed {
            // The handshake needs input whether or not the application asks for any.
            context.read()
        }
    }

    /// Lets go of everything that is only of use to a living connection.
    func release() {
        self.deadline?.cancel()
        self.deadline = nil
        self.connection = nil
    }

    // MARK: Inbound

    public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.connection?.receive(self.unwrapInboundIn(data))
        self.run(self.machine.ciphertextReceived(), context)
    }

    public func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        self.readOn(context)
    }

    func readOn(_ context: ChannelHandlerContext) {
        self.connection?.rest()
        let needsMore: Bool
        switch self.machine.state {
        case .handshaking, .closing: needsMore = !self.isWaitingForTurn
        // A peer that takes nothing gets nothing read that nobody asked for: it is resumed by the writability.
        case .active: needsMore = self.isReadWanted && context.channel.isWritable
        case .idle, .closed: needsMore = false
        }
        if needsMore {
            context.read()
        }
    }

    public func channelWritabilityChanged(context: ChannelHandlerContext) {
        context.fireChannelWritabilityChanged()
        if self.machine.isActive, self.isReadWanted, context.channel.isWritable {
            context.read()
        }
    }

    public func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // With half-closure allowed, this is all that is heard of the end of the stream, and there is no half of TLS.
        if case ChannelEvent.inputClosed = event {
            self.takeTurnAtTheEnd(context)
            self.run(self.machine.inactivated(presented: self.connection?.presentedCertificate), context)
            self.closeChannel(context)
        }
        context.fireUserInboundEventTriggered(event)
    }

    public func read(context: ChannelHandlerContext) {
        self.isReadWanted = true
        // Until its turn nobody would take the bytes.
        guard !self.isWaitingForTurn else {
            self.isReadHeld = true
            return
        }
        context.read()
    }

    // MARK: Outbound

    public func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch self.machine.state {
        case .closing, .closed:
            promise?.fail(TLSStateMachine.closedError)
        case .idle, .handshaking:
            self.writes.append(self.unwrapOutboundIn(data), promise)
            let bytesMax = self.tlsContext.limits.plaintextHeldMax
            if self.writes.bytes > bytesMax {
                let error = TLSError(
                    code: .heldPlaintextTooLarge, fault: .local,
                    detail: "more than \(bytesMax) bytes written before the handshake was complete")
                self.run(self.machine.failed(error), context)
            }
        case .active:
            self.writes.append(self.unwrapOutboundIn(data), promise)
        }
    }

    public func flush(context: ChannelHandlerContext) {
        self.writes.markFlushed()
        if self.machine.isActive {
            self.encryptFlushed(context)
            self.connection?.rest()
        }
    }

    public func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode == .all else {
            promise?.fail(ChannelError.operationUnsupported)
            return
        }
        self.run(self.machine.closeRequested(), context, closePromise: promise)
    }
}

@available(*, unavailable)
extension TLSHandler: Sendable {}

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

    private let tlsContext: TLSContext
    private let serverName: TLSServerName?
    /// Where steps of the handshake wait for their turn; nil: they are done as they come.
    private let turns: TLSHandshakeTurns?
    private let authorize: TLSAuthorize
    /// What a client offers, until it has.
    private var session: TLSSession?
    private var machine: TLSStateMachine
    /// There while the connection is neither idle nor closed.
    private var connection: TLSConnection?
    private var writes = PendingWrites()
    private var deadline: Scheduled<Void>?
    /// Completed when the channel is closed; everybody who asked for it is chained to it.
    private var closePromise: EventLoopPromise<Void>?
    /// The last ciphertext written after the end of the connection was decided: the channel is closed after it.
    private var lastFlush: EventLoopFuture<Void>?
    private var wasActivated = false
    /// Somebody asked for data and has not got any: another read is due when one brought no plaintext.
    private var isReadWanted = false
    /// What was received waits for the handshake's turn; nothing more is read until then.
    private var isWaitingForTurn = false
    /// A read that was asked for meanwhile reaches the channel after the turn, whatever the turn has brought.
    private var isReadHeld = false

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
    private func release() {
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

    private func readOn(_ context: ChannelHandlerContext) {
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

    // MARK: Actions

    private func run(
        _ actions: [TLSStateMachine.Action], _ context: ChannelHandlerContext,
        closePromise: EventLoopPromise<Void>? = nil
    ) {
        for action in actions {
            switch action {
            case .stepHandshake: self.stepHandshake(context)
            case .armHandshakeDeadline: self.arm(self.tlsContext.handshakeTimeout, context)
            case .armCloseDeadline: self.arm(self.tlsContext.closeTimeout, context)
            case .cancelDeadline:
                self.deadline?.cancel()
                self.deadline = nil
            case .decrypt: self.decrypt(context)
            case .decryptAndDrop: self.decryptAndDrop(context)
            case .drop: break
            case .flush: self.flushCiphertext(context)
            case .announce(let completed):
                context.fireUserInboundEventTriggered(completed)
                self.announceSession(context)
            case .releaseWrites: self.encryptFlushed(context)
            case .failWrites(let error):
                for promise in self.writes.removeAll() {
                    promise.fail(error)
                }
            case .report(let error):
                context.fireErrorCaught(self.connection?.explaining(error) ?? error)
            case .writeCloseNotify: self.connection?.writeCloseNotify()
            case .close: self.closeChannel(context)
            case .joinClose: self.join(closePromise)
            case .succeedClose:
                self.join(closePromise)
                self.closePromise?.succeed()
                self.closePromise = nil
            }
        }
    }

    private func stepHandshake(_ context: ChannelHandlerContext) {
        // What came meanwhile is seen to in the same turn.
        guard !self.isWaitingForTurn else { return }
        guard let turns = self.turns else {
            self.doStepHandshake(context)
            return
        }
        self.isWaitingForTurn = !turns.step(self, context) { self.doStepHandshake(context) }
    }

    /// The turn that a step of the handshake waited for. It may have become idle meanwhile: the connection may be over.
    func takeTurn(_ context: ChannelHandlerContext) {
        guard self.isWaitingForTurn else { return }
        self.isWaitingForTurn = false
        self.doStepHandshake(context)
        // As after a read: it may have brought plaintext, and may need more of the peer.
        context.fireChannelReadComplete()
        if self.isReadHeld {
            self.isReadHeld = false
            self.connection?.rest()
            context.read()
        } else {
            self.readOn(context)
        }
    }

    /// Nothing more will come: an alert that waits to be read says more than the end of the stream. What is longer than
    /// any alert would be work for nobody, and out of turn.
    private func takeTurnAtTheEnd(_ context: ChannelHandlerContext) {
        guard self.isWaitingForTurn else { return }
        self.isWaitingForTurn = false
        guard let connection = self.connection, connection.waitingBytes <= TLSLimits.alertBytesMax else { return }
        self.doStepHandshake(context)
    }

    private func doStepHandshake(_ context: ChannelHandlerContext) {
        guard self.machine.state == .handshaking, let connection = self.connection else { return }
        switch connection.handshake() {
        case .needsInput: self.run(self.machine.needsInput(), context)
        case .done(let completed): self.run(self.machine.handshakeCompleted(completed), context)
        case .peerClosed: self.run(self.machine.peerClosed(), context)
        case .failed(let error): self.run(self.machine.failed(error), context)
        }
    }

    private func decrypt(_ context: ChannelHandlerContext) {
        // Whoever was told of the peer may have closed.
        guard self.machine.isActive, let connection = self.connection else { return }
        var plaintext: ByteBuffer?
        let step = connection.decrypt(into: &plaintext, allocator: context.channel.allocator)
        // What came before a close_notify or a bad record is delivered before either takes effect.
        if let plaintext, plaintext.readableBytes > 0 {
            self.isReadWanted = false
            context.fireChannelRead(self.wrapInboundOut(plaintext))
        }
        self.announceSession(context)
        self.react(to: step, context)
    }

    private func decryptAndDrop(_ context: ChannelHandlerContext) {
        guard let connection = self.connection else { return }
        var plaintext: ByteBuffer?
        let step = connection.decrypt(into: &plaintext, allocator: context.channel.allocator)
        // It is of use to the next connection, whatever becomes of this one.
        self.announceSession(context)
        self.react(to: step, context)
    }

    private func announceSession(_ context: ChannelHandlerContext) {
        guard let session = self.connection?.takeSession() else { return }
        context.fireUserInboundEventTriggered(TLSSessionAvailable(session: session))
    }

    private func react(to step: TLSStep<Never>, _ context: ChannelHandlerContext) {
        switch step {
        case .needsInput: self.run(self.machine.needsInput(), context)
        case .peerClosed: self.run(self.machine.peerClosed(), context)
        case .failed(let error): self.run(self.machine.failed(error), context)
        }
    }

    /// Encrypts what was flushed, and sends it: in one write, or in several of some size when it is much.
    private func encryptFlushed(_ context: ChannelHandlerContext) {
        var done: [EventLoopPromise<Void>] = []
        while self.machine.isActive, let connection = self.connection, var write = self.writes.popFlushed() {
            while write.plaintext.readableBytes > 0 {
                if case .failed(let error) = connection.encrypt(&write.plaintext) {
                    write.promise?.fail(error)
                    for promise in done {
                        promise.fail(error)
                    }
                    self.run(self.machine.failed(error), context)
                    return
                }
                if connection.ciphertextBytes >= TLSLimits.ciphertextChunkBytes {
                    self.writeCiphertext(context, &done)
                }
            }
            if let promise = write.promise {
                done.append(promise)
            }
        }
        self.writeCiphertext(context, &done)
        context.flush()
    }

    /// Hands on the ciphertext there is; the promises are completed with it.
    private func writeCiphertext(_ context: ChannelHandlerContext, _ promises: inout [EventLoopPromise<Void>]) {
        defer { promises.removeAll() }
        guard let ciphertext = self.connection?.takeCiphertext() else {
            // Writes without a byte in them: there is nothing to wait for.
            for promise in promises {
                promise.succeed()
            }
            return
        }
        let promise = promises.first
        for other in promises.dropFirst() {
            promise?.futureResult.cascade(to: other)
        }
        context.write(self.wrapOutboundOut(ciphertext), promise: promise)
    }

    private func flushCiphertext(_ context: ChannelHandlerContext) {
        guard let ciphertext = self.connection?.takeCiphertext() else { return }
        switch self.machine.state {
        case .idle, .handshaking, .active, .closing:
            context.writeAndFlush(self.wrapOutboundOut(ciphertext), promise: nil)
        case .closed:
            let promise = context.eventLoop.makePromise(of: Void.self)
            self.lastFlush = promise.futureResult
            context.writeAndFlush(self.wrapOutboundOut(ciphertext), promise: promise)
        }
    }

    // MARK: Deadlines and the end

    private func arm(_ timeout: TimeAmount, _ context: ChannelHandlerContext) {
        self.deadline?.cancel()
        self.deadline = context.eventLoop.assumeIsolated().scheduleTask(in: timeout) {
            self.deadline = nil
            self.run(self.machine.deadlinePassed(presented: self.connection?.presentedCertificate), context)
        }
    }

    /// Has a promise completed together with those that wait for the channel's close already.
    private func join(_ promise: EventLoopPromise<Void>?) {
        guard let promise else { return }
        guard let first = self.closePromise else {
            self.closePromise = promise
            return
        }
        first.futureResult.cascade(to: promise)
    }

    /// Closes the channel after the last ciphertext has left, or when a peer that takes none has had its time.
    private func closeChannel(_ context: ChannelHandlerContext) {
        let promise = self.closePromise
        self.closePromise = nil
        self.release()
        guard let lastFlush = self.lastFlush else {
            Self.close(context, promise)
            return
        }
        let timeout = context.eventLoop.assumeIsolated().scheduleTask(in: self.tlsContext.closeTimeout) {
            context.close(promise: nil)
        }
        lastFlush.assumeIsolated().whenComplete { _ in
            timeout.cancel()
            self.lastFlush = nil
            Self.close(context, promise)
        }
    }

    /// To have closed a channel that is closed already is what was wanted.
    private static func close(_ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
        guard let promise else {
            context.close(promise: nil)
            return
        }
        context.close().whenComplete { result in
            switch result {
            case .success, .failure(ChannelError.alreadyClosed): promise.succeed()
            case .failure(let error): promise.fail(error)
            }
        }
    }
}

@available(*, unavailable)
extension TLSHandler: Sendable {}

internal import NIOCore

/// What the state machine says is done.
extension TLSHandler {
    func run(
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
    func takeTurnAtTheEnd(_ context: ChannelHandlerContext) {
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
}

internal import NIOCore

/// Plaintext to ciphertext, and ciphertext to the channel.
extension TLSHandler {
    /// Encrypts what was flushed, and sends it: in one write, or in several of some size when it is much.
    func encryptFlushed(_ context: ChannelHandlerContext) {
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

    func flushCiphertext(_ context: ChannelHandlerContext) {
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
}

internal import NIOCore

/// Deadlines and the end.
extension TLSHandler {
    func arm(_ timeout: TimeAmount, _ context: ChannelHandlerContext) {
        self.deadline?.cancel()
        self.deadline = context.eventLoop.assumeIsolated().scheduleTask(in: timeout) {
            self.deadline = nil
            let presented = self.connection?.presentedCertificate
            self.run(self.machine.deadlinePassed(presented: presented, isOurTurn: self.isWaitingForTurn), context)
        }
    }

    /// Has a promise completed together with those that wait for the channel's close already.
    func join(_ promise: EventLoopPromise<Void>?) {
        guard let promise else { return }
        guard let first = self.closePromise else {
            self.closePromise = promise
            return
        }
        first.futureResult.cascade(to: promise)
    }

    /// Closes the channel after the last ciphertext has left, or when a peer that takes none has had its time.
    func closeChannel(_ context: ChannelHandlerContext) {
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

internal import NIOCore

/// Plaintext that was written and not yet encrypted, in order, with the mark that the last flush set.
struct PendingWrites {
    private var writes = MarkedCircularBuffer<(plaintext: ByteBuffer, promise: EventLoopPromise<Void>?)>(
        initialCapacity: 0)
    /// What they hold together.
    private(set) var bytes = 0

    mutating func append(_ plaintext: ByteBuffer, _ promise: EventLoopPromise<Void>?) {
        self.bytes += plaintext.readableBytes
        self.writes.append((plaintext, promise))
    }

    /// Everything written so far is to be sent.
    mutating func markFlushed() {
        self.writes.mark()
    }

    /// The first write, when it was flushed; it is not among the pending ones any more.
    mutating func popFlushed() -> (plaintext: ByteBuffer, promise: EventLoopPromise<Void>?)? {
        guard self.writes.hasMark, let first = self.writes.popFirst() else { return nil }
        self.bytes -= first.plaintext.readableBytes
        return first
    }

    /// Takes all away, for their promises to be failed.
    mutating func removeAll() -> [EventLoopPromise<Void>] {
        let promises = self.writes.compactMap(\.promise)
        self = PendingWrites()
        return promises
    }
}

internal import NIOCore

/// Ciphertext on its way between the channel and mbedTLS.
///
/// A class of its own, because C calls back into it while a method of the connection is running: changing the
/// connection's own storage from there would be an overlapping access. Confined to one event loop.
final class CiphertextBuffers {
    private let allocator: ByteBufferAllocator
    private let outboundBytesMax: Int
    private var inbound: ByteBuffer?
    /// Made on first use and given away with each flush, so that an idle connection holds none.
    private var outbound: ByteBuffer?
    /// Everything mbedTLS has taken so far.
    private(set) var bytesConsumed = 0
    /// Everything mbedTLS has produced so far.
    private(set) var bytesProduced = 0

    init(allocator: ByteBufferAllocator, outboundBytesMax: Int) {
        self.allocator = allocator
        self.outboundBytesMax = outboundBytesMax
    }

    var inboundBytes: Int { self.inbound?.readableBytes ?? 0 }
    var outboundBytes: Int { self.outbound?.readableBytes ?? 0 }
    /// What has been received and not yet taken.
    var inboundView: ByteBufferView? { self.inbound?.readableBytesView }

    /// Adds ciphertext from the channel.
    func receive(_ ciphertext: ByteBuffer) {
        guard self.inboundBytes > 0 else {
            self.inbound = ciphertext
            return
        }
        self.inbound?.writeImmutableBuffer(ciphertext)
    }

    /// Drops what has not been taken: after a failure nobody will.
    func dropInbound() {
        self.inbound = nil
    }

    /// Called from C: copies what there is, at most as much as fits. 0 means that there is nothing now.
    func copyInbound(into bytes: UnsafeMutableRawBufferPointer) -> Int {
        guard var buffer = self.inbound else { return 0 }
        // So that reading does not copy the storage.
        self.inbound = nil
        let count = buffer.readWithUnsafeReadableBytes { readable in
            let count = min(readable.count, bytes.count)
            bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: readable[0..<count]))
            return count
        }
        if buffer.readableBytes > 0 {
            self.inbound = buffer
        }
        self.bytesConsumed += count
        return count
    }

    /// Called from C: takes all of it, or nothing when it would be more than may be held.
    func appendOutbound(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count <= self.outboundBytesMax - self.outboundBytes else { return false }
        if self.outbound == nil {
            self.outbound = self.allocator.buffer(capacity: bytes.count)
        }
        self.outbound?.writeBytes(bytes)
        self.bytesProduced += bytes.count
        return true
    }

    /// Everything to be sent, once.
    func takeOutbound() -> ByteBuffer? {
        defer { self.outbound = nil }
        return self.outbound
    }
}

@available(*, unavailable)
extension CiphertextBuffers: Sendable {}

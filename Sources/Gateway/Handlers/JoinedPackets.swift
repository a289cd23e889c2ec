internal import NIOCore

/// Packets on their way to one peer, joined into one piece: one write for all that a read has led to, and one TLS record.
///
/// A single packet is handed on as it is. The pieces are bounded, so that the peer's back-pressure is felt.
struct JoinedPackets {
    /// Joined packets are at most this many bytes: a TLS record's worth (RFC 8446, section 5.1).
    private static let bytesMax = 16_384
    /// Packets of more bytes are cheaper to hand on than to copy.
    private static let copiedBytesMax = 2_048
    /// What is made room for when a second packet comes: it seldom stays alone.
    private static let capacity = 1_024

    private var joined: ByteBuffer?
    /// Whether the bytes are the joined packets' alone: a single packet shares its storage with what was received.
    private var isOwned = false

    /// Adds a packet's bytes.
    ///
    /// - Returns: What is to be written now, because there is enough of it.
    mutating func append(_ bytes: ByteBuffer, allocator: ByteBufferAllocator) -> ByteBuffer? {
        guard var joined = self.joined else {
            self.joined = bytes
            self.isOwned = false
            return nil
        }
        let count = bytes.readableBytes
        guard count <= Self.copiedBytesMax, self.isOwned || joined.readableBytes <= Self.copiedBytesMax,
            joined.readableBytes + count <= Self.bytesMax
        else {
            self.joined = bytes
            self.isOwned = false
            return joined
        }
        // Let go of, so that it is not copied for being shared.
        self.joined = nil
        if !self.isOwned {
            var own = allocator.buffer(capacity: max(Self.capacity, joined.readableBytes + count))
            own.writeImmutableBuffer(joined)
            joined = own
            self.isOwned = true
        }
        joined.writeImmutableBuffer(bytes)
        self.joined = joined
        return nil
    }

    /// What is still to be written, if there is anything.
    mutating func take() -> ByteBuffer? {
        defer { self.joined = nil }
        return self.joined
    }
}

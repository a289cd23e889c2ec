import NIOCore

/// What is to be sent, in slices: each is encrypted in one turn of the event loop, and one large packet would keep all
/// other devices of the loop waiting.
struct SlicedWrites {
    private var rest: ByteBuffer?

    var isEmpty: Bool { rest == nil }

    mutating func append(_ buffer: ByteBuffer) {
        guard buffer.readableBytes > 0 else { return }
        guard var waiting = rest else {
            rest = buffer
            return
        }
        // Taken out meanwhile, so that appending does not copy what waits.
        rest = nil
        waiting.writeImmutableBuffer(buffer)
        rest = waiting
    }

    /// The next slice, at most ``SimulatorLimits/sliceBytesMax`` long; nil if nothing is left.
    mutating func next() -> ByteBuffer? {
        guard var waiting = rest else { return nil }
        rest = nil
        guard waiting.readableBytes > SimulatorLimits.sliceBytesMax else { return waiting }
        let slice = waiting.readSlice(length: SimulatorLimits.sliceBytesMax)
        rest = waiting
        return slice
    }
}

import NIOCore
import Testing

@testable import FirmwareSim

@Suite struct SlicedWritesTests {
    private static let limit = SimulatorLimits.sliceBytesMax

    /// The slices until nothing is left.
    private func drain(_ writes: inout SlicedWrites) -> [ByteBuffer] {
        var slices: [ByteBuffer] = []
        while let slice = writes.next() { slices.append(slice) }
        return slices
    }

    @Test(arguments: [
        (0, [Int]()), (1, [1]), (limit - 1, [limit - 1]), (limit, [limit]), (limit + 1, [limit, 1]),
        (3 * limit, [limit, limit, limit]),
    ])
    func aPacketIsCut(bytes: Int, lengths: [Int]) {
        var writes = SlicedWrites()
        writes.append(ByteBuffer(repeating: 7, count: bytes))
        #expect(drain(&writes).map(\.readableBytes) == lengths)
        #expect(writes.isEmpty)
    }

    @Test func whatComesLaterWaitsItsTurnAndNothingIsLost() {
        let bytes = (0..<(2 * Self.limit + 17)).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        var writes = SlicedWrites()
        writes.append(ByteBuffer(bytes: bytes))
        let first = writes.next()
        writes.append(ByteBuffer(string: "after"))
        #expect(!writes.isEmpty)
        let all = ([first].compactMap(\.self) + drain(&writes)).flatMap { Array($0.readableBytesView) }
        #expect(all == bytes + Array("after".utf8))
    }
}

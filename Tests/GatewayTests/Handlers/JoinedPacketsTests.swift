internal import NIOCore
internal import Testing

@testable internal import Gateway

@Suite("JoinedPackets")
struct JoinedPacketsTests {
    private let allocator = ByteBufferAllocator()

    private func bytes(_ count: Int, _ value: UInt8) -> ByteBuffer { ByteBuffer(repeating: value, count: count) }

    @Test("nothing in, nothing out")
    func empty() {
        var joined = JoinedPackets()
        #expect(joined.take() == nil)
    }

    @Test("one packet comes out as it went in, and once")
    func single() {
        var joined = JoinedPackets()
        #expect(joined.append(self.bytes(100_000, 1), allocator: self.allocator) == nil)
        #expect(joined.take() == self.bytes(100_000, 1))
        #expect(joined.take() == nil)
    }

    @Test("what comes out is what went in, in its order, in pieces of at most a record but for large packets")
    func pieces() {
        var joined = JoinedPackets()
        var (expected, written) = (ByteBuffer(), ByteBuffer())
        var sizes: [Int] = []
        func write(_ piece: ByteBuffer?) {
            guard let piece else { return }
            sizes.append(piece.readableBytes)
            written.writeImmutableBuffer(piece)
        }
        for (index, count)
            in ([4, 104, 16_000, 300, 2_048, 2_049, 1, 0, 20_000, 2] + Array(repeating: 104, count: 400))
            .enumerated()
        {
            let packet = self.bytes(count, UInt8(truncatingIfNeeded: index))
            expected.writeImmutableBuffer(packet)
            write(joined.append(packet, allocator: self.allocator))
        }
        write(joined.take())
        #expect(written == expected)
        #expect(sizes.allSatisfy { $0 <= 16_384 || $0 == 20_000 })
        #expect(sizes.count < 12)
    }

    @Test("a packet that others were joined to is not changed for those who hold it")
    func shared() {
        var joined = JoinedPackets()
        let received = ByteBuffer(string: "abcdef")
        let first = received.getSlice(at: 0, length: 3) ?? ByteBuffer()
        _ = joined.append(first, allocator: self.allocator)
        _ = joined.append(ByteBuffer(string: "XYZ"), allocator: self.allocator)
        #expect(joined.take() == ByteBuffer(string: "abcXYZ"))
        #expect(received == ByteBuffer(string: "abcdef"))
        #expect(first == ByteBuffer(string: "abc"))
    }
}

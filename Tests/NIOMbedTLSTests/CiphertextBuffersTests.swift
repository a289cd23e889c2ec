import NIOCore
import Testing

@testable import NIOMbedTLS

/// Through the functions that C calls.
@Suite("ciphertext buffers")
struct CiphertextBuffersTests {
    private func receive(_ buffers: CiphertextBuffers, _ capacity: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0xEE, count: capacity + 1)
        let count = bytes.withUnsafeMutableBufferPointer {
            receiveCiphertext(Unmanaged.passUnretained(buffers).toOpaque(), $0.baseAddress, capacity)
        }
        #expect(count <= capacity)
        #expect(bytes[count...].allSatisfy { $0 == 0xEE })
        return Array(bytes.prefix(count))
    }

    private func send(_ buffers: CiphertextBuffers, _ bytes: [UInt8]) -> Int32 {
        sendCiphertext(Unmanaged.passUnretained(buffers).toOpaque(), bytes, bytes.count)
    }

    private func make(_ outboundBytesMax: Int = 64) -> CiphertextBuffers {
        CiphertextBuffers(allocator: ByteBufferAllocator(), outboundBytesMax: outboundBytesMax)
    }

    @Test func anEmptyBufferGivesNothing() {
        let buffers = self.make()
        #expect(self.receive(buffers, 8).isEmpty)
        buffers.receive(ByteBuffer())
        #expect(self.receive(buffers, 8).isEmpty)
        #expect(buffers.bytesConsumed == 0 && buffers.inboundBytes == 0)
    }

    @Test func partialExactAndTooLargeReads() {
        let buffers = self.make()
        buffers.receive(ByteBuffer(bytes: [1, 2, 3, 4, 5]))
        #expect(self.receive(buffers, 2) == [1, 2])
        #expect(buffers.inboundBytes == 3)
        #expect(self.receive(buffers, 0).isEmpty)
        #expect(self.receive(buffers, 3) == [3, 4, 5])
        #expect(self.receive(buffers, 3).isEmpty)
        buffers.receive(ByteBuffer(bytes: [6]))
        #expect(self.receive(buffers, 100) == [6])
        #expect(buffers.bytesConsumed == 6)
    }

    @Test func whatComesLaterFollowsWhatIsLeft() {
        let buffers = self.make()
        buffers.receive(ByteBuffer(bytes: [1, 2]))
        #expect(self.receive(buffers, 1) == [1])
        buffers.receive(ByteBuffer(bytes: [3]))
        #expect(self.receive(buffers, 9) == [2, 3])
        buffers.receive(ByteBuffer(bytes: [4]))
        buffers.dropInbound()
        #expect(self.receive(buffers, 9).isEmpty)
    }

    @Test func whatIsSentIsGivenAwayOnce() {
        let buffers = self.make()
        #expect(buffers.takeOutbound() == nil)
        #expect(self.send(buffers, [1, 2]) == 0)
        #expect(self.send(buffers, [3]) == 0)
        #expect(buffers.outboundBytes == 3)
        #expect(buffers.takeOutbound() == ByteBuffer(bytes: [1, 2, 3]))
        #expect(buffers.takeOutbound() == nil)
        #expect(buffers.bytesProduced == 3)
    }

    @Test func whatMayBeHeldIsBounded() {
        let buffers = self.make(4)
        #expect(self.send(buffers, [1, 2, 3]) == 0)
        #expect(self.send(buffers, [4, 5]) != 0)
        #expect(self.send(buffers, [4]) == 0)
        #expect(self.send(buffers, [5]) != 0)
        #expect(buffers.takeOutbound() == ByteBuffer(bytes: [1, 2, 3, 4]))
        #expect(self.send(buffers, [5]) == 0)
    }

    @Test func nullIsAnswered() {
        #expect(receiveCiphertext(nil, nil, 5) == 0)
        #expect(sendCiphertext(nil, nil, 5) != 0)
    }
}

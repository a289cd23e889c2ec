import NIOCore
import Testing

@testable import MQTTCodec

@Suite struct MQTTVariableByteIntegerTests {
    /// The boundaries of the table in section 1.5.5.
    private static let forms: [(Int, Bytes)] = [
        (0, [0]), (1, [1]), (127, [0x7F]), (128, [0x80, 1]), (16_383, [0xFF, 0x7F]), (16_384, [0x80, 0x80, 1]),
        (2_097_151, [0xFF, 0xFF, 0x7F]), (2_097_152, [0x80, 0x80, 0x80, 1]), (268_435_455, [0xFF, 0xFF, 0xFF, 0x7F]),
    ]

    @Test func boundaries() throws {
        for (value, bytes) in Self.forms {
            var buffer = ByteBuffer()
            MQTTVariableByteInteger.write(value, to: &buffer)
            #expect(Bytes(buffer.readableBytesView) == bytes)
            #expect(MQTTVariableByteInteger.byteCount(of: value) == bytes.count)
            #expect(
                try MQTTVariableByteInteger.peek(in: buffer, at: 0)
                    == MQTTVariableByteInteger(value: value, byteCount: bytes.count))
        }
    }

    @Test func everyIncompleteFormWantsMore() throws {
        for (_, bytes) in Self.forms {
            for count in 0..<bytes.count {
                #expect(try MQTTVariableByteInteger.peek(in: ByteBuffer(bytes: bytes[..<count]), at: 0) == nil)
            }
        }
    }

    @Test(
        arguments: [[0x80, 0], [0xFF, 0], [0x80, 0x80, 0], [0xFF, 0xFF, 0xFF, 0], [0x80, 0x80, 0x80, 0x80, 1]]
            as [Bytes])
    func refuses(bytes: Bytes) {
        #expect(throws: MQTTProtocolError.self) {
            try MQTTVariableByteInteger.peek(in: ByteBuffer(bytes: bytes), at: 0)
        }
    }
}

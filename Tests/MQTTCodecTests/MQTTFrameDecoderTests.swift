import NIOCore
import NIOTestUtils
import Testing

@testable import MQTTCodec

@Suite struct MQTTFrameDecoderTests {
    /// What the decoder makes of `bytes`: nil if it wants more.
    private func decode(
        _ bytes: Bytes, _ decoder: MQTTFrameDecoder = MQTTFrameDecoder(limits: MQTTLimits())
    ) throws(MQTTProtocolError) -> MQTTFrame? {
        var decoder = decoder
        var buffer = ByteBuffer(bytes: bytes)
        return try decoder.decode(buffer: &buffer)
    }

    private func code(
        _ bytes: Bytes, _ decoder: MQTTFrameDecoder = MQTTFrameDecoder(limits: MQTTLimits())
    ) -> MQTTProtocolError.Code? {
        do {
            _ = try decode(bytes, decoder)
            return nil
        } catch {
            return error.code
        }
    }

    @Test(arguments: MQTTProtocolVersion.allCases)
    func everyPacketInAnyDivision(version: MQTTProtocolVersion) throws {
        var pairs: [(ByteBuffer, [MQTTFrame])] = []
        for accepted in AllVectors.accepted where accepted.vector.version == version {
            // The verifier feeds single bytes and is quadratic in the packet's length.
            guard accepted.vector.bytes.count < 1000 else { continue }
            pairs.append((ByteBuffer(bytes: accepted.vector.bytes), [try accepted.vector.frame()]))
        }
        #expect(pairs.count > 10)
        try ByteToMessageDecoderVerifier.verifyDecoder(inputOutputPairs: pairs) {
            MQTTFrameDecoder(limits: MQTTLimits(), version: version)
        }
    }

    @Test func aFrameIsTheWholePacket() throws {
        let bytes = packet(0x33, text("t"), u16(1), Bytes(repeating: 1, count: 200))
        let frame = try #require(try decode(bytes + [0xC0, 0]))
        #expect(frame.type == .publish)
        #expect(frame.flags == 3)
        #expect(frame.bodyOffset == 3)
        #expect(frame.remainingLength == 205)
        #expect(Bytes(frame.bytes.readableBytesView) == bytes)
    }

    @Test func takesNothingUntilThePacketIsWhole() throws {
        let bytes = packet(0x30, text("topic"), Bytes(repeating: 9, count: 200))
        var decoder = MQTTFrameDecoder(limits: MQTTLimits())
        for count in 0..<bytes.count {
            var buffer = ByteBuffer(bytes: bytes[..<count])
            #expect(try decoder.decode(buffer: &buffer) == nil)
            #expect(buffer.readableBytes == count)
        }
    }

    @Test func refusesAtTheFirstByte() {
        let anyFirst: [(UInt8, MQTTProtocolError.Code)] = [
            (0x00, .badPacketType), (0x0F, .badPacketType), (0x11, .reservedBits), (0x1F, .reservedBits),
            (0x21, .reservedBits), (0x36, .badQoS), (0x37, .badQoS), (0x38, .badQoS), (0x3E, .badQoS),
            (0x41, .reservedBits), (0x52, .reservedBits), (0x60, .reservedBits), (0x63, .reservedBits),
            (0x72, .reservedBits), (0x80, .reservedBits), (0x81, .reservedBits), (0x92, .reservedBits),
            (0xA0, .reservedBits), (0xB2, .reservedBits), (0xC1, .reservedBits), (0xD1, .reservedBits),
            (0xE1, .reservedBits), (0xF1, .reservedBits),
        ]
        for (first, expected) in anyFirst {
            #expect(code([first]) == expected, "\(first)")
        }
        var decoder = MQTTFrameDecoder(limits: MQTTLimits())
        decoder.version = .v3_1_1
        #expect(code([0xF0], decoder) == .badPacketType)
        decoder.version = .v5
        #expect(code([0xF0], decoder) == nil)
    }

    @Test func whatDoesNotBeginWithConnectIsRefusedAtOneByte() {
        let decoder = MQTTFrameDecoder(limits: MQTTLimits(), expectsConnectFirst: true)
        for first in UInt8.min...UInt8.max where first != 0x10 {
            #expect(code([first], decoder) == .connectExpected)
        }
        #expect(code([0x10], decoder) == nil)
    }

    @Test func afterTheConnectOtherPacketsMayCome() throws {
        var decoder = MQTTFrameDecoder(limits: MQTTLimits(), expectsConnectFirst: true)
        var buffer = ByteBuffer(bytes: MQTTConnectTests.accepted[0].vector.bytes + [0xC0, 0])
        #expect(try decoder.decode(buffer: &buffer)?.type == .connect)
        #expect(try decoder.decode(buffer: &buffer)?.type == .pingreq)
        #expect(try decoder.decode(buffer: &buffer) == nil)
    }

    @Test func sizeIsCheckedBeforeTheBodyArrives() throws {
        let decoder = MQTTFrameDecoder(limits: MQTTLimits(packetBytesMax: 130))
        #expect(code([0x30, 127], decoder) == nil)
        #expect(code([0x30, 0x80, 1], decoder) == .packetTooLarge)
        #expect(code([0x30, 0xFF, 0xFF, 0xFF, 0x7F], decoder) == .packetTooLarge)
        do {
            _ = try decode([0x30, 0x80, 1], decoder)
        } catch {
            #expect(error.reasonCode == .packetTooLarge)
        }
        #expect(code([0x30, 0xFF, 0xFF, 0xFF, 0x7F], MQTTFrameDecoder(limits: .protocolMaximum)) == nil)
        #expect(code([0xC0, 1]) == .trailingBytes)
        for (first, length): (UInt8, UInt8) in [
            (0xE0, 1), (0x20, 3), (0x40, 3), (0x50, 3), (0x62, 3), (0x70, 3), (0xB0, 3),
        ] {
            #expect(code([first, length], MQTTFrameDecoder(limits: MQTTLimits(), version: .v3_1_1)) == .trailingBytes)
            #expect(code([first, length], MQTTFrameDecoder(limits: MQTTLimits(), version: .v5)) == nil)
        }
    }

    @Test func theLimitMayChangeBetweenPackets() throws {
        let bytes = packet(0x30, text("t"), Bytes(repeating: 0, count: 50))
        var decoder = MQTTFrameDecoder(limits: MQTTLimits(packetBytesMax: 10))
        var buffer = ByteBuffer(bytes: bytes)
        #expect(throws: MQTTProtocolError.self) { try decoder.decode(buffer: &buffer) }
        #expect(buffer.readableBytes == bytes.count)
        #expect(throws: MQTTProtocolError.self) { try decoder.decode(buffer: &buffer) }
        decoder.packetBytesMax = bytes.count
        #expect(try decoder.decode(buffer: &buffer) != nil)
    }

    @Test(arguments: [Int.min, -1, 0, 1]) func senselessLimitsRefuseEverything(packetBytesMax: Int) {
        #expect(
            code([0xC0, 0], MQTTFrameDecoder(limits: MQTTLimits(packetBytesMax: packetBytesMax))) == .packetTooLarge)
    }

    @Test func lengthsThatAreNotMinimalOrTooLong() {
        for bytes: Bytes in [
            [0x80, 0], [0x81, 0], [0xFF, 0x80, 0], [0x80, 0x80, 0x80, 0], [0x80, 0x80, 0x80, 0x80],
        ] {
            #expect(code([0x30] + bytes) == .badVariableByteInteger, "\(bytes)")
        }
        #expect(code([0x30, 0xFF, 0xFF, 0xFF, 0xFF]) == .badVariableByteInteger)
        #expect(code([0x30, 0x80, 0x80, 0x80]) == nil)
    }

    @Test func theEndOfTheStreamInsideAPacketIsAnError() throws {
        var decoder = MQTTFrameDecoder(limits: MQTTLimits())
        var buffer = ByteBuffer(bytes: [0xC0, 0, 0xC0])
        #expect(try decoder.decodeLast(buffer: &buffer, seenEOF: true)?.type == .pingreq)
        #expect(try decoder.decodeLast(buffer: &buffer, seenEOF: false) == nil)
        do {
            _ = try decoder.decodeLast(buffer: &buffer, seenEOF: true)
            Issue.record("no error")
        } catch {
            #expect(error.code == .truncatedPacket)
        }
        var empty = ByteBuffer()
        #expect(try decoder.decodeLast(buffer: &empty, seenEOF: true) == nil)
    }

    @Test func packetIdentifierWithoutDecoding() throws {
        for accepted in AllVectors.accepted {
            let expected: UInt16?
            switch accepted.packet {
            case .publish(let packet): expected = packet.packetIdentifier
            case .puback(let packet), .pubrec(let packet), .pubrel(let packet), .pubcomp(let packet):
                expected = packet.packetIdentifier
            case .subscribe(let packet): expected = packet.packetIdentifier
            case .suback(let packet): expected = packet.packetIdentifier
            case .unsubscribe(let packet): expected = packet.packetIdentifier
            case .unsuback(let packet): expected = packet.packetIdentifier
            case .connect, .connack, .pingreq, .pingresp, .disconnect, .auth: expected = nil
            }
            #expect(try accepted.vector.frame().packetIdentifier == expected)
        }
        for bytes in [packet(0x40), packet(0x40, [1]), packet(0x40, u16(0)), packet(0x32, u16(50), [1]), packet(0x32)] {
            #expect(try decode(bytes)?.packetIdentifier == nil)
        }
    }
}

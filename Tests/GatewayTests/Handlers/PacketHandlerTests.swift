internal import MQTTCodec
internal import NIOCore
internal import NIOEmbedded
internal import Testing

@testable internal import Gateway

private struct TestError: Error {}

@Suite("PacketHandler")
struct PacketHandlerTests {
    private static let connect = MQTTPacket.connect(MQTTConnect(version: .v3_1_1, clientIdentifier: "x"))

    // MARK: Cutting

    @Test("several packets in one read are told one by one, then the end of the read")
    func severalInOne() throws {
        let bench = try HandlerBench(.broker)
        try bench.receive(HandlerBench.bytes(.pingresp, .publish("a"), .pingresp))
        #expect(bench.receiver.types == [.pingresp, .publish, .pingresp])
        #expect(bench.receiver.told.first == .bytes(16, .broker))
        #expect(bench.receiver.told.last == .readCompleted)
    }

    @Test("what the session has passed on is not told as packets; the rest is, in order")
    func passedOn() throws {
        let bench = try HandlerBench(.device)
        try bench.receive(HandlerBench.bytes(Self.connect))
        let alike = try HandlerBench.bytes(.publish("a"))
        bench.receiver.onBytes = { bytes in
            let isNext =
                bytes.readableBytes >= alike.readableBytes
                && bytes.getSlice(at: bytes.readerIndex, length: alike.readableBytes) == alike
            return isNext ? (alike.readableBytes, 1) : (0, 0)
        }
        try bench.receive(HandlerBench.bytes(.publish("a"), .publish("b"), .publish("a"), .publish("a"), .pingreq))
        #expect(bench.receiver.types == [.connect, .publish, .pingreq])
        #expect(bench.receiver.told.last == .readCompleted)
    }

    @Test("what was passed on may have held the side: the rest waits")
    func passedOnAndHeld() throws {
        let bench = try HandlerBench(.device)
        try bench.receive(HandlerBench.bytes(Self.connect))
        let alike = try HandlerBench.bytes(.publish("a"))
        bench.receiver.onBytes = { _ in
            bench.receiver.onBytes = { _ in (0, 0) }
            bench.handler.setHeld(true)
            return (alike.readableBytes, 1)
        }
        try bench.receive(HandlerBench.bytes(.publish("a"), .publish("b")))
        #expect(bench.receiver.types == [.connect])
        bench.handler.setHeld(false)
        #expect(bench.receiver.types == [.connect, .publish])
    }

    @Test("a packet byte by byte is told once, when it is whole")
    func drip() throws {
        let bench = try HandlerBench(.device)
        let whole = try HandlerBench.bytes(Self.connect, .publish("a/b", payload: String(repeating: "x", count: 300)))
        for byte in whole.readableBytesView { try bench.receive(ByteBuffer(bytes: [byte])) }
        #expect(bench.receiver.types == [.connect, .publish])
        var together = ByteBuffer()
        for frame in bench.receiver.frames { together.writeImmutableBuffer(frame.bytes) }
        #expect(together == whole)
    }

    @Test("a peer whose every read ends within a packet does not make the buffer grow")
    func alwaysPartial() throws {
        let bench = try HandlerBench(.broker)
        let packet = try HandlerBench.bytes(.publish("a", payload: String(repeating: "x", count: 900)))
        let half = packet.readableBytes / 2
        let firstHalf = ByteBuffer(bytes: packet.readableBytesView.prefix(half))
        let otherHalves = ByteBuffer(
            bytes: Array(packet.readableBytesView.dropFirst(half)) + Array(packet.readableBytesView.prefix(half))
        )
        try bench.receive(firstHalf)
        for _ in 0..<1_000 {
            try bench.receive(otherHalves)
            #expect(try #require(bench.receiver.frames.last).bytes.storageCapacity <= 16_384)
            bench.receiver.frames.removeAll()
            bench.receiver.told.removeAll()
        }
    }

    @Test("the device's first packet must be CONNECT, and one byte is enough to see that it is not (MQTT-3.1.0-1)")
    func notConnect() throws {
        for byte in [0x16, 0x47, 0x00, 0xC0, 0x1F] as [UInt8] {
            let device = try HandlerBench(.device)
            try device.receive(ByteBuffer(bytes: [byte]))
            guard case .malformed(_, .device)? = device.receiver.told.first(where: { $0 != .bytes(1, .device) }) else {
                Issue.record("\(byte) was not refused")
                continue
            }
            #expect(device.receiver.frames.isEmpty)
        }
    }

    @Test("packets before a malformed one are told, nothing behind it is, and nothing is kept of it")
    func malformed() throws {
        let bench = try HandlerBench(.broker)
        var mixed = try HandlerBench.bytes(.pingresp)
        mixed.writeBytes([0x00, 0x00])
        mixed.writeImmutableBuffer(try HandlerBench.bytes(.pingresp))
        try bench.receive(mixed)
        #expect(bench.receiver.types == [.pingresp])
        #expect(bench.receiver.told.contains(.malformed(.badPacketType, .broker)))
    }

    @Test("a length above the limit is refused at the fixed header, before the body comes (MQTT-3.1.2-24)")
    func tooLong() throws {
        let bench = try HandlerBench(.broker)
        try bench.receive(ByteBuffer(bytes: [0x30, 0xFF, 0xFF, 0xFF, 0x7F]))
        #expect(bench.receiver.told.contains(.malformed(.packetTooLarge, .broker)))
    }

    @Test("settled framing holds from the next packet on, within the same read")
    func settleFraming() throws {
        let bench = try HandlerBench(.device)
        bench.receiver.onPacket = { frame in
            if frame.type == .connect { bench.handler.settleFraming(.v3_1_1, packetBytesMax: 12) }
        }
        try bench.receive(HandlerBench.bytes(Self.connect, .publish("a"), .publish("long-topic")))
        #expect(bench.receiver.types == [.connect, .publish])
        #expect(bench.receiver.told.contains(.malformed(.packetTooLarge, .device)))
    }

    // MARK: Telling

    @Test("writability, events and errors are told; a broker's events are not the device's")
    func tells() throws {
        for side in [Side.device, .broker] {
            let bench = try HandlerBench(side)
            bench.channel.isWritable = false
            bench.channel.pipeline.fireChannelWritabilityChanged()
            #expect(!bench.handler.isWritable)
            bench.channel.pipeline.fireUserInboundEventTriggered("event")
            bench.channel.pipeline.fireErrorCaught(TestError())
            let expected: [RecordingReceiver.Told] =
                side == .device
                ? [.writabilityChanged, .event, .failed(side)] : [.writabilityChanged, .failed(side)]
            #expect(bench.receiver.told == expected)
        }
    }

    // MARK: Closing

    @Test("a device that is being closed is read for the rest of a packet, and then no more")
    func closingDevice() throws {
        let bench = try HandlerBench(.device)
        bench.socket.holdsFlushes = true
        try bench.receive(HandlerBench.bytes(Self.connect))
        bench.handler.send(ByteBuffer(bytes: [0xE0, 0x00]))
        bench.handler.closeAfterFlush(flushTimeout: .seconds(10))
        let half = ByteBuffer(repeating: 0, count: 131_072)
        try bench.receive(half)
        let reads = bench.socket.reads
        bench.channel.pipeline.read()
        #expect(bench.socket.reads == reads + 1)
        try bench.receive(half)
        let readsAtLimit = bench.socket.reads
        bench.channel.pipeline.read()
        #expect(bench.socket.reads == readsAtLimit)
        #expect(bench.receiver.types == [.connect])
    }
}

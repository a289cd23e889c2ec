internal import MQTTCodec
internal import NIOCore
internal import NIOEmbedded
internal import Testing

@testable internal import Gateway

@Suite("PacketHandler: holding a side, for back-pressure")
struct PacketHandlerHoldTests {
    private static let connect = MQTTPacket.connect(MQTTConnect(version: .v3_1_1, clientIdentifier: "x"))

    @Test("a side that is held in the middle of a read gives no further packet until it is let go")
    func holdWithinRead() throws {
        let bench = try HandlerBench(.device)
        bench.receiver.onPacket = { _ in bench.handler.setHeld(true) }
        try bench.receive(HandlerBench.bytes(Self.connect, .publish("a"), .publish("b")))
        #expect(bench.receiver.types == [.connect])
        bench.handler.setHeld(false)
        #expect(bench.receiver.types == [.connect, .publish])
        bench.handler.setHeld(false)
        #expect(bench.receiver.types == [.connect, .publish, .publish])
        #expect(bench.receiver.told.last == .readCompleted, "what they led to is flushed")
    }

    @Test("bytes that come while a side is held wait, in order")
    func bytesWhileHeld() throws {
        let bench = try HandlerBench(.broker)
        bench.handler.setHeld(true)
        try bench.receive(HandlerBench.bytes(.publish("a")))
        let second = try HandlerBench.bytes(.publish("b"), .pingresp)
        try bench.receive(ByteBuffer(bytes: second.readableBytesView.prefix(3)))
        try bench.receive(ByteBuffer(bytes: second.readableBytesView.dropFirst(3)))
        #expect(bench.receiver.frames.isEmpty)
        bench.handler.setHeld(false)
        #expect(bench.receiver.types == [.publish, .publish, .pingresp])
    }

    @Test("a held side is not read: the kernel's window tells the peer")
    func heldIsNotRead() throws {
        let bench = try HandlerBench(.broker)
        let before = bench.socket.reads
        bench.channel.read()
        #expect(bench.socket.reads == before + 1)
        bench.handler.setHeld(true)
        for _ in 0..<3 { bench.channel.read() }
        #expect(bench.socket.reads == before + 1)
        bench.handler.setHeld(false)
        #expect(bench.socket.reads == before + 2, "the reads that were put off are one read")
        bench.handler.setHeld(true)
        bench.handler.setHeld(false)
        #expect(bench.socket.reads == before + 2, "no read was put off, so none is made up for")
    }

    @Test("a side that is held again by what was waiting is not read")
    func heldAgain() throws {
        let bench = try HandlerBench(.broker)
        bench.handler.setHeld(true)
        try bench.receive(HandlerBench.bytes(.pingresp, .pingresp))
        bench.channel.read()
        let before = bench.socket.reads
        bench.receiver.onPacket = { _ in bench.handler.setHeld(true) }
        bench.handler.setHeld(false)
        #expect(bench.receiver.frames.count == 1)
        #expect(bench.socket.reads == before)
        bench.receiver.onPacket = { _ in }
        bench.handler.setHeld(false)
        #expect(bench.receiver.frames.count == 2)
        #expect(bench.socket.reads == before + 1)
    }

    @Test("held and let go while one packet is told: the rest of the read follows at once, once")
    func heldAndLetGoWithinPacket() throws {
        let bench = try HandlerBench(.broker)
        bench.receiver.onPacket = { _ in
            bench.handler.setHeld(true)
            bench.handler.setHeld(false)
        }
        try bench.receive(HandlerBench.bytes(.publish("a"), .pingresp, .publish("b")))
        #expect(bench.receiver.types == [.publish, .pingresp, .publish])
    }

    @Test("what the peer sent before it closed is told before the close, held or not")
    func closeDelivers() throws {
        let bench = try HandlerBench(.broker)
        bench.handler.setHeld(true)
        try bench.receive(HandlerBench.bytes(.publish("a"), .pingresp))
        try bench.channel.close().wait()
        #expect(bench.receiver.types == [.publish, .pingresp])
        #expect(bench.receiver.told.last == .closed(.broker))
        #expect(bench.receiver.told.filter { $0 == .closed(.broker) }.count == 1)
    }

    @Test("half a packet is nothing when the channel closes")
    func closeWithinPacket() throws {
        let bench = try HandlerBench(.device)
        try bench.receive(ByteBuffer(bytes: [0x10, 0x20, 0x00]))
        try bench.channel.close().wait()
        #expect(bench.receiver.frames.isEmpty)
        #expect(bench.receiver.told.last == .closed(.device))
    }
}

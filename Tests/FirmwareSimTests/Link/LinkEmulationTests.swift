import NIOCore
import NIOEmbedded
import Testing

@testable import FirmwareSim

@Suite struct LinkEmulationTests {
    /// Notes what reaches the device's side.
    final class Recorder: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        var events: [String] = []

        func channelActive(context: ChannelHandlerContext) { events.append("active") }
        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            events.append(String(buffer: unwrapInboundIn(data)))
        }
        func channelInactive(context: ChannelHandlerContext) { events.append("inactive") }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { events.append("error") }
        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if let pressure = event as? LinkPressure { events.append(pressure.isWritable ? "writable" : "unwritable") }
        }
    }

    /// A round trip of 100 ms, a byte a millisecond up and ten down.
    struct Bench {
        let channel = EmbeddedChannel()
        let link: LinkEmulation
        let recorder = Recorder()

        init(_ model: LinkModel = LinkScheduleTests.model()) throws {
            link = LinkEmulation(model, generator: SeededGenerator(seed: 1))
            try channel.pipeline.syncOperations.addHandlers([link, recorder])
        }

        func activate() throws {
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        }

        func advance(_ milliseconds: Int64) {
            channel.embeddedEventLoop.advanceTime(by: .milliseconds(milliseconds))
        }

        func receive(_ text: String) throws { try channel.writeInbound(ByteBuffer(string: text)) }
        func sent() throws -> String? { try channel.readOutbound(as: ByteBuffer.self).map { String(buffer: $0) } }
    }

    @Test func theConnectionTakesARoundTrip() throws {
        let bench = try Bench()
        try bench.activate()
        bench.advance(99)
        #expect(bench.recorder.events.isEmpty)
        bench.advance(1)
        #expect(bench.recorder.events == ["active"])
    }

    @Test func bytesComeInOrderAndLate() throws {
        let bench = try Bench()
        try bench.activate()
        bench.advance(100)
        try bench.receive("aaaaaaaaaa")
        try bench.receive("b")
        bench.advance(50)
        #expect(bench.recorder.events == ["active"])
        bench.advance(1)
        #expect(bench.recorder.events == ["active", "aaaaaaaaaa"])
        bench.advance(1)
        #expect(bench.recorder.events == ["active", "aaaaaaaaaa", "b"])
    }

    @Test func whatComesBeforeTheConnectionStandsWaitsForIt() throws {
        let bench = try Bench()
        try bench.activate()
        try bench.receive("early")
        bench.advance(99)
        #expect(bench.recorder.events.isEmpty)
        bench.advance(1)
        #expect(bench.recorder.events == ["active", "early"])
    }

    @Test func theServersEndComesBehindItsLastBytes() throws {
        let bench = try Bench()
        try bench.activate()
        bench.advance(100)
        try bench.receive("bye")
        bench.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        #expect(bench.channel.isActive)
        bench.advance(60)
        #expect(bench.recorder.events == ["active", "bye", "inactive"])
        #expect(!bench.channel.isActive)
    }

    @Test func aResetDoesNotSwallowWhatCameBefore() throws {
        struct Reset: Error {}
        let bench = try Bench()
        try bench.activate()
        bench.advance(100)
        try bench.receive("alert")
        bench.channel.pipeline.fireErrorCaught(Reset())
        #expect(bench.recorder.events == ["active", "alert", "error"])
    }

    @Test func writesLeaveLateAndInOrderAndTheCloseAfterThem() throws {
        let bench = try Bench()
        try bench.activate()
        bench.advance(100)
        bench.channel.writeAndFlush(ByteBuffer(string: "hello"), promise: nil)
        bench.channel.writeAndFlush(ByteBuffer(string: "x"), promise: nil)
        let closed = bench.channel.close()
        bench.advance(54)
        #expect(try bench.sent() == nil)
        bench.advance(1)
        #expect(try bench.sent() == "hello")
        #expect(bench.channel.isActive)
        bench.advance(1)
        #expect(try bench.sent() == "x")
        #expect(!bench.channel.isActive)
        try closed.wait()
    }

    @Test func aCutDropsWhatIsOnItsWay() throws {
        let bench = try Bench()
        try bench.activate()
        bench.advance(100)
        try bench.receive("in")
        let write = bench.channel.writeAndFlush(ByteBuffer(string: "out"))
        bench.link.cut()
        bench.channel.close(promise: nil)
        #expect(!bench.channel.isActive)
        bench.advance(1_000)
        #expect(bench.recorder.events == ["active", "inactive"])
        #expect(try bench.sent() == nil)
        #expect(throws: (any Error).self) { try write.wait() }
    }

    @Test func aDeviceIsToldToStopSendingAndCutIfItDoesNot() throws {
        let bench = try Bench()
        try bench.activate()
        bench.advance(100)
        let half = ByteBuffer(repeating: 0, count: SimulatorLimits.linkHeldBytesMax / 2 + 1)
        bench.channel.writeAndFlush(half, promise: nil)
        #expect(bench.recorder.events == ["active"])
        bench.channel.writeAndFlush(half, promise: nil)
        #expect(bench.recorder.events == ["active", "unwritable"])
        // Both leave: the line is free again.
        bench.advance(Int64(SimulatorLimits.linkHeldBytesMax) + 100)
        #expect(bench.recorder.events == ["active", "unwritable", "writable"])
        for _ in 0..<5 { bench.channel.writeAndFlush(half, promise: nil) }
        #expect(!bench.channel.isActive)
    }

    @Test func readingStopsWhileTooMuchIsHeld() throws {
        final class ReadCounter: ChannelOutboundHandler {
            typealias OutboundIn = Never
            var reads = 0
            func read(context: ChannelHandlerContext) { reads += 1 }
        }
        let counter = ReadCounter()
        let bench = try Bench()
        try bench.channel.pipeline.syncOperations.addHandler(counter, position: .first)
        try bench.activate()
        bench.advance(100)
        let before = counter.reads
        bench.channel.read()
        #expect(counter.reads == before + 1)
        try bench.channel.writeInbound(ByteBuffer(repeating: 0, count: SimulatorLimits.linkHeldBytesMax))
        bench.channel.read()
        #expect(counter.reads == before + 1)
        bench.advance(Int64(SimulatorLimits.linkHeldBytesMax) / 10 + 60)
        #expect(counter.reads == before + 2)
    }
}

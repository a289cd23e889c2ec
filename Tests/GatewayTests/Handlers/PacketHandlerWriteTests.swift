internal import MQTTCodec
internal import NIOCore
internal import NIOEmbedded
internal import Testing

@testable internal import Gateway

@Suite("PacketHandler: writing and closing")
struct PacketHandlerWriteTests {
    @Test("what is sent goes out with one flush, in order")
    func coalesced() throws {
        let bench = try HandlerBench(.device)
        for text in ["a", "b", "c"] { bench.handler.send(ByteBuffer(string: text)) }
        #expect(bench.socket.flushes == 0)
        bench.handler.flush()
        bench.handler.flush()
        #expect(bench.socket.flushes == 1)
        #expect(try bench.written() == ByteBuffer(string: "abc"))
    }

    @Test("nothing sent, nothing flushed")
    func noFlush() throws {
        let bench = try HandlerBench(.device)
        bench.handler.flush()
        #expect(bench.socket.flushes == 0)
    }

    @Test("a close waits for what was sent before it")
    func closeAfterFlush() throws {
        let bench = try HandlerBench(.device)
        bench.socket.holdsFlushes = true
        bench.handler.send(ByteBuffer(string: "last words"))
        bench.handler.closeAfterFlush(flushTimeout: .seconds(10))
        #expect(bench.channel.isActive)
        bench.socket.holdsFlushes = false
        bench.channel.flush()
        bench.channel.embeddedEventLoop.run()
        #expect(!bench.channel.isActive)
        #expect(try bench.written() == ByteBuffer(string: "last words"))
        #expect(bench.receiver.told.last == .closed(.device))
    }

    @Test("a close waits for what was flushed before it and is not written yet")
    func closeAfterEarlierFlush() throws {
        let bench = try HandlerBench(.broker)
        bench.socket.holdsFlushes = true
        bench.handler.send(ByteBuffer(string: "data"))
        bench.handler.flush()
        bench.handler.closeAfterFlush(flushTimeout: .seconds(10))
        #expect(bench.channel.isActive)
        bench.socket.holdsFlushes = false
        bench.channel.flush()
        bench.channel.embeddedEventLoop.run()
        #expect(!bench.channel.isActive)
        #expect(try bench.written() == ByteBuffer(string: "data"))
    }

    @Test("a peer that does not read is waited for no longer than the deadline")
    func closeDeadline() throws {
        let bench = try HandlerBench(.device)
        bench.socket.holdsFlushes = true
        bench.handler.send(ByteBuffer(string: "last words"))
        bench.handler.closeAfterFlush(flushTimeout: .seconds(10))
        bench.channel.embeddedEventLoop.advanceTime(by: .seconds(9))
        #expect(bench.channel.isActive)
        bench.channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(!bench.channel.isActive)
        #expect(bench.receiver.told.filter { $0 == .closed(.device) }.count == 1)
    }

    @Test("with nothing to write the close is at once, and only once")
    func closeAtOnce() throws {
        let bench = try HandlerBench(.device)
        bench.handler.closeAfterFlush(flushTimeout: .seconds(10))
        #expect(!bench.channel.isActive)
        bench.handler.closeAfterFlush(flushTimeout: .seconds(10))
        #expect(bench.socket.closes == 1)
    }

    @Test("a closing side takes no further packets and sends nothing more")
    func closing() throws {
        let bench = try HandlerBench(.broker)
        bench.socket.holdsFlushes = true
        bench.receiver.onPacket = { _ in
            bench.handler.send(ByteBuffer(string: "last"))
            bench.handler.closeAfterFlush(flushTimeout: .seconds(10))
            bench.handler.send(ByteBuffer(string: "too late"))
        }
        try bench.receive(HandlerBench.bytes(.pingresp, .pingresp))
        try bench.receive(HandlerBench.bytes(.pingresp))
        #expect(bench.receiver.frames.count == 1)
        bench.socket.holdsFlushes = false
        bench.channel.flush()
        bench.channel.embeddedEventLoop.run()
        #expect(try bench.written() == ByteBuffer(string: "last"))
    }

    @Test("after the close nothing is sent, and nothing traps")
    func afterClose() throws {
        let bench = try HandlerBench(.device)
        try bench.channel.close().wait()
        bench.channel.embeddedEventLoop.run()
        bench.handler.send(ByteBuffer(string: "x"))
        bench.handler.flush()
        bench.handler.setHeld(true)
        bench.handler.setHeld(false)
        bench.handler.closeAfterFlush(flushTimeout: .seconds(1))
        #expect(bench.handler.isWritable)
        #expect(try bench.written().readableBytes == 0)
    }
}

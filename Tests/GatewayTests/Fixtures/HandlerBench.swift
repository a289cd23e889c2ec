internal import MQTTCodec
internal import NIOCore
internal import NIOEmbedded
internal import Testing

@testable internal import Gateway

/// What a `PacketHandler` told, in order; and what to do while it is told of a packet.
final class RecordingReceiver: PacketReceiver {
    enum Told: Equatable {
        case bytes(Int, Side)
        case packet(MQTTPacketType, Side)
        case readCompleted
        case writabilityChanged
        case malformed(MQTTProtocolError.Code, Side)
        case event
        case failed(Side)
        case closed(Side)
    }

    var told: [Told] = []
    var frames: [MQTTFrame] = []
    var onPacket: (MQTTFrame) -> Void = { _ in }
    var onReadCompleted: () -> Void = {}
    var onBytes: (ByteBuffer) -> (bytes: Int, packets: Int) = { _ in (0, 0) }

    /// The packets alone.
    var types: [MQTTPacketType] { self.frames.map(\.type) }

    func received(byteCount: Int, from side: Side) { self.told.append(.bytes(byteCount, side)) }
    func passing(prefixOf bytes: ByteBuffer, packetBytesMax: Int, now: NIODeadline) -> (bytes: Int, packets: Int) {
        self.onBytes(bytes)
    }
    func received(packetCount: Int, from side: Side) {}
    func received(_ frame: MQTTFrame, from side: Side, now: NIODeadline) {
        self.told.append(.packet(frame.type, side))
        self.frames.append(frame)
        self.onPacket(frame)
    }
    func readCompleted() {
        self.told.append(.readCompleted)
        self.onReadCompleted()
    }
    func writabilityChanged() { self.told.append(.writabilityChanged) }
    func malformed(_ side: Side, _ error: MQTTProtocolError) { self.told.append(.malformed(error.code, side)) }
    func deviceEvent(_ event: Any) { self.told.append(.event) }
    func failed(_ side: Side, _ error: any Error) { self.told.append(.failed(side)) }
    func closed(_ side: Side) { self.told.append(.closed(side)) }
}

/// Counts reads and flushes that leave the pipeline, towards the socket.
final class SocketSide: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private(set) var reads = 0
    private(set) var flushes = 0
    private(set) var closes = 0
    var holdsFlushes = false

    func read(context: ChannelHandlerContext) {
        self.reads += 1
        context.read()
    }

    func flush(context: ChannelHandlerContext) {
        self.flushes += 1
        if !self.holdsFlushes { context.flush() }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        self.closes += 1
        context.close(mode: mode, promise: promise)
    }
}

/// One side's channel with a handler in it.
struct HandlerBench {
    let receiver = RecordingReceiver()
    let socket = SocketSide()
    let handler: PacketHandler
    let channel: EmbeddedChannel

    init(_ side: Side, limits: MQTTLimits = MQTTLimits(packetBytesMax: 1_000)) throws {
        self.handler = PacketHandler(side: side, session: self.receiver, limits: limits)
        self.channel = EmbeddedChannel()
        try self.channel.pipeline.syncOperations.addHandlers([self.socket, self.handler])
        try self.channel.connect(to: SocketAddress(unixDomainSocketPath: "/test")).wait()
    }

    func receive(_ bytes: ByteBuffer) throws { try self.channel.writeInbound(bytes) }

    /// These packets on the wire, as a 3.1.1 peer sends them.
    static func bytes(_ packets: MQTTPacket...) throws -> ByteBuffer {
        var all = ByteBuffer()
        for packet in packets { try packet.encode(into: &all, version: .v3_1_1) }
        return all
    }

    /// What went to the socket, as one buffer.
    func written() throws -> ByteBuffer {
        var all = ByteBuffer()
        while var next = try self.channel.readOutbound(as: ByteBuffer.self) { all.writeBuffer(&next) }
        return all
    }
}

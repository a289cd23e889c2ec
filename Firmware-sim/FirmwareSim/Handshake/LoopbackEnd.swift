import NIOCore
import NIOEmbedded
import NIOMbedTLS

/// One end of a connection in memory: the same handler as on a socket, on a channel without one. Confined to the thread
/// that made its event loop.
final class LoopbackEnd {
    private let channel: EmbeddedChannel
    private let witness = HandshakeWitness()
    /// Processor time that this end has taken so far, in nanoseconds.
    private(set) var processorNanoseconds: Int64 = 0

    /// Makes the end; it does nothing before ``activate()``.
    ///
    /// - Parameter handler: Makes the TLS handler, whose making is part of what a connection costs.
    init(on loop: EmbeddedEventLoop, _ handler: () -> TLSHandler) throws {
        let start = ProcessClock.threadProcessorNanoseconds()
        channel = EmbeddedChannel(loop: loop)
        try channel.pipeline.syncOperations.addHandlers([handler(), witness])
        processorNanoseconds = ProcessClock.threadProcessorNanoseconds() - start
    }

    /// Nil until the handshake is over on this side.
    var completed: TLSHandshakeCompleted? { witness.completed }
    var error: (any Error)? { witness.error }
    /// The newest that the peer gave.
    var session: TLSSession? { witness.session }

    /// Begins the handshake, and gives what wants to leave.
    func activate() throws -> ByteBuffer {
        try step {
            // Nothing is connected to: the address only has to be one.
            channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
        }
    }

    /// Takes bytes of the other end, and gives what wants to leave.
    func receive(_ bytes: ByteBuffer) throws -> ByteBuffer {
        try step {
            if channel.isActive { try channel.writeInbound(bytes) }
        }
    }

    /// Begins to close, and gives what wants to leave.
    func close() throws -> ByteBuffer {
        try step { channel.close(mode: .all, promise: nil) }
    }

    /// Lets go of a connection that has ended.
    func release() {
        let start = ProcessClock.threadProcessorNanoseconds()
        channel.embeddedEventLoop.run()
        processorNanoseconds += ProcessClock.threadProcessorNanoseconds() - start
    }

    private func step(_ body: () throws -> Void) throws -> ByteBuffer {
        let start = ProcessClock.threadProcessorNanoseconds()
        defer { processorNanoseconds += ProcessClock.threadProcessorNanoseconds() - start }
        try body()
        var outbound = try channel.readOutbound(as: ByteBuffer.self) ?? ByteBuffer()
        while var next = try channel.readOutbound(as: ByteBuffer.self) {
            outbound.writeBuffer(&next)
        }
        return outbound
    }
}

/// Remembers what the TLS handler said.
private final class HandshakeWitness: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private(set) var completed: TLSHandshakeCompleted?
    private(set) var session: TLSSession?
    private(set) var error: (any Error)?

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case let event as TLSHandshakeCompleted: completed = event
        case let event as TLSSessionAvailable: session = event.session
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if self.error == nil { self.error = error }
    }
}

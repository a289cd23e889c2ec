internal import MQTTCodec
internal import NIOCore
internal import NIOPosix
internal import Testing

@testable internal import Gateway

/// Completes when a packet of the broker's, or the end of its connection, is told.
private final class FirstPacketReceiver: PacketReceiver {
    private let packet: EventLoopPromise<MQTTPacketType>

    init(_ packet: EventLoopPromise<MQTTPacketType>) { self.packet = packet }

    func received(byteCount: Int, from side: Side) {}
    func passing(prefixOf bytes: ByteBuffer, packetBytesMax: Int, now: NIODeadline) -> (bytes: Int, packets: Int) {
        (0, 0)
    }
    func received(packetCount: Int, from side: Side) {}
    func received(_ frame: MQTTFrame, from side: Side, now: NIODeadline) { self.packet.succeed(frame.type) }
    func readCompleted() {}
    func writabilityChanged() {}
    func malformed(_ side: Side, _ error: MQTTProtocolError) { self.packet.fail(error) }
    func deviceEvent(_ event: Any) {}
    func failed(_ side: Side, _ error: any Error) { self.packet.fail(error) }
    func closed(_ side: Side) { self.packet.fail(ChannelError.eof) }
}

/// Answers whatever comes with PINGRESP.
private final class AnsweringBroker: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        context.writeAndFlush(self.wrapOutboundOut(ByteBuffer(bytes: [0xD0, 0x00])), promise: nil)
    }
}

@Suite("UpstreamConnector")
struct UpstreamConnectorTests {
    private let loop: any EventLoop = MultiThreadedEventLoopGroup.singleton.any()

    private func listen(on address: SocketAddress) async throws -> any Channel {
        try await ServerBootstrap(group: self.loop)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AnsweringBroker())
                }
            }
            .bind(to: address).get()
    }

    /// Connects, sends PINGREQ the moment it may, and returns the first packet that comes back.
    private func firstPacket(from address: UpstreamAddress) async throws -> MQTTPacketType {
        let loop = self.loop
        let packet = loop.makePromise(of: MQTTPacketType.self)
        loop.execute {
            let limits = GatewayLimits()
            let connector = UpstreamConnector(
                configuration: UpstreamConfiguration(address: address), tlsContext: nil, limits: limits
            )
            let handler = PacketHandler(
                side: .broker, session: FirstPacketReceiver(packet),
                limits: MQTTLimits(packetBytesMax: limits.packetBytesMax)
            )
            connector.connect(on: loop, handler: handler).assumeIsolated().whenComplete { result in
                switch result {
                case .success:
                    handler.send(ByteBuffer(bytes: [0xC0, 0x00]))
                    handler.flush()
                case .failure(let error):
                    packet.fail(error)
                }
            }
        }
        return try await packet.futureResult.get()
    }

    @Test("packets go both ways over TCP, by address")
    func tcp() async throws {
        let server = try await self.listen(on: SocketAddress(ipAddress: "127.0.0.1", port: 0))
        let port = try #require(server.localAddress?.port)
        #expect(try await self.firstPacket(from: UpstreamAddress(.tcp(host: "127.0.0.1", port: port))) == .pingresp)
        try await server.close().get()
    }

    @Test("a host name of which one address refuses: the handler talks to the connection that came up (RFC 8305)")
    func severalAddresses() async throws {
        let server = try await self.listen(on: SocketAddress(ipAddress: "127.0.0.1", port: 0))
        let port = try #require(server.localAddress?.port)
        // Where the system has IPv6, "localhost" is ::1 first, and nobody listens there.
        #expect(try await self.firstPacket(from: UpstreamAddress(.tcp(host: "localhost", port: port))) == .pingresp)
        try await server.close().get()
    }

    @Test("nobody listens: the connection fails")
    func refused() async throws {
        let server = try await self.listen(on: SocketAddress(ipAddress: "127.0.0.1", port: 0))
        let port = try #require(server.localAddress?.port)
        try await server.close().get()
        await #expect(throws: (any Error).self) {
            try await self.firstPacket(from: UpstreamAddress(.tcp(host: "127.0.0.1", port: port)))
        }
        await #expect(throws: (any Error).self) {
            try await self.firstPacket(from: UpstreamAddress(.unix(path: "/nonexistent/broker.sock")))
        }
    }

    @Test("a tls:// broker without TLS settings is not connected to in the clear")
    func noTLSSettings() async throws {
        let server = try await self.listen(on: SocketAddress(ipAddress: "127.0.0.1", port: 0))
        let port = try #require(server.localAddress?.port)
        await #expect(throws: UpstreamTLSMissing.self) {
            try await self.firstPacket(from: UpstreamAddress(.tls(host: "127.0.0.1", port: port)))
        }
        try await server.close().get()
    }
}

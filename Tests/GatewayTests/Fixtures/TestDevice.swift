internal import FleetPKI
internal import MQTTCodec
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import NIOMbedTLS
internal import NIOPosix

@testable internal import Gateway

/// A device that connects with TLS, sends CONNECT of MQTT 5.0, and tells what comes of it.
struct TestDevice: Sendable {
    enum Event: Sendable, Equatable {
        case handshaken(isResumed: Bool)
        case connack(MQTTReasonCode)
        case disconnect(MQTTReasonCode, reason: String?)
        /// The alert that came instead of a connection; nil: none.
        case failed(TLSAlert?)
        case closed
    }

    let channel: any Channel
    private let events: AsyncStream<Event>
    private let sessions: NIOLockedValueBox<[TLSSession]>

    /// The session to resume, if the gateway gave a ticket.
    var session: TLSSession? { self.sessions.withLockedValue { $0.last } }

    static func connect(
        to address: SocketAddress, _ identity: IssuedCertificate, session: TLSSession? = nil,
        sendsConnect: Bool = true
    ) async throws -> TestDevice {
        let context = try TLSContext(TestAuthorities.get().clientTLS(identity))
        let (events, continuation) = AsyncStream.makeStream(of: Event.self)
        let sessions = NIOLockedValueBox<[TLSSession]>([])
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers([
                        TLSHandler(context: context, serverName: .verified("gateway.test"), session: session),
                        DeviceHandler(continuation, sessions, sendsConnect: sendsConnect),
                    ])
                }
            }
            .connect(to: address).get()
        return TestDevice(channel: channel, events: events, sessions: sessions)
    }

    /// What happens next.
    func next() async -> Event? {
        for await event in self.events { return event }
        return nil
    }

    /// Everything up to the end of the connection.
    func rest() async -> [Event] {
        var all: [Event] = []
        for await event in self.events { all.append(event) }
        return all
    }

    func send(_ packet: MQTTPacket) async throws { try await self.channel.writeAndFlush(packet.bytes(.v5)).get() }

    func close() async { try? await self.channel.close().get() }
}

private final class DeviceHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let events: AsyncStream<TestDevice.Event>.Continuation
    private let sessions: NIOLockedValueBox<[TLSSession]>
    private let sendsConnect: Bool
    private var decoder = MQTTFrameDecoder(limits: .protocolMaximum, version: .v5)
    private var received = ByteBuffer()
    private var hasFailed = false

    init(
        _ events: AsyncStream<TestDevice.Event>.Continuation, _ sessions: NIOLockedValueBox<[TLSSession]>,
        sendsConnect: Bool
    ) {
        self.events = events
        self.sessions = sessions
        self.sendsConnect = sendsConnect
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let available = event as? TLSSessionAvailable {
            self.sessions.withLockedValue { $0.append(available.session) }
        }
        guard let completed = event as? TLSHandshakeCompleted else { return }
        self.events.yield(.handshaken(isResumed: completed.isResumed))
        guard self.sendsConnect else { return }
        let connect = MQTTPacket.connect(MQTTConnect(version: .v5, clientIdentifier: ""))
        if let bytes = try? connect.bytes(.v5) { context.writeAndFlush(self.wrapOutboundOut(bytes), promise: nil) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = self.unwrapInboundIn(data)
        self.received.writeBuffer(&bytes)
        while let frame = try? self.decoder.decode(buffer: &self.received) {
            switch try? MQTTPacket.decode(frame, version: .v5, limits: .protocolMaximum) {
            case .connack(let connack): self.events.yield(.connack(connack.reasonCode))
            case .disconnect(let disconnect):
                self.events.yield(.disconnect(disconnect.reasonCode, reason: disconnect.properties.reasonString))
            case _: break
            }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if !self.hasFailed, let error = error as? TLSError {
            self.hasFailed = true
            self.events.yield(.failed(error.alertReceived))
        }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.events.yield(.closed)
        self.events.finish()
    }
}

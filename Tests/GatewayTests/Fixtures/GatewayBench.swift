internal import FleetPKI
internal import FleetPolicy
internal import Logging
internal import MQTTCodec
internal import NIOCore
internal import NIOMbedTLS
internal import NIOPosix
internal import Testing

@testable internal import Gateway

/// A gateway on 127.0.0.1 with a broker that accepts everybody, for what only the whole can show.
struct GatewayBench: Sendable {
    static let profile: ProfileTree = [
        "profile": "meter", "match": ["subject": ["O": "{fleet:slug}", "CN": "meter-{serial:digits}"]],
        "device": "meter-{serial}", "tenant": "{fleet}", "publish": ["up/{device}"],
    ]

    let gateway: GatewayService
    let authorities: TestAuthorities
    private let broker: any Channel
    private let running: Task<Void, any Error>

    /// Starts a gateway, has it used, and stops it.
    static func with<Result: Sendable>(
        _ names: [String] = ["default"], trust: TrustSnapshot = .empty, ticketKeys: [TLSTicketKey] = [],
        authority: (any AdmissionAuthority)? = nil, gate: AdmissionGate = AdmissionGate(), eventLoops: Int = 2,
        _ body: (GatewayBench) async throws -> Result
    ) async throws -> Result {
        let authorities = try TestAuthorities.get()
        let broker = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptingBroker())
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(broker.localAddress?.port)
        let any = try SocketAddress(ipAddress: "127.0.0.1", port: 0)
        let tls = try authorities.serverTLS(ticketKeys: ticketKeys)
        let gateway = try GatewayService(
            configuration: GatewayConfiguration(
                listeners: names.map { ListenerConfiguration(name: $0, address: any) },
                upstream: UpstreamConfiguration(address: UpstreamAddress(.tcp(host: "127.0.0.1", port: port))),
                eventLoops: eventLoops, authority: authority, gate: gate),
            snapshot: GatewaySnapshot(
                tls: names.reduce(into: [:]) { $0[$1] = tls }, policy: try Self.policy(trust: trust)),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let bench = GatewayBench(
            gateway: gateway, authorities: authorities, broker: broker, running: Task { try await gateway.run() })
        defer { bench.running.cancel() }
        while gateway.listeningAddresses.count < names.count { await Task.yield() }
        let result = try await body(bench)
        bench.running.cancel()
        try await bench.running.value
        try await broker.close().get()
        return result
    }

    static func policy(_ profile: ProfileTree = Self.profile, trust: TrustSnapshot = .empty) throws -> PolicySnapshot {
        PolicySnapshot(profiles: try ProfileCompiler.compile([profile.node]).get(), trust: trust)
    }

    /// A device that comes to a listener.
    func connect(
        _ device: IssuedCertificate, to listener: String = "default", session: TLSSession? = nil
    ) async throws -> TestDevice {
        let address = try #require(self.gateway.listeningAddresses[listener])
        return try await TestDevice.connect(to: address, device, session: session)
    }

    /// A device that has a session.
    func establish(
        _ device: IssuedCertificate, to listener: String = "default", session: TLSSession? = nil,
        isResumed: Bool = false
    ) async throws -> TestDevice {
        let connected = try await self.connect(device, to: listener, session: session)
        #expect(await connected.next() == .handshaken(isResumed: isResumed))
        #expect(await connected.next() == .connack(.success))
        return connected
    }

    /// The session of `meter-<number>`.
    func session(_ number: Int, tenant: String = "hamburg") async throws -> LiveSession {
        let sessions = await self.gateway.sessions(of: DeviceKey(tenant: tenant, deviceID: "meter-\(number)"))
        return try #require(sessions.first)
    }

    /// Who has a session.
    var live: Set<String> {
        get async { Set(await self.gateway.sessions().map(\.key.deviceID)) }
    }
}

/// Answers the first bytes with CONNACK of MQTT 5.0, and reads on.
private final class AcceptingBroker: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var hasAnswered = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !self.hasAnswered else { return }
        self.hasAnswered = true
        let connack = ByteBuffer(bytes: [0x20, 0x03, 0x00, 0x00, 0x00])
        context.writeAndFlush(self.wrapOutboundOut(connack), promise: nil)
    }
}

import FleetPKI
import MQTTCodec
import NIOCore
import NIOMbedTLS
import NIOPosix

@testable import FirmwareSim

/// A broker on 127.0.0.1 that forwards publishes at QoS 0, for tests of what devices do with each other. One connection
/// for each client id; the older one is thrown off, as MQTT has it.
struct SmallBroker {
    struct Rules: Sendable {
        /// A publish to a topic with this prefix is refused.
        var forbiddenPrefix: String?
        /// A larger packet ends the connection.
        var packetBytesMax = 262_144
        /// What SUBACK says.
        var subscriptions = MQTTReasonCode.grantedQoS1
        /// Whether TLS sessions may be resumed.
        var givesTickets = false
        /// Whether a connection that was resumed is ended at its CONNECT.
        var endsResumed = false
        var versions: ClosedRange<TLSVersion> = .v1_2...TLSVersion.highestSupported
        /// From the TCP connection to the end of the handshake.
        var handshakeTimeout: TimeAmount = .seconds(30)
    }

    let channel: any Channel
    var port: Int { channel.localAddress?.port ?? 0 }

    /// - Parameters:
    ///   - loop: Closed by whoever owns it, and all connections with it.
    static func start(
        _ rules: Rules, on group: MultiThreadedEventLoopGroup, setting: LoadRunTests.Setting,
        version: MQTTProtocolVersion
    ) async throws -> SmallBroker {
        let issued = try setting.serverAuthority.issue(
            CertificateTemplate(
                subject: [("CN", "localhost")], alternativeNames: [.dns("localhost")], purpose: .server))
        var configuration = try TLSConfiguration(
            role: .server, certificateChainPEM: Array(issued.chainPEM.utf8),
            privateKeyPEM: Array(issued.privateKeyPEM.utf8),
            trustAnchorsPEM: Array(setting.deviceAuthority.certificatePEM.utf8), versions: rules.versions,
            handshakeTimeout: rules.handshakeTimeout)
        if rules.givesTickets { configuration.ticketKeys = [TLSTicketKey()] }
        let final = configuration
        let loop = group.next()
        let shared = try await loop.submit {
            NIOLoopBound((context: try TLSContext(final), clients: Clients()), eventLoop: loop)
        }.get()
        let channel = try await ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers([
                        TLSHandler(context: shared.value.context, authorize: { _ in .allowed }),
                        BrokerHandler(rules, version: version, clients: shared.value.clients),
                    ])
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return SmallBroker(channel: channel)
    }

    fileprivate final class Clients {
        var byID: [String: BrokerHandler] = [:]
    }
}

private final class BrokerHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let rules: SmallBroker.Rules
    private let version: MQTTProtocolVersion
    private let clients: SmallBroker.Clients
    private var processor: NIOSingleStepByteToMessageProcessor<MQTTFrameDecoder>
    private var context: ChannelHandlerContext?
    private var clientID: String?
    private var filters: [String] = []
    private var isResumed = false

    init(_ rules: SmallBroker.Rules, version: MQTTProtocolVersion, clients: SmallBroker.Clients) {
        self.rules = rules
        self.version = version
        self.clients = clients
        self.processor = .init(
            MQTTFrameDecoder(limits: MQTTLimits(packetBytesMax: rules.packetBytesMax), expectsConnectFirst: true))
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        do {
            try processor.process(buffer: unwrapInboundIn(data)) { frame in
                try answer(
                    MQTTPacket.decode(
                        frame, version: version, limits: MQTTLimits(packetBytesMax: rules.packetBytesMax),
                        sender: .client))
            }
        } catch {
            context.close(promise: nil)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let completed = event as? TLSHandshakeCompleted { isResumed = completed.isResumed }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func channelInactive(context: ChannelHandlerContext) {
        if let clientID, clients.byID[clientID] === self { clients.byID[clientID] = nil }
        self.context = nil
    }

    private func answer(_ packet: MQTTPacket) throws {
        switch packet {
        case .connect where isResumed && rules.endsResumed:
            context?.close(promise: nil)
        case .connect(let connect):
            if let older = clients.byID[connect.clientIdentifier] { try older.throwOff() }
            clientID = connect.clientIdentifier
            clients.byID[connect.clientIdentifier] = self
            try send(.connack(MQTTConnack(reasonCode: .success)))
        case .subscribe(let subscribe):
            filters += subscribe.subscriptions.map(\.filter)
            try send(
                .suback(
                    MQTTSuback(
                        packetIdentifier: subscribe.packetIdentifier,
                        reasonCodes: subscribe.subscriptions.map { _ in rules.subscriptions })))
        case .publish(let publish):
            let isForbidden = rules.forbiddenPrefix.map { publish.topic.hasPrefix($0) } ?? false
            if let identifier = publish.packetIdentifier {
                try send(
                    .puback(
                        MQTTAcknowledgement(
                            packetIdentifier: identifier, reasonCode: isForbidden ? .notAuthorized : .success)))
            }
            guard !isForbidden else { return }
            for client in clients.byID.values { try client.deliver(publish) }
        case .pingreq: try send(.pingresp)
        case .puback: break
        case .disconnect: context?.close(promise: nil)
        case .connack, .pubrec, .pubrel, .pubcomp, .suback, .unsubscribe, .unsuback, .pingresp, .auth:
            context?.close(promise: nil)
        }
    }

    private func throwOff() throws {
        if version == .v5 { try send(.disconnect(MQTTDisconnect(reasonCode: .sessionTakenOver))) }
        context?.close(promise: nil)
    }

    private func deliver(_ publish: MQTTPublish) throws {
        guard filters.contains(where: { MQTTTopic.matches(filter: $0.utf8.span, name: publish.topic.utf8.span) }) else {
            return
        }
        try send(.publish(MQTTPublish(topic: publish.topic, payload: publish.payload)))
    }

    private func send(_ packet: MQTTPacket) throws {
        guard let context else { return }
        var buffer = context.channel.allocator.buffer(capacity: 64)
        try packet.encode(into: &buffer, version: version)
        context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
    }
}

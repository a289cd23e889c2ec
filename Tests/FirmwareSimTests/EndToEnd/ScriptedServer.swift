import FleetPKI
import MQTTCodec
import NIOCore
import NIOMbedTLS
import NIOPosix

@testable import FirmwareSim

/// An MQTT server on 127.0.0.1 that does one thing, for tests of what devices make of it.
struct ScriptedServer {
    enum Script: Sendable {
        /// CONNACK, PUBACK, PINGRESP.
        case serve
        /// CONNACK with this code.
        case refuse(MQTTReasonCode)
        /// The connection ends when CONNECT came.
        case closeAtConnect
        /// CONNECT gets no answer.
        case neverAnswer
        /// The connection ends at its beginning, before any TLS.
        case closeAtOnce
        /// CONNACK, then PUBACK with this code.
        case refusePublishes(MQTTReasonCode)
        /// CONNACK, and no PUBACK.
        case neverAcknowledge
        /// CONNACK, then DISCONNECT with this code at the first publish.
        case disconnectAtPublish(MQTTReasonCode)
        /// Something that is not MQTT where CONNACK belongs.
        case garbage
        /// CONNACK twice.
        case connackTwice
        /// A PUBLISH that nobody subscribed to.
        case unexpectedPublish
        /// Closes the first so many connections at CONNECT and serves the rest.
        case closeFirst(Int)
    }

    let channel: any Channel
    let group: MultiThreadedEventLoopGroup

    var port: Int { channel.localAddress?.port ?? 0 }

    /// - Parameters:
    ///   - issuer: Issues the server's certificate.
    ///   - trusting: The CA that devices' certificates must come from.
    static func start(
        _ script: Script, issuer: CertificateAuthority, trusting: CertificateAuthority, version: MQTTProtocolVersion
    ) async throws -> ScriptedServer {
        let issued = try issuer.issue(
            CertificateTemplate(
                subject: [("CN", "localhost")], alternativeNames: [.dns("localhost"), .ip("127.0.0.1")],
                purpose: .server))
        let configuration = try TLSConfiguration(
            role: .server, certificateChainPEM: Array(issued.chainPEM.utf8),
            privateKeyPEM: Array(issued.privateKeyPEM.utf8), trustAnchorsPEM: Array(trusting.certificatePEM.utf8))
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let state = try NIOLoopBoundBox.makeBoxSendingValue(
            (context: TLSContext(configuration), accepted: 0), eventLoop: loop)
        let channel = try await ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    var (context, accepted) = state.value
                    accepted += 1
                    state.value = (context, accepted)
                    if case .closeAtOnce = script {
                        try channel.pipeline.syncOperations.addHandler(ClosingHandler())
                        return
                    }
                    try channel.pipeline.syncOperations.addHandlers([
                        TLSHandler(context: context, authorize: { _ in .allowed }),
                        ScriptedHandler(script, version: version, connection: accepted),
                    ])
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return ScriptedServer(channel: channel, group: group)
    }

    func stop() async throws {
        try await channel.close()
        try await group.shutdownGracefully()
    }
}

private final class ClosingHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        context.close(promise: nil)
    }
}

private final class ScriptedHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let script: ScriptedServer.Script
    private let version: MQTTProtocolVersion
    private let connection: Int
    private var processor: NIOSingleStepByteToMessageProcessor<MQTTFrameDecoder>

    init(_ script: ScriptedServer.Script, version: MQTTProtocolVersion, connection: Int) {
        self.script = script
        self.version = version
        self.connection = connection
        self.processor = .init(MQTTFrameDecoder(limits: MQTTLimits(), expectsConnectFirst: true))
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        do {
            try processor.process(buffer: unwrapInboundIn(data)) { frame in
                try answer(
                    MQTTPacket.decode(frame, version: version, limits: MQTTLimits(), sender: .client), context)
            }
        } catch {
            context.close(promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func answer(_ packet: MQTTPacket, _ context: ChannelHandlerContext) throws {
        switch packet {
        case .connect: try answerConnect(context)
        case .publish(let publish):
            if case .disconnectAtPublish(let code) = script {
                try send(.disconnect(MQTTDisconnect(reasonCode: code)), context)
                context.close(promise: nil)
            }
            guard let identifier = publish.packetIdentifier else { return }
            try answerPublish(identifier, context)
        case .pingreq: try send(.pingresp, context)
        case .disconnect: context.close(promise: nil)
        case .connack, .puback, .pubrec, .pubrel, .pubcomp, .subscribe, .suback, .unsubscribe, .unsuback, .pingresp,
            .auth:
            context.close(promise: nil)
        }
    }

    private func answerConnect(_ context: ChannelHandlerContext) throws {
        let accepted = MQTTPacket.connack(MQTTConnack(reasonCode: .success))
        switch script {
        case .serve, .refusePublishes, .neverAcknowledge, .disconnectAtPublish, .closeAtOnce:
            try send(accepted, context)
        case .refuse(let code):
            try send(.connack(MQTTConnack(reasonCode: code)), context)
        case .closeAtConnect:
            context.close(promise: nil)
        case .neverAnswer:
            break
        case .garbage:
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: "HTTP/1.1 400 Bad Request\r\n\r\n")), promise: nil)
        case .connackTwice:
            try send(accepted, context)
            try send(accepted, context)
        case .unexpectedPublish:
            try send(accepted, context)
            try send(.publish(MQTTPublish(topic: "a", payload: ByteBuffer(string: "b"))), context)
        case .closeFirst(let count):
            guard connection > count else {
                context.close(promise: nil)
                return
            }
            try send(accepted, context)
        }
    }

    private func answerPublish(_ identifier: UInt16, _ context: ChannelHandlerContext) throws {
        switch script {
        case .serve, .closeFirst, .connackTwice, .unexpectedPublish, .refuse, .closeAtConnect, .neverAnswer, .garbage,
            .closeAtOnce, .disconnectAtPublish:
            try send(.puback(MQTTAcknowledgement(packetIdentifier: identifier)), context)
        case .refusePublishes(let code):
            try send(.puback(MQTTAcknowledgement(packetIdentifier: identifier, reasonCode: code)), context)
        case .neverAcknowledge:
            break
        }
    }

    private func send(_ packet: MQTTPacket, _ context: ChannelHandlerContext) throws {
        var buffer = context.channel.allocator.buffer(capacity: 64)
        try packet.encode(into: &buffer, version: version)
        context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
    }
}

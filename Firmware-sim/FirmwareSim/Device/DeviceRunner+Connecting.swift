import MQTTCodec
import NIOCore
import NIOMbedTLS
import NIOPosix

/// How a device gets its connection: from the socket up, its link, its processor, TLS, MQTT.
extension DeviceRunner {
    /// Connects with the context that was made for the attempt under way. The host calls it from
    /// ``DeviceHost/openConnection(for:)`` or some time after, while ``DeviceSession/isConnecting``.
    ///
    /// - Parameters:
    ///   - serverName: What the server's certificate must be for.
    ///   - source: The local address; nil leaves it to the system.
    func connect(
        with context: TLSContext, to target: SocketAddress, serverName: String, from source: SocketAddress?
    ) {
        connectBegins()
        let link = settings.deviceClass.link.map { LinkEmulation($0, generator: attemptGenerator) }
        let transport = DeviceTransport(delegate: self, link: link)
        let upper: [any ChannelHandler]
        let owner: AnyObject
        if settings.conduct.conduct.isRaw {
            let misdeed = MisdeedConnection(delegate: self, transport: transport)
            line = .misdeed(misdeed)
            owner = misdeed
            upper = [misdeed]
        } else {
            let offered = takeOfferedSession()
            let connection = DeviceConnection(delegate: self, transport: transport, version: host.mqtt)
            line = .mqtt(connection)
            owner = connection
            let handshake = settings.deviceClass.handshake
            let pacing =
                handshake.full > .zero || handshake.resumed > .zero
                ? HandshakePacing(handshake, offersSession: offered != nil) : nil
            let tls = TLSHandler(context: context, serverName: .verified(serverName), session: offered)
            upper = (pacing.map { [$0] } ?? []) + [tls, connection]
        }
        let handlers: [any ChannelHandler] = (link.map { [$0] } ?? []) + [transport] + upper
        let bound = NIOLoopBound((handlers, owner), eventLoop: host.eventLoop)
        var bootstrap = ClientBootstrap(group: host.eventLoop)
            // The session's own timer decides; this one only frees what that has given up.
            .connectTimeout(settings.connectTimeout + .seconds(1))
            .channelOption(
                .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: SimulatorLimits.receiveBufferBytes)
            )
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers(bound.value.0)
                }
            }
        if link != nil {
            // The server's end has to travel behind its last bytes.
            bootstrap = bootstrap.channelOption(.allowRemoteHalfClosure, value: true)
        }
        if let source {
            bootstrap = bootstrap.channelOption(SourcePortOption.late, value: 1).bind(to: source)
        }
        bootstrap.connect(to: target).assumeIsolated().whenFailure { [weak self] error in
            guard let self, self.line?.isSame(as: bound.value.1) == true else { return }
            self.connectionFailed(FailureCode.of(error))
        }
    }

    /// The same for the same attempt of the same device in every run of one seed.
    private var attemptGenerator: SeededGenerator {
        var seeds = session.generator
        return SeededGenerator(seed: seeds.next(), stream: UInt64(session.history.attempts))
    }
}

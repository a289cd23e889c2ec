internal import Glibc
internal import MQTTCodec
public import NIOCore
public import NIOMbedTLS
internal import NIOPosix

/// How the gateway reaches the broker, and as whom.
public struct UpstreamConfiguration: Sendable {
    public var address: UpstreamAddress
    /// The client side of TLS, needed for `UpstreamAddress.Transport.tls` and unused otherwise.
    public var tls: TLSConfiguration?
    /// User name instead of the device's identity, for a broker that knows the gateway and not the devices.
    public var userName: String?
    /// Password sent with every CONNECT; kept out of every description.
    public var password: [UInt8]?

    public init(
        address: UpstreamAddress, tls: TLSConfiguration? = nil, userName: String? = nil, password: [UInt8]? = nil
    ) {
        self.address = address
        self.tls = tls
        self.userName = userName
        self.password = password
    }
}

/// Opens connections to the broker on one event loop.
final class UpstreamConnector {
    let address: UpstreamAddress
    let credentials: ConnectAdmission.UpstreamCredentials
    private let tlsContext: TLSContext?
    private let limits: GatewayLimits

    /// - Parameter tlsContext: this loop's own context where the address is a `tls://` one.
    init(configuration: UpstreamConfiguration, tlsContext: TLSContext?, limits: GatewayLimits) {
        self.address = configuration.address
        self.tlsContext = tlsContext
        self.limits = limits
        self.credentials = ConnectAdmission.UpstreamCredentials(
            userName: configuration.userName, password: configuration.password
        )
    }

    /// Connects, with `handler` at the end of the pipeline. Succeeds when packets can be sent: with TLS, data sent
    /// before the end of the handshake is held by the TLS handler.
    ///
    /// A host name with several addresses is tried with several channels (RFC 8305), each made by the initializer. The
    /// handler therefore goes into the one that won, once it is connected: in a loser's pipeline, that channel's end
    /// would be taken for the broker's. Nothing is read before: the future completes within the event loop's tick.
    func connect(on eventLoop: any EventLoop, handler: PacketHandler) -> EventLoopFuture<any Channel> {
        let bound = NIOLoopBound((handler, self.tlsContext), eventLoop: eventLoop)
        let address = self.address
        let waterMark = self.limits.waterMark
        // TCP_NODELAY is NIO's default: small packets both ways, each waited for, and Nagle's algorithm would add a round
        // trip to every one.
        let bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(self.limits.upstreamConnectTimeout)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    // In one go: as options of the bootstrap each would be a future.
                    try channel.syncOptions?.setOption(.writeBufferWaterMark, value: waterMark)
                    try channel.syncOptions?.setOption(.recvAllocator, value: ReceiveBuffer.ofBroker)
                    guard case .tls(let host, _) = address.transport, let tlsContext = bound.value.1 else { return }
                    let tls = TLSHandler(context: tlsContext, serverName: .verified(host))
                    try channel.pipeline.syncOperations.addHandler(tls)
                }
            }
        let connected: EventLoopFuture<any Channel> =
            switch self.address.transport {
            case .tls where self.tlsContext == nil:
                // Never in the clear instead: the broker's password would go with it.
                eventLoop.makeFailedFuture(UpstreamTLSMissing())
            case .tcp(let host, let port), .tls(let host, let port):
                Self.connect(bootstrap, host: host, port: port)
            case .unix(let path):
                Self.connect(
                    bootstrap, toUnixSocket: path, on: eventLoop, retryingAfter: Self.backlogWaitMin,
                    until: .now() + self.limits.upstreamConnectTimeout)
            }
        return connected.flatMapThrowing { channel in
            try channel.pipeline.syncOperations.addHandler(bound.value.0)
            return channel
        }
    }
}

extension UpstreamConnector {
    /// The wait before a full backlog is tried again; doubled each time, up to `backlogWaitMax`.
    private static let backlogWaitMin = TimeAmount.milliseconds(2)
    private static let backlogWaitMax = TimeAmount.milliseconds(100)

    /// Connects over TCP. An address is not looked up: look-ups of a loop queue behind one another.
    private static func connect(
        _ bootstrap: ClientBootstrap, host: String, port: Int
    ) -> EventLoopFuture<any Channel> {
        guard let address = try? SocketAddress(ipAddress: host, port: port) else {
            return bootstrap.connect(host: host, port: port)
        }
        return bootstrap.connect(to: address)
    }

    /// Connects to a unix socket, again and again while its listener's backlog is full: unlike TCP, where the kernel
    /// repeats the SYN, connecting then fails at once (connect(2): EAGAIN), and mosquitto 2.0's backlog is 10.
    private static func connect(
        _ bootstrap: ClientBootstrap, toUnixSocket path: String, on eventLoop: any EventLoop,
        retryingAfter wait: TimeAmount, until deadline: NIODeadline
    ) -> EventLoopFuture<any Channel> {
        bootstrap.connect(unixDomainSocketPath: path).assumeIsolated().flatMapError { error in
            guard let error = error as? IOError, error.errnoCode == EAGAIN, .now() + wait < deadline else {
                return eventLoop.makeFailedFuture(error)
            }
            return eventLoop.scheduleTask(in: wait) {}.futureResult.assumeIsolated().flatMap {
                Self.connect(
                    bootstrap, toUnixSocket: path, on: eventLoop, retryingAfter: min(wait * 2, Self.backlogWaitMax),
                    until: deadline)
            }.nonisolated()
        }.nonisolated()
    }
}

/// The upstream address is a `tls://` one and the configuration has no TLS settings for it.
struct UpstreamTLSMissing: Error {}

extension GatewayLimits {
    var waterMark: ChannelOptions.Types.WriteBufferWaterMark {
        ChannelOptions.Types.WriteBufferWaterMark(low: self.outboundBytesHigh / 2, high: self.outboundBytesHigh)
    }
}

/// Asks whether the broker's address accepts connections, for readiness.
public enum UpstreamProbe {
    /// Connects and closes again.
    ///
    /// - Returns: `nil` when the connection came up within `timeout`, else why not.
    public static func failure(
        of address: UpstreamAddress, within timeout: TimeAmount, on group: any EventLoopGroup
    ) async -> String? {
        let bootstrap = ClientBootstrap(group: group).connectTimeout(timeout)
        do {
            let channel: any Channel =
                switch address.transport {
                case .tcp(let host, let port), .tls(let host, let port):
                    try await bootstrap.connect(host: host, port: port).get()
                case .unix(let path):
                    try await bootstrap.connect(unixDomainSocketPath: path).get()
                }
            try? await channel.close().get()
            return nil
        } catch {
            return "\(address) does not accept connections"
        }
    }
}

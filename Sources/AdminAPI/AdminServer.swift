import Glibc
import HTTPTypes
import Hummingbird
import HummingbirdCore
public import Logging
public import NIOCore
public import ServiceLifecycle

/// The HTTP server for operators and their monitoring: `/metrics`, `/healthz`, `/readyz`. GET and HEAD.
///
/// It runs until the service group shuts down gracefully. It has no authentication, hence ``AdminAddress``.
public struct AdminServer: Service {
    /// What one client, and all together, may use. Monitoring needs little; the rest would be taken from devices.
    public struct Limits: Sendable {
        /// Open connections. Two Prometheus servers, a probe and a person are four.
        public var connectionsMax = 64
        /// Bytes of all headers of a request.
        public var headerBytesMax = 8 * 1024
        /// Number of headers of a request.
        public var headersMax = 64
        /// Bytes of a request's body; nothing here takes one.
        public var bodyBytesMax = 1024
        /// From a request's head to the end of the answer.
        public var requestTimeout = TimeAmount.seconds(10)
        /// Without a request.
        public var idleTimeout = TimeAmount.seconds(60)
        /// For each readiness check; shorter than the 10 s after which probes commonly give up.
        public var readinessDeadline = Duration.seconds(2)

        public init() {}
    }

    private let address: AdminAddress
    private let routes: AdminRoutes
    private let limits: Limits
    private let eventLoopGroup: any EventLoopGroup
    private let logger: Logger
    /// Called once with the port in use, which matters when the address asked for port 0: as tests do.
    var onListening: @Sendable (_ port: Int) async -> Void = { _ in }

    /// - Parameters:
    ///   - address: Where to listen.
    ///   - metrics: What `/metrics` shows.
    ///   - readinessChecks: What `/readyz` asks; without any, the answer is always ready.
    ///   - limits: Bounds on clients.
    ///   - eventLoopGroup: Not the data plane's: a scrape formats hundreds of kilobytes.
    ///   - logger: For the server's own messages.
    public init(
        address: AdminAddress, metrics: PrometheusRegistry, readinessChecks: [ReadinessCheck],
        limits: Limits = Limits(), eventLoopGroup: any EventLoopGroup,
        logger: Logger
    ) {
        self.address = address
        self.routes = AdminRoutes(
            metrics: metrics, readinessChecks: readinessChecks, readinessDeadline: limits.readinessDeadline)
        self.limits = limits
        self.eventLoopGroup = eventLoopGroup
        self.logger = logger
    }

    /// Listens and answers until graceful shutdown.
    ///
    /// - Throws: ``AdminServerError`` `cannot-listen` when the address cannot be bound.
    public func run() async throws {
        let limits = limits
        // What the HTTP server and its services say at "info" is about themselves.
        var serverLogger = logger
        serverLogger.logLevel = max(logger.logLevel, .warning)
        let http = HTTP1Channel.Configuration(
            additionalChannelHandlers: [
                AdminConnectionLimitHandler(bodyBytesMax: limits.bodyBytesMax, requestTimeout: limits.requestTimeout)
            ],
            idleTimeout: limits.idleTimeout,
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: limits.headerBytesMax, maxHeaderListSize: limits.headerBytesMax,
                maxHeaderFieldCount: limits.headersMax))
        let application = Application(
            router: routes.router(),
            server: .http1(configuration: http),
            configuration: ApplicationConfiguration(
                address: .hostname(address.host, port: address.port),
                availableConnectionsDelegate: MaximumAvailableConnections(limits.connectionsMax)),
            onServerRunning: { [address, logger, onListening] channel in
                let port = channel.localAddress?.port ?? address.port
                logger.info("listening for monitoring", metadata: ["address": "\(address.host(withPort: port))"])
                await onListening(port)
            },
            eventLoopGroupProvider: .shared(eventLoopGroup),
            logger: serverLogger)
        do {
            try await application.run()
        } catch let error as IOError {
            throw AdminServerError(
                .cannotListen, "cannot listen for monitoring on \(address): \(Self.words(for: error.errnoCode))")
        }
    }

    /// The system's words for why an address cannot be listened on; `IOError` would add the name of a Swift function.
    private static func words(for errorNumber: CInt) -> String {
        switch errorNumber {
        case EADDRINUSE: "Address already in use"
        case EADDRNOTAVAIL: "Cannot assign requested address"
        case EACCES: "Permission denied"
        case _: "error \(errorNumber) of the system"
        }
    }
}

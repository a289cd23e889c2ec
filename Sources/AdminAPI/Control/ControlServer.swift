import Glibc
import Hummingbird
import HummingbirdCore
public import Logging
public import NIOCore
public import ServiceLifecycle
import Synchronization

/// The server on the local socket through which the commands of this program reach a running gateway: HTTP/1.1,
/// `POST /v1/<route>`, answers in lines of JSON (``ControlAnswer``).
///
/// It asks nobody for a password: who may open the socket's file, with mode 0600, may do everything. It runs until the
/// service group shuts down gracefully; a request that is under way then is finished first.
public struct ControlServer: Service {
    /// What clients may use. They are the gateway's owner; the bounds are against mistakes.
    public struct Limits: Sendable {
        /// Connections served at one time, each with one request; more wait in the system's queue.
        public var connectionsMax = 16
        /// Bytes of all headers of a request.
        public var headerBytesMax = 8 * 1024
        /// Number of headers of a request.
        public var headersMax = 32
        /// How long the client may be waited for: for its request, for more of it, or to take more of the answer.
        public var stallTimeout = TimeAmount.seconds(30)

        public init() {}
    }

    private let path: String
    private let routes: [ControlRoute]
    private let limits: Limits
    private let eventLoopGroup: any EventLoopGroup
    private let logger: Logger
    /// Called once when the socket is in its place.
    var onListening: @Sendable () async -> Void = {}

    /// - Parameters:
    ///   - path: Of the socket; its folder exists. A socket that nobody listens on is replaced, nothing else is.
    ///   - routes: What can be asked for; of two with one name the first counts.
    ///   - limits: Bounds on clients.
    ///   - eventLoopGroup: Not the data plane's.
    ///   - logger: For the server's own messages.
    public init(
        path: String, routes: [ControlRoute], limits: Limits = Limits(), eventLoopGroup: any EventLoopGroup,
        logger: Logger
    ) {
        self.path = path
        self.routes = routes
        self.limits = limits
        self.eventLoopGroup = eventLoopGroup
        self.logger = logger
    }

    /// Listens and answers until graceful shutdown, then removes the socket.
    ///
    /// - Throws: ``ControlSocketError``.
    public func run() async throws {
        let file = try ControlSocketFile(path)
        let limits = limits
        // What the HTTP server and its services say at "info" is about themselves.
        var serverLogger = logger
        serverLogger.logLevel = max(logger.logLevel, .warning)
        let http = HTTP1Channel.Configuration(
            additionalChannelHandlers: [ControlStallHandler(timeout: limits.stallTimeout)],
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: limits.headerBytesMax, maxHeaderListSize: limits.headerBytesMax,
                maxHeaderFieldCount: limits.headersMax))
        let outcome = Outcome()
        let application = Application(
            responder: ControlResponder(routes, logger: logger),
            server: .http1(configuration: http),
            configuration: ApplicationConfiguration(
                address: .unixDomainSocket(path: file.bindingPath),
                availableConnectionsDelegate: MaximumAvailableConnections(limits.connectionsMax)),
            onServerRunning: { [path, logger, onListening] channel in
                do throws(ControlSocketError) {
                    let identity = try file.place()
                    outcome.placed.withLock { $0 = .success(identity) }
                    logger.info("listening for commands", metadata: ["socket": "\(path)"])
                    await onListening()
                } catch {
                    outcome.placed.withLock { $0 = .failure(error) }
                    channel.close(promise: nil)
                }
            },
            eventLoopGroupProvider: .shared(eventLoopGroup),
            logger: serverLogger)
        do {
            try await application.run()
        } catch let error as IOError {
            file.discard()
            throw ControlSocketError(
                .cannotListen, "cannot listen on \(path): \(unsafe String(cString: strerror(error.errnoCode)))")
        }
        switch outcome.placed.withLock({ $0 }) {
        case .success(let identity): file.remove(identity)
        case .failure(let error):
            file.discard()
            throw error
        case nil: file.discard()
        }
    }

    /// Carries how it went out of a closure that cannot throw.
    private final class Outcome: Sendable {
        let placed = Mutex<Result<ControlSocketFile.Identity, ControlSocketError>?>(nil)
    }
}

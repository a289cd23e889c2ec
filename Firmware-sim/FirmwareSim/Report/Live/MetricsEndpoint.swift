import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// Answers Prometheus at `/metrics` while a run goes on, on an event loop of its own, so that a scrape does not delay a
/// device. Safe to use from any thread.
final class MetricsEndpoint: Sendable {
    /// This machine only: the figures name the target, and there is no password.
    static let defaultAddress = "127.0.0.1"
    /// Open connections: a Prometheus server or two, and a person.
    static let connectionsMax = 16
    /// Of all headers of a request.
    static let headerBytesMax = 8 * 1_024
    static let headersMax = 64

    /// The one in use, also where the system chose it.
    let port: Int
    private let figures: Figures
    private let group: MultiThreadedEventLoopGroup
    private let server: Task<Void, any Error>

    /// What the next scrape is answered.
    private final class Figures: Sendable {
        private let make: Mutex<@Sendable () -> LiveFigures> = Mutex { LiveFigures() }

        /// - Parameter figures: Called at a scrape only: percentiles are not looked up for nobody.
        func set(_ figures: @escaping @Sendable () -> LiveFigures) { make.withLock { $0 = figures } }
        var current: LiveFigures { make.withLock { $0 }() }
    }

    static func isAddress(_ text: String) -> Bool {
        (try? SocketAddress(ipAddress: text, port: 0)) != nil
    }

    /// Listens; when this returns, scrapes are answered.
    ///
    /// - Parameters:
    ///   - address: An IP address.
    ///   - port: 0: the system chooses one.
    /// - Throws: ``SimulatorError`` `cannot-listen`.
    static func start(address: String = defaultAddress, port: Int) async throws(SimulatorError) -> MetricsEndpoint {
        let figures = Figures()
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let (ports, listening) = AsyncStream<Int>.makeStream()
        let application = Self.application(
            address: address, port: port, group: group, figures: figures, listening: listening)
        let server = Task {
            defer { listening.finish() }
            try await application.run()
        }
        for await port in ports {
            return MetricsEndpoint(port: port, figures: figures, group: group, server: server)
        }
        // The server ended before it listened.
        let outcome = await server.result
        try? await group.shutdownGracefully()
        var reason = "the system does not allow it"
        if case .failure(let error as IOError) = outcome { reason = "\(FailureCode.of(errorNumber: error.errnoCode))" }
        throw .machine("cannot-listen", "cannot listen for Prometheus on \(address) port \(port): \(reason)")
    }

    private init(port: Int, figures: Figures, group: MultiThreadedEventLoopGroup, server: Task<Void, any Error>) {
        self.port = port
        self.figures = figures
        self.group = group
        self.server = server
    }

    private static func application(
        address: String, port: Int, group: MultiThreadedEventLoopGroup, figures: Figures,
        listening: AsyncStream<Int>.Continuation
    ) -> Application<RouterResponder<BasicRequestContext>> {
        let router = Router(context: BasicRequestContext.self, options: .autoGenerateHeadEndpoints)
        router.get("metrics") { _, _ in
            Response(
                status: .ok, headers: [.contentType: MetricsExposition.contentType, .cacheControl: "no-store"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: MetricsExposition.render(figures.current))))
        }
        let http = HTTP1Channel.Configuration(
            idleTimeout: .seconds(60),
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: headerBytesMax, maxHeaderListSize: headerBytesMax, maxHeaderFieldCount: headersMax))
        // What the HTTP server says is about itself, and standard error is the live view's.
        let logger = Logger(label: "firmware-sim.metrics") { _ in SwiftLogNoOpLogHandler() }
        return Application(
            router: router, server: .http1(configuration: http),
            configuration: ApplicationConfiguration(
                address: .hostname(address, port: port),
                availableConnectionsDelegate: MaximumAvailableConnections(connectionsMax)),
            onServerRunning: { channel in
                listening.yield(channel.localAddress?.port ?? port)
            },
            eventLoopGroupProvider: .shared(group), logger: logger)
    }

    func show(_ newest: LiveFigures) {
        figures.set { newest }
    }

    func show(_ progress: LoadRun.Progress) {
        figures.set { LiveFigures(progress) }
    }

    /// Stops listening; returns when everything is given back.
    func stop() async {
        server.cancel()
        _ = await server.result
        try? await group.shutdownGracefully()
    }
}

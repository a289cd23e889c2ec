import AdminAPI
import FleetPolicy
import Foundation
import Gateway
import Logging
import Metrics
import NIOCore
import NIOMbedTLS
import NIOPosix
import ServiceLifecycle
import UnixSignals

/// Puts the program together from a loaded configuration, and runs it.
struct GatewayAssembly {
    let loaded: LoadedConfiguration
    let environment: [String: String]

    private var configuration: FleetGateConfiguration { self.loaded.configuration }

    /// Runs until SIGTERM, SIGINT, or the failure of a part.
    func run() async throws {
        let logger = Logger(label: "fleetgate")
        for warning in self.loaded.warnings { logger.warning("\(warning)") }
        try self.prepareTLS(logger)
        let eventLoops = self.configuration.eventLoops ?? System.coreCount
        let limits = FileDescriptorLimit.fit(self.configuration.limits, logger: logger)

        let registry = PrometheusRegistry()
        for metric in GatewayMetricDescriptions.all { registry.describe(metric.name, help: metric.help) }
        MetricsSystem.bootstrap(registry)

        let (upstream, broker) = self.upstream(limits: limits, logger: logger)
        let gateway = try GatewayService(
            configuration: GatewayConfiguration(
                listenAddress: SocketAddress(
                    ipAddress: self.configuration.listener.address, port: self.configuration.listener.port),
                upstream: upstream, limits: limits, eventLoops: eventLoops),
            snapshot: GatewaySnapshot(self.loaded), logger: logger)

        // The order is that of dependence; shutdown goes the other way: the gateway before its broker, and the log of
        // what happened last of all.
        var services: [ServiceGroupConfiguration.ServiceConfiguration] = [
            .init(
                service: EventLog(events: gateway.events, logger: logger), successTerminationBehavior: .ignore)
        ]
        if let broker { services.append(.init(service: broker)) }
        if let admin = self.admin(registry: registry, gateway: gateway, logger: logger) {
            services.append(.init(service: admin))
        }
        services.append(.init(service: gateway))
        services.append(
            .init(
                service: ReloadService(
                    gateway: gateway, started: self.loaded, environment: self.environment, logger: logger)))
        var group = ServiceGroupConfiguration(
            services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: Self.quiet(logger))
        // The gateway bounds its own shutdown; this is the net below it.
        group.maximumGracefulShutdownDuration = .seconds(
            limits.shutdownDeadline.nanoseconds / 1_000_000_000 + 15)
        try await ServiceGroup(configuration: group).run()
        logger.info("stopped")
    }

    /// The service group's own messages are about itself; only its failures concern an operator.
    private static func quiet(_ logger: Logger) -> Logger {
        var logger = logger
        logger.logLevel = max(logger.logLevel, .error)
        return logger
    }

    private func prepareTLS(_ logger: Logger) throws {
        try MbedTLSLibrary.prepare()
        logger.log(
            .info, "fleetgate \(BuildInformation.version) starts",
            fields: [
                .mbedTLS: "\(MbedTLSLibrary.version)", .fastP256: "\(MbedTLSLibrary.fastP256.rawValue)",
                .profiles: "\(self.loaded.profiles.profileNames.joined(separator: ", "))",
            ])
        if !MbedTLSLibrary.supportsTLS13 {
            logger.log(
                .warning, "no TLS 1.3: mbedTLS 3.6.6 or later is needed, and 2.28 is out of upstream support",
                fields: [.mbedTLS: "\(MbedTLSLibrary.version)"])
        }
        switch MbedTLSLibrary.fastP256 {
        case .active: return
        case .compiledOut, .disabled:
            logger.log(
                .warning, "P-256 is computed by mbedTLS itself, much slower than by libcrypto",
                fields: [.reason: "\(MbedTLSLibrary.fastP256.rawValue)"])
        }
    }

    private func upstream(
        limits: GatewayLimits, logger: Logger
    ) -> (UpstreamConfiguration, EmbeddedBroker?) {
        let settings = self.configuration.upstream
        let password = self.loaded.upstream.password.map { Array($0.utf8) }
        switch settings.broker {
        case .embedded(let program, let data, let address):
            let broker = EmbeddedBroker.Configuration(
                programPath: program, directoryPath: data, packetBytesMax: limits.packetBytesMax)
            return (
                UpstreamConfiguration(address: address), EmbeddedBroker(configuration: broker, logger: logger)
            )
        case .external(let address, _):
            let upstream = UpstreamConfiguration(
                address: address, tls: self.loaded.upstreamTLS, userName: settings.userName, password: password)
            return (upstream, nil)
        }
    }

    private func admin(registry: PrometheusRegistry, gateway: GatewayService, logger: Logger) -> AdminServer? {
        guard let address = self.configuration.admin.address else { return nil }
        let checks = [
            ReadinessCheck(name: "listener") {
                gateway.listeningAddress == nil ? .notReady("not listening yet") : .ready
            },
            ReadinessCheck(name: "broker") {
                await gateway.upstreamFailure().map { .notReady($0) } ?? .ready
            },
        ]
        // One thread of its own: formatting a scrape must not delay a device.
        return AdminServer(
            address: address, metrics: registry, readinessChecks: checks,
            eventLoopGroup: MultiThreadedEventLoopGroup(numberOfThreads: 1), logger: logger)
    }
}

extension GatewaySnapshot {
    /// The part of a loaded configuration that a running gateway can take over.
    init(_ loaded: LoadedConfiguration) {
        self.init(tls: loaded.serverTLS, profiles: loaded.profiles)
    }
}

import AdminAPI
import DeviceRegistry
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

        let devices = try await self.openRegistry(logger)
        let authority = RegistryAuthority(registry: devices.registry, logger: logger)
        let (upstream, broker) = self.upstream(limits: limits, logger: logger)
        let gateway = try GatewayService(
            configuration: GatewayConfiguration(
                listenAddress: SocketAddress(
                    ipAddress: self.configuration.listener.address, port: self.configuration.listener.port),
                upstream: upstream, upstreams: self.namedUpstreams, limits: limits, eventLoops: eventLoops,
                listenerName: self.configuration.listener.name, authority: authority),
            snapshot: GatewaySnapshot(
                tls: self.loaded.serverTLS,
                policy: PolicySnapshot(profiles: self.loaded.profiles, directory: await devices.registry.directory)),
            logger: logger)
        let publisher = SnapshotPublisher(gateway: gateway, registry: devices.registry, started: self.loaded)
        let reloader = Reloader(
            publisher: publisher, started: self.loaded, environment: self.environment, logger: logger)
        let control = ControlAssembly(
            gateway: gateway, registry: devices, publisher: publisher, reloader: reloader,
            listenerName: self.configuration.listener.name)

        // The order is that of dependence; shutdown goes the other way: the gateway before its broker, then the log of
        // what happened, and the registry last of all.
        var services: [ServiceGroupConfiguration.ServiceConfiguration] = [
            .init(
                service: RegistryService(registry: devices.registry, publisher: publisher, logger: logger),
                successTerminationBehavior: .ignore),
            .init(
                service: EventLog(
                    events: gateway.events, registry: devices.registry, authority: authority, logger: logger),
                successTerminationBehavior: .ignore),
        ]
        if let broker { services.append(.init(service: broker)) }
        services.append(
            .init(
                service: ControlServer(
                    path: self.configuration.admin.socket, routes: control.routes,
                    eventLoopGroup: MultiThreadedEventLoopGroup(numberOfThreads: 1), logger: logger)))
        if let admin = self.admin(registry: registry, gateway: gateway, logger: logger) {
            services.append(.init(service: admin))
        }
        services.append(.init(service: gateway))
        services.append(.init(service: ReloadService(reloader: reloader)))
        var group = ServiceGroupConfiguration(
            services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: Self.quiet(logger))
        // The gateway bounds its own shutdown; this is the net below it.
        group.maximumGracefulShutdownDuration = .seconds(
            limits.shutdownDeadline.nanoseconds / 1_000_000_000 + 15)
        try await ServiceGroup(configuration: group).run()
        logger.info("stopped")
    }

    private func openRegistry(_ logger: Logger) async throws -> StoredRegistry {
        let path = self.configuration.registry.value
        do throws(RegistryError) {
            let store = try SQLiteDeviceStore(path: path)
            let registry = try await DeviceRegistry.open(store, logger: logger)
            let count = await registry.directory.count
            logger.log(.info, "the registry is open", fields: [.file: "\(path)", .count: "\(count)"])
            return StoredRegistry(registry: registry, store: store, logger: logger)
        } catch {
            throw CommandFailure("the registry \(path): \(error.message)")
        }
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
                .profiles: "\(ProfileNames.text(self.loaded.profiles.profileNames))",
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
        switch settings.broker {
        case .embedded(let program, let data, let address):
            let broker = EmbeddedBroker.Configuration(
                programPath: program, directoryPath: data, packetBytesMax: limits.packetBytesMax)
            return (
                UpstreamConfiguration(address: address), EmbeddedBroker(configuration: broker, logger: logger)
            )
        case .external(let address, _):
            return (UpstreamConfiguration(address, settings, self.loaded.upstream), nil)
        }
    }

    /// The brokers that profiles name.
    private var namedUpstreams: [String: UpstreamConfiguration] {
        var upstreams: [String: UpstreamConfiguration] = [:]
        for (name, settings) in self.configuration.upstreams {
            guard case .external(let address, _) = settings.broker, let loaded = self.loaded.upstreams[name] else {
                continue
            }
            upstreams[name] = UpstreamConfiguration(address, settings, loaded)
        }
        return upstreams
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
            ReadinessCheck(name: "brokers of profiles") {
                let failures = await gateway.upstreamFailures().sorted { $0.key < $1.key }
                guard !failures.isEmpty else { return .ready }
                return .notReady(failures.map { "\($0.key): \($0.value)" }.joined(separator: "; "))
            },
        ]
        // One thread of its own: formatting a scrape must not delay a device.
        return AdminServer(
            address: address, metrics: registry, readinessChecks: checks,
            eventLoopGroup: MultiThreadedEventLoopGroup(numberOfThreads: 1), logger: logger)
    }
}

extension UpstreamConfiguration {
    /// A broker of the operator's own.
    init(_ address: UpstreamAddress, _ settings: UpstreamSettings, _ loaded: LoadedUpstream) {
        self.init(
            address: address, tls: loaded.tls, userName: settings.userName,
            password: loaded.material.password.map { Array($0.utf8) })
    }
}

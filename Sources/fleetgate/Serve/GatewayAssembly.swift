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
        for metric in Self.metricDescriptions { registry.describe(metric.name, help: metric.help) }
        MetricsSystem.bootstrap(registry)

        let devices = try await self.openRegistry(logger)
        let gate = AdmissionGate()
        let audit = try self.openAudit(gate, logger)
        let trust = try await TrustAssembly.start(self.loaded, logger: logger)
        let parts = await trust.parts(self.loaded)
        let authority = RegistryAuthority(registry: devices.registry, logger: logger)
        let (upstream, broker) = self.upstream(limits: limits, logger: logger)
        let gateway = try GatewayService(
            configuration: GatewayConfiguration(
                listeners: try self.configuration.listeners.map {
                    ListenerConfiguration(
                        name: $0.name, address: try SocketAddress(ipAddress: $0.address, port: $0.port))
                },
                upstream: upstream, upstreams: self.namedUpstreams, limits: limits, eventLoops: eventLoops,
                authority: OCSPAuthority(client: trust.ocsp, next: authority, logger: logger), gate: gate,
                closesGateOnLostEvents: self.configuration.audit?.whenFull == .refuse),
            snapshot: GatewaySnapshot(
                tls: self.loaded.serverTLS,
                policy: PolicySnapshot(
                    profiles: self.loaded.profiles, directory: await devices.registry.directory,
                    trust: parts.snapshot)),
            logger: logger)
        let publisher = SnapshotPublisher(
            gateway: gateway, registry: devices.registry, started: self.loaded, trust: parts)
        await trust.connect(to: publisher, audit: audit)
        let observation = try ObservationAssembly(self.loaded, publisher: publisher, logger: logger)
        await observation?.begin()
        let tickets = await self.ticketKeys(gateway, audit, logger)
        let reloader = Reloader(
            publisher: publisher, trust: trust, observation: observation, audit: audit, started: self.loaded,
            environment: self.environment, logger: logger)
        let control = ControlAssembly(
            gateway: gateway, registry: devices, publisher: publisher, reloader: reloader, trust: trust,
            observation: observation, audit: audit, listenerName: self.configuration.listener.name)

        // The order is that of dependence; shutdown goes the other way: the gateway before its broker, then the log of
        // what happened, then those who keep it, and the registry last of all.
        var services: [ServiceGroupConfiguration.ServiceConfiguration] = [
            .init(
                service: RegistryService(registry: devices.registry, publisher: publisher, logger: logger),
                successTerminationBehavior: .ignore)
        ]
        func add(_ service: (any Service)?) {
            if let service { services.append(.init(service: service, successTerminationBehavior: .ignore)) }
        }
        add(audit)
        add(observation?.service(gateway))
        add(
            EventLog(
                events: gateway.events, lostCount: { gateway.eventsLost }, registry: devices.registry,
                authority: authority, trust: trust, publisher: publisher, audit: audit, observer: observation?.observer,
                logger: logger))
        if let broker { services.append(.init(service: broker)) }
        add(RevocationService(store: trust.store))
        add(trust.responderService(gateway, publisher))
        add(tickets)
        services.append(
            .init(
                service: ControlServer(
                    path: self.configuration.admin.socket, routes: control.routes,
                    eventLoopGroup: MultiThreadedEventLoopGroup(numberOfThreads: 1), logger: logger)))
        if let admin = self.admin(registry: registry, gateway: gateway, gate: gate, logger: logger) {
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

    private static var metricDescriptions: [(name: String, help: String)] {
        GatewayMetricDescriptions.all + RevocationMetricDescriptions.all + OCSPMetricDescriptions.all
            + AuditMetricDescriptions.all + ObservationMetricDescriptions.all + TicketMetricDescriptions.all
    }

    private func openAudit(_ gate: AdmissionGate, _ logger: Logger) throws -> AuditLog? {
        guard let settings = self.configuration.audit else { return nil }
        do throws(AuditError) {
            return try AuditLog(settings: settings, gate: gate, logger: logger)
        } catch {
            throw CommandFailure("the audit log \(settings.folder): \(error.description)")
        }
    }

    /// Puts the ticket keys in force before the first device comes.
    private func ticketKeys(_ gateway: GatewayService, _ audit: AuditLog?, _ logger: Logger) async
        -> TicketKeyService?
    {
        guard let keeper = TicketKeyKeeper(self.configuration.tickets) else { return nil }
        let path = keeper.settings.file?.value ?? ""
        let service = TicketKeyService(keeper: keeper, logger: logger) { keys in
            try await gateway.adopt(ticketKeys: keys)
            audit?.append(
                AuditEntry.administration(
                    actor: "gateway", action: "ticket-keys-change", target: path, after: "\(keys.count) keys"))
        }
        await service.look()
        return service
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

    private func admin(registry: PrometheusRegistry, gateway: GatewayService, gate: AdmissionGate, logger: Logger)
        -> AdminServer?
    {
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
            ReadinessCheck(name: "audit log") {
                gate.isClosed ? .notReady("it cannot be written, and devices are refused meanwhile") : .ready
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

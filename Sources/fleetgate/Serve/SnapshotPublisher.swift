import DeviceRegistry
import FleetPolicy
import Gateway
import NIOMbedTLS

/// Hands the gateway its snapshots, one after the other: profiles and certificates come from a reload, directories from
/// the registry, and neither may bring back an older state of the other.
actor SnapshotPublisher {
    private let gateway: GatewayService
    private let registry: DeviceRegistry
    private(set) var tls: TLSConfiguration
    private(set) var profiles: ProfileSet
    /// The hand-over before; the next one waits for it.
    private var last: Task<Void, any Error>?

    init(gateway: GatewayService, registry: DeviceRegistry, started: LoadedConfiguration) {
        self.gateway = gateway
        self.registry = registry
        self.tls = started.serverTLS
        self.profiles = started.profiles
    }

    /// What decides now.
    var policy: PolicySnapshot {
        get async { PolicySnapshot(profiles: self.profiles, directory: await self.registry.directory) }
    }

    /// Takes over what was loaded.
    ///
    /// - Throws: `TLSConfigurationError`; then everything is as it was.
    func adopt(_ loaded: LoadedConfiguration) async throws {
        try await self.inTurn {
            let policy = PolicySnapshot(profiles: loaded.profiles, directory: await self.registry.directory)
            try await self.gateway.reload(GatewaySnapshot(tls: loaded.serverTLS, policy: policy))
            await self.remember(loaded)
        }
    }

    /// Takes over a change of the registry.
    func adopt(_ update: DirectoryUpdate) async {
        // It cannot fail: what is thrown is the hand-over's own.
        try? await self.inTurn {
            // Not the update's own directory: a reload may have handed down a newer one meanwhile.
            await self.gateway.update(directory: await self.registry.directory, changed: update.changed)
        }
    }

    /// Has the gateway judge the sessions of one device by the registry as it is now, and returns when it has.
    func judge(_ device: DeviceKey) async {
        try? await self.inTurn {
            await self.gateway.update(directory: await self.registry.directory, changed: [device])
        }
    }

    private func remember(_ loaded: LoadedConfiguration) {
        self.tls = loaded.serverTLS
        self.profiles = loaded.profiles
    }

    private func inTurn(_ handOver: @escaping @Sendable () async throws -> Void) async throws {
        let before = self.last
        let own = Task {
            _ = await before?.result
            try await handOver()
        }
        self.last = own
        try await own.value
    }
}

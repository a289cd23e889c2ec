import DeviceRegistry
import FleetPolicy
import Gateway
import NIOMbedTLS

/// Hands the gateway its snapshots, one after the other: profiles, certificates and rules come from a reload, directories
/// from the registry, trust from lists, responders and observations, and none may bring back an older state of another.
///
/// What comes is written down at once and handed over in turn; each turn hands over what is written down then. So a turn
/// never knows less than the one before.
actor SnapshotPublisher {
    private let gateway: GatewayService
    private let registry: DeviceRegistry
    private(set) var tls: [String: TLSConfiguration]
    private(set) var profiles: ProfileSet
    private var parts: TrustParts
    private var names: [[UInt8]: String]
    /// Reloads that have yet to hand over what is known.
    private var reloads = 0
    /// The hand-over before; the next one waits for it.
    private var last: Task<Void, any Error>?

    /// - Parameter trust: What the gateway was started with.
    init(gateway: GatewayService, registry: DeviceRegistry, started: LoadedConfiguration, trust: TrustParts) {
        self.gateway = gateway
        self.registry = registry
        self.tls = started.serverTLS
        self.profiles = started.profiles
        self.parts = trust
        self.names = started.trust.bundleNames
    }

    /// What decides now.
    var policy: PolicySnapshot {
        get async {
            PolicySnapshot(
                profiles: self.profiles, directory: await self.registry.directory, trust: self.parts.snapshot)
        }
    }

    /// What is known against certificates now.
    var trust: TrustSnapshot { self.parts.snapshot }

    /// The names of the bundles of trust anchors, by the fingerprint of the anchor's certificate.
    var anchorNames: [[UInt8]: String] { self.names }

    /// Takes over what was loaded.
    ///
    /// - Parameters:
    ///   - prepare: Runs first. What it changes of what is known against certificates is handed over together with what
    ///     was loaded: new rules without their lists would end sessions, and so would lists without their rules.
    ///   - undo: Takes back what `prepare` has done, when what was loaded is refused; nothing is handed over before.
    /// - Throws: `TLSConfigurationError`; then profiles, certificates and rules are as they were.
    func adopt(
        _ loaded: LoadedConfiguration, preparing prepare: @Sendable () async -> Void = {},
        undoing undo: @Sendable () async -> Void = {}
    ) async throws {
        self.reloads += 1
        await prepare()
        do {
            try await self.inTurn {
                let trust = await self.trustForReload(loaded.trust.rules)
                let policy = PolicySnapshot(
                    profiles: loaded.profiles, directory: await self.registry.directory, trust: trust)
                do {
                    try await self.gateway.reload(GatewaySnapshot(tls: loaded.serverTLS, policy: policy))
                } catch {
                    await self.holdAgain()
                    throw error
                }
                await self.remember(loaded)
            }
        } catch {
            await undo()
            self.reloads -= 1
            // What came meanwhile was left to the reload.
            _ = await self.adopt([.everything]) { _ in }
            throw error
        }
    }

    /// What a reload hands over. From here on changes are handed over by themselves again.
    private func trustForReload(_ rules: [[UInt8]: TrustAnchorRules]) -> TrustSnapshot {
        self.reloads -= 1
        return self.parts.snapshot(with: rules)
    }

    /// A reload was refused: the lists that are known are those of what was refused.
    private func holdAgain() { self.reloads += 1 }

    /// Takes over a change of the registry.
    func adopt(_ update: DirectoryUpdate) async {
        // It cannot fail: what is thrown is the hand-over's own.
        try? await self.inTurn {
            // Not the update's own directory: a reload may have handed down a newer one meanwhile.
            await self.gateway.update(directory: await self.registry.directory, changed: update.changed)
        }
    }

    /// Takes over a change of what is known against certificates.
    ///
    /// - Parameters:
    ///   - changes: Whom it concerns.
    ///   - edit: Makes the change; runs at once.
    /// - Returns: how many sessions have ended by it; 0 when a reload is about to hand it over.
    @discardableResult
    func adopt(_ changes: [TrustChange], _ edit: @Sendable (inout TrustParts) -> Void) async -> Int {
        edit(&self.parts)
        guard self.reloads == 0 else { return 0 }
        let ended = EndedSessions()
        // It cannot fail: what is thrown is the hand-over's own.
        try? await self.inTurn {
            // A reload that was refused meanwhile hands it over when it has taken back what it had prepared.
            guard await self.reloads == 0 else { return }
            for change in changes {
                await ended.add(await self.gateway.update(trust: await self.trust, affecting: change))
            }
        }
        return await ended.count
    }

    /// Has the gateway judge the sessions of these devices, and all that come, by the registry as it is now; returns when it
    /// does.
    func judge(_ devices: [DeviceKey]) async {
        try? await self.inTurn {
            await self.gateway.update(directory: await self.registry.directory, changed: devices)
        }
    }

    private func remember(_ loaded: LoadedConfiguration) {
        self.tls = loaded.serverTLS
        self.profiles = loaded.profiles
        self.parts.anchors = loaded.trust.rules
        self.names = loaded.trust.bundleNames
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

/// A figure that a hand-over brings back.
private actor EndedSessions {
    private(set) var count = 0

    func add(_ count: Int) { self.count += count }
}

import AdminAPI
import DeviceRegistry
import FleetPolicy
import Gateway
import Logging
import NIOMbedTLS

/// Inventory, journal and the watch for clones, put together from a configuration.
struct ObservationAssembly: Sendable {
    let observer: Observer
    let suspicions: Suspicions
    private let settings: ObservationSettings
    private let logger: Logger

    /// - Returns: nil when nothing is to be observed.
    /// - Throws: ``CommandFailure`` when the file cannot be used.
    init?(_ loaded: LoadedConfiguration, publisher: SnapshotPublisher, logger: Logger) throws {
        guard let settings = loaded.configuration.observations else { return nil }
        self.settings = settings
        self.logger = logger
        do throws(RegistryError) {
            let store = try ObservationStore(path: settings.file, limits: settings.limits)
            self.observer = Observer(store: store, clones: settings.clones)
        } catch {
            throw CommandFailure("the observations \(settings.file): \(error.message)")
        }
        self.suspicions = Suspicions(observer: self.observer, logger: logger) { suspected in
            let before = await publisher.trust.suspectedClones
            await publisher.adopt([.fingerprints(before.symmetricDifference(suspected))]) {
                $0.suspectedClones = suspected
            }
        }
        self.adopt(loaded)
    }

    /// Takes over what hints and inventory know of a configuration.
    func adopt(_ loaded: LoadedConfiguration) {
        let bundles = loaded.trust
        let contexts = loaded.serverTLS.map { listener, tls in
            let names = bundles.bundles(at: listener)
            let authorities =
                bundles.anchors.map { HintContext.Authority(bundle: $0.bundle, certificate: $0.certificate) }
                + bundles.intermediates.map { HintContext.Authority(bundle: $0.bundle, certificate: $0.certificate) }
            return (
                listener, HintContext(authorities: authorities.filter { names.contains($0.bundle) }, tls: tls)
            )
        }
        self.observer.adopt(
            contexts: Dictionary(contexts) { first, _ in first }, bundles: loaded.trust.bundleNames)
    }

    /// Takes up what is suspected since an earlier run, so that the first device is judged by it already.
    func begin() async {
        do {
            try await self.suspicions.load()
        } catch {
            self.logger.log(.error, "suspicions cannot be read", fields: [.reason: "\(error)"])
        }
    }

    func service(_ gateway: GatewayService) -> ObservationService {
        ObservationService(
            observer: self.observer, suspicions: self.suspicions, cloneQuietSeconds: self.settings.cloneQuietSeconds,
            liveConnections: { fingerprint in
                Set(await gateway.sessions(.fingerprint(fingerprint)).map(\.connectionID))
            },
            logger: self.logger)
    }

    /// - Parameter audit: Nil: no audit log is kept.
    func routes(_ audit: AuditLog?) -> [ControlRoute] {
        ControlRoutes.observations(self.observer.store, self.suspicions) { actor, fingerprint in
            audit?.append(
                AuditEntry.administration(actor: actor, action: "clone-clear", target: "sha256 \(fingerprint)"))
        }
    }
}

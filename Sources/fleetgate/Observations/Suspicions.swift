import DeviceRegistry
import FleetPolicy
import Logging

/// The certificates that are suspected now: as the store keeps them, and as decisions know them.
actor Suspicions {
    /// Hands the fingerprints to whoever decides: for `TrustSnapshot.suspectedClones`.
    typealias Publish = @Sendable (Set<[UInt8]>) async -> Void

    private let observer: Observer
    private let publish: Publish
    private let logger: Logger
    private let metrics = CloneMetrics()
    private var suspected: Set<[UInt8]> = []

    init(observer: Observer, logger: Logger, publish: @escaping Publish) {
        self.observer = observer
        self.logger = logger
        self.publish = publish
    }

    /// Takes up what is suspected since an earlier run.
    ///
    /// - Throws: `RegistryError`.
    func load() async throws {
        let kept = try await observer.store.suspicions()
        suspected = Set(kept.compactMap { HexadecimalText.bytes($0.fingerprint) })
        metrics.suspected(suspected.count)
        if !suspected.isEmpty { await publish(suspected) }
    }

    /// Keeps a sign, and tells those who decide when the certificate is a new one.
    func add(_ sign: CloneSign) async {
        metrics.sign(sign.kind)
        logger.log(
            .warning, "a certificate seems to be in use in two places",
            fields: [
                .fingerprint: "\(HexadecimalText.text(sign.fingerprint))", .reason: "\(sign.kind.rawValue)",
                .detail: "\(sign.networks.map(\.description).joined(separator: ", "))",
            ])
        do {
            guard try await observer.store.suspect(sign) else {
                logger.log(
                    .error, "a suspicion is not kept: there are too many",
                    fields: [.count: "\(CloneSuspicion.countMax)"])
                return
            }
        } catch {
            // Decisions know it until the next start.
            logger.log(.error, "a suspicion cannot be written", fields: [.reason: "\(error.message)"])
        }
        guard suspected.count < CloneSuspicion.countMax, suspected.insert(sign.fingerprint).inserted else { return }
        metrics.suspected(suspected.count)
        await publish(suspected)
    }

    /// Ends a suspicion by the operator's word.
    ///
    /// - Returns: Whether there was one.
    /// - Throws: `RegistryError`.
    func clear(_ fingerprint: [UInt8]) async throws -> Bool {
        let wasKept = try await observer.store.clearSuspicion(of: HexadecimalText.text(fingerprint))
        observer.clear(fingerprint)
        guard suspected.remove(fingerprint) != nil else { return wasKept }
        metrics.suspected(suspected.count)
        await publish(suspected)
        return true
    }

    /// Ends suspicions without a sign since a time, in seconds since 1970-01-01T00:00:00Z.
    ///
    /// - Throws: `RegistryError`.
    func expire(before time: Int64) async throws {
        let ended = try await observer.store.clearSuspicions(before: time)
        guard !ended.isEmpty else { return }
        for fingerprint in ended {
            logger.log(.notice, "a suspicion has ended by itself", fields: [.fingerprint: "\(fingerprint)"])
            if let bytes = HexadecimalText.bytes(fingerprint) { suspected.remove(bytes) }
        }
        metrics.suspected(suspected.count)
        await publish(suspected)
    }
}

import DeviceRegistry
import Foundation
import Logging
import ServiceLifecycle

/// Writes what was observed, keeps it within its bounds, and watches over suspicions.
///
/// It outlives the event log, whose last events are still written.
struct ObservationService: Service {
    /// The connections that are open with a certificate, as the gateway knows it.
    typealias LiveConnections = @Sendable (_ fingerprint: [UInt8]) async -> Set<UInt64>

    /// Seconds between two writes: what a loss of power costs.
    static let flushSeconds: Int64 = 1
    /// Seconds between two looks at what is too old, and at sessions that last.
    static let sweepSeconds: Int64 = 60
    /// Seconds between two counts of what expires: it changes by the day.
    static let expirySeconds: Int64 = 300

    let observer: Observer
    let suspicions: Suspicions
    /// Seconds without a sign after which a suspicion ends; nil: never.
    let cloneQuietSeconds: Int64?
    /// Asked before two lasting sessions are held against a certificate, since an event that a session ended may have
    /// been lost.
    let liveConnections: LiveConnections
    let logger: Logger

    func run() async throws {
        let work = Task { await self.work() }
        try? await gracefulShutdown()
        work.cancel()
        let failing = await work.value
        await flush(wasFailing: failing, isPaced: false)
        do {
            try observer.store.close()
        } catch {
            logger.log(.error, "the file of observations could not be closed", fields: [.reason: "\(error.message)"])
        }
        let dropped = observer.store.counts.dropped
        if dropped > 0 {
            logger.log(.warning, "some observations were not written", fields: [.count: "\(dropped)"])
        }
    }

    /// - Returns: Whether the last write failed.
    private func work() async -> Bool {
        let metrics = ObservationMetrics()
        var seconds: Int64 = 0
        var isFailing = false
        while !Task.isCancelled {
            isFailing = await flush(wasFailing: isFailing, isPaced: true)
            for sign in observer.takeSigns() { await suspicions.add(sign) }
            metrics.update(observer.store.counts)
            if seconds % Self.sweepSeconds == 0 { await sweep() }
            if seconds % Self.expirySeconds == 0 { await count(metrics) }
            seconds += Self.flushSeconds
            try? await Task.sleep(for: .seconds(Self.flushSeconds))
        }
        return isFailing
    }

    /// One message when it begins to fail, one when it works again.
    @discardableResult
    private func flush(wasFailing: Bool, isPaced: Bool) async -> Bool {
        do throws(RegistryError) {
            try await observer.store.flush(at: Self.now, isPaced: isPaced)
            if wasFailing { logger.log(.notice, "observations are written again", fields: [:]) }
            return false
        } catch {
            if !wasFailing {
                logger.log(
                    .error, "observations cannot be written, and are lost", fields: [.reason: "\(error.message)"])
            }
            return true
        }
    }

    private func sweep() async {
        let now = Self.now
        for sign in observer.lastingSigns(at: now) {
            let live = await liveConnections(sign.fingerprint)
            let gone = sign.connections.filter { !live.contains($0) }
            if gone.isEmpty {
                await suspicions.add(sign)
            } else {
                observer.forget(gone, of: sign.fingerprint, at: now)
            }
        }
        do {
            if let cloneQuietSeconds { try await suspicions.expire(before: now - cloneQuietSeconds) }
            let removed = try await observer.store.prune(at: now)
            if removed > 0 {
                logger.log(.debug, "old observations are removed", fields: [.count: "\(removed)"])
            }
        } catch {
            logger.log(.error, "old observations cannot be removed", fields: [.reason: "\(error)"])
        }
    }

    private func count(_ metrics: ObservationMetrics) async {
        do {
            metrics.update(
                try await observer.store.expiryCounts(days: ObservationSettings.expiryBucketsDays, at: Self.now))
        } catch {
            logger.log(.error, "what expires cannot be counted", fields: [.reason: "\(error)"])
        }
    }

    private static var now: Int64 { Int64(Date().timeIntervalSince1970) }
}

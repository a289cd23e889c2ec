import DeviceRegistry
import Metrics

/// Every metric of observations with its help text, for the exposition.
enum ObservationMetricDescriptions {
    static let all: [(name: String, help: String)] = [
        (
            "fleetgate_certificates_expiring",
            "Certificates of the inventory by when they expire; each counts once, in the first that fits."
        ),
        ("fleetgate_journal_failures_total", "Failed connections, by what became of them in the journal."),
        ("fleetgate_observations_dropped_total", "Observations lost: too many waited, or the file cannot be written."),
        ("fleetgate_clone_signs_total", "Signs that a certificate is in use in two places, by kind."),
        ("fleetgate_suspected_clones", "Certificates that are suspected to be in use in two places now."),
    ]
}

/// What became of observations. Used by the service's task only.
final class ObservationMetrics {
    private let written = Counter(label: "fleetgate_journal_failures_total", dimensions: [("outcome", "row")])
    private let repeated = Counter(label: "fleetgate_journal_failures_total", dimensions: [("outcome", "repeated")])
    private let suppressed = Counter(
        label: "fleetgate_journal_failures_total", dimensions: [("outcome", "suppressed")])
    private let dropped = Counter(label: "fleetgate_observations_dropped_total")
    private let expired = Meter(label: "fleetgate_certificates_expiring", dimensions: [("within", "expired")])
    private let within = ObservationSettings.expiryBucketsDays.map {
        Meter(label: "fleetgate_certificates_expiring", dimensions: [("within", "\($0)d")])
    }
    private let later = Meter(label: "fleetgate_certificates_expiring", dimensions: [("within", "later")])
    private var last = ObservationCounts()

    /// Adds what has come since the last call.
    func update(_ counts: ObservationCounts) {
        written.increment(by: counts.journalRows - last.journalRows)
        repeated.increment(by: counts.journalRepeated - last.journalRepeated)
        suppressed.increment(by: counts.journalSuppressed - last.journalSuppressed)
        dropped.increment(by: counts.dropped - last.dropped)
        last = counts
    }

    func update(_ counts: ExpiryCounts) {
        expired.set(counts.expired)
        for (meter, count) in zip(within, counts.within) { meter.set(count) }
        later.set(counts.later)
    }
}

/// Of the watch for clones.
struct CloneMetrics: Sendable {
    private let meter = Meter(label: "fleetgate_suspected_clones")
    private let alternating = Self.signs(.alternating)
    private let simultaneous = Self.signs(.simultaneous)

    func suspected(_ count: Int) { meter.set(count) }

    func sign(_ kind: CloneSign.Kind) {
        switch kind {
        case .alternating: alternating.increment()
        case .simultaneous: simultaneous.increment()
        }
    }

    private static func signs(_ kind: CloneSign.Kind) -> Counter {
        Counter(label: "fleetgate_clone_signs_total", dimensions: [("kind", kind.rawValue)])
    }
}

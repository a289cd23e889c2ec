/// What is known of a run while it goes on: what the terminal shows and what Prometheus is answered. Counts are since
/// the first intended start, of all loops together.
struct LiveFigures: Sendable, Equatable {
    /// Since the first intended start, in seconds.
    var elapsedSeconds = 0.0
    /// How long the run is to last, in seconds; nil: until every device was tried.
    var plannedSeconds: Double?
    /// The stage's name; nil where there is only one.
    var stage: String?
    var devices = 0
    var connectedNow = 0
    /// Devices leave as soon as they are accepted: what counts is how many were, not how many are there.
    var countsConnects = false
    var attempts = 0
    /// TLS handshakes finished on the device's side, full and resumed.
    var handshakes = 0
    var resumedHandshakes = 0
    var connects = 0
    var published = 0
    var acknowledged = 0
    var received = 0
    /// All of them, also those without a reason in ``failures``.
    var failureCount = 0
    var failures: [FailureReason: Int] = [:]
    var latency: [LatencyKind: Quantiles] = [:]

    /// Of one kind of latency so far, in microseconds.
    struct Quantiles: Sendable, Equatable {
        var count: UInt64
        var p50: UInt64
        var p90: UInt64
        var p99: UInt64
        var max: UInt64

        init(count: UInt64, p50: UInt64, p90: UInt64, p99: UInt64, max: UInt64) {
            self.count = count
            self.p50 = p50
            self.p90 = p90
            self.p99 = p99
            self.max = max
        }

        init(_ histogram: LatencyHistogram) {
            self.init(
                count: histogram.count, p50: histogram.percentile(50), p90: histogram.percentile(90),
                p99: histogram.percentile(99), max: histogram.maximum)
        }
    }

    /// The most frequent first; those of the same number in the order of their names.
    var failuresByCount: [(reason: FailureReason, count: Int)] {
        failures.sorted { left, right in
            (right.value, left.key.phase.rawValue, left.key.code) < (
                left.value, right.key.phase.rawValue, right.key.code
            )
        }.map { ($0.key, $0.value) }
    }

    /// How far the run is, 0 to 1: by time where its length is known, otherwise by devices.
    var progress: Double {
        if let plannedSeconds, plannedSeconds > 0 { return min(max(elapsedSeconds / plannedSeconds, 0), 1) }
        guard devices > 0 else { return 0 }
        return min(max(Double(countsConnects ? connects : connectedNow) / Double(devices), 0), 1)
    }
}

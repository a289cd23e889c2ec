import Histogram
import NIOCore

/// What one event loop counted. Each loop has its own and no other thread touches it; they are merged when the run is
/// over, so that counting costs no lock.
struct LoopStatistics: Sendable {
    private(set) var counters = RunCounters()
    /// Latencies in microseconds.
    private(set) var latencies: [LatencyKind: LatencyHistogram] = [:]
    private(set) var connacks: [String: Int] = [:]
    private(set) var failures: [FailureReason: Int] = [:]
    /// How much later than intended a device was started, in microseconds.
    private(set) var startDelays = LatencyHistogram()
    /// How late the event loop was, in microseconds.
    private(set) var loopDelays = LatencyHistogram()
    /// When the last handshake and the last CONNACK came.
    private(set) var lastHandshake: NIODeadline?
    private(set) var lastConnack: NIODeadline?

    mutating func record(_ observation: Observation, now: NIODeadline) {
        switch observation {
        case .attempt:
            counters.attempts += 1
        case .attemptAbandoned:
            counters.abandoned += 1
        case .startDelay(let delay):
            startDelays.record(delay)
        case .latency(let kind, let time):
            latencies[kind, default: LatencyHistogram()].record(time)
            switch kind {
            case .tls:
                counters.handshakes += 1
                lastHandshake = now
            case .connected:
                counters.connects += 1
                lastConnack = now
            case .publish:
                counters.acknowledged += 1
            case .tcp, .connack, .send:
                break
            }
        case .connack(let code):
            connacks[code, default: 0] += 1
        case .failure(let reason):
            failures[reason, default: 0] += 1
            counters.failures += 1
        case .published:
            counters.published += 1
        case .publishesLost(let count):
            counters.publishesLost += count
        case .publishSkipped:
            counters.publishesSkipped += 1
        }
    }

    mutating func recordLoopDelay(_ delay: TimeAmount) {
        loopDelays.record(delay)
    }

    /// Adds another loop's counts. The order of merging does not matter.
    mutating func merge(_ other: LoopStatistics) {
        counters.merge(other.counters)
        for (kind, histogram) in other.latencies {
            latencies[kind, default: LatencyHistogram()].merge(histogram)
        }
        connacks.merge(other.connacks, uniquingKeysWith: +)
        failures.merge(other.failures, uniquingKeysWith: +)
        startDelays.merge(other.startDelays)
        loopDelays.merge(other.loopDelays)
        lastHandshake = [lastHandshake, other.lastHandshake].compactMap(\.self).max()
        lastConnack = [lastConnack, other.lastConnack].compactMap(\.self).max()
    }
}

/// The plain counts, small enough to be looked at while the run goes on.
struct RunCounters: Sendable, Equatable {
    var attempts = 0
    /// Attempts under way when the run ended.
    var abandoned = 0
    /// TLS handshakes finished on the client's side.
    var handshakes = 0
    /// Connections the server accepted with CONNACK.
    var connects = 0
    var failures = 0
    var published = 0
    var acknowledged = 0
    var publishesLost = 0
    var publishesSkipped = 0

    mutating func merge(_ other: RunCounters) {
        attempts += other.attempts
        abandoned += other.abandoned
        handshakes += other.handshakes
        connects += other.connects
        failures += other.failures
        published += other.published
        acknowledged += other.acknowledged
        publishesLost += other.publishesLost
        publishesSkipped += other.publishesSkipped
    }
}

/// Times in microseconds with three significant digits, from a microsecond to an hour.
struct LatencyHistogram: Sendable {
    private var histogram = Histogram<UInt64>(
        highestTrackableValue: SimulatorLimits.latencyMicrosecondsMax, numberOfSignificantValueDigits: .three)
    private var exactMaximum: UInt64 = 0

    mutating func record(_ time: TimeAmount) {
        let microseconds = UInt64(max(0, time.nanoseconds) / 1_000)
        exactMaximum = max(exactMaximum, microseconds)
        histogram.record(min(microseconds, SimulatorLimits.latencyMicrosecondsMax))
    }

    mutating func merge(_ other: LatencyHistogram) {
        histogram.add(other.histogram)
        exactMaximum = max(exactMaximum, other.exactMaximum)
    }

    var count: UInt64 { histogram.totalCount }

    /// In microseconds; 0 if nothing was recorded.
    func percentile(_ percentile: Double) -> UInt64 {
        // The histogram answers with the upper end of a bucket, which may lie above everything that was recorded.
        min(histogram.valueAtPercentile(percentile), exactMaximum)
    }

    /// In microseconds; 0 if nothing was recorded.
    var maximum: UInt64 { exactMaximum }
}

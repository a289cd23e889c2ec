import NIOCore

/// What is counted of one fleet in one stage, or of anything that such are added up to.
struct Figures: Sendable {
    private(set) var counters = RunCounters()
    private(set) var latencies = LatencySet(.hundredth)
    private(set) var failures: [FailureReason: Int] = [:]
    /// By outcome: `accepted`, `connack-5`, …
    private(set) var connacks: [String: Int] = [:]
    /// When the last handshake and the last CONNACK came.
    private(set) var lastHandshake: NIODeadline?
    private(set) var lastConnack: NIODeadline?

    mutating func record(_ observation: Observation, now: NIODeadline) {
        counters.record(observation)
        switch observation {
        case .latency(let kind, let time):
            latencies.record(kind, time)
            if kind == .connected { lastConnack = now }
        case .handshake:
            lastHandshake = now
        case .connack(let code):
            connacks[code, default: 0] += 1
        case .failure(let reason):
            failures[reason, default: 0] += 1
        case .attempt, .attemptAbandoned, .startDelay, .received, .commandSent, .commandUnanswered, .published,
            .publishesLost, .publishSkipped:
            break
        }
    }

    /// The order of merging does not matter.
    mutating func merge(_ other: Figures) {
        counters.merge(other.counters)
        latencies.merge(other.latencies)
        failures.merge(other.failures, uniquingKeysWith: +)
        connacks.merge(other.connacks, uniquingKeysWith: +)
        lastHandshake = [lastHandshake, other.lastHandshake].compactMap(\.self).max()
        lastConnack = [lastConnack, other.lastConnack].compactMap(\.self).max()
    }

    var isEmpty: Bool { counters == RunCounters() && failures.isEmpty && connacks.isEmpty }
}

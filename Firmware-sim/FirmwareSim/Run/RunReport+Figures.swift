import NIOCore

extension RunReport.Handshakes {
    init(_ figures: Figures, since start: NIODeadline) {
        let counters = figures.counters
        func rate(_ count: Int, until end: NIODeadline?) -> Double {
            guard let end, end > start else { return 0 }
            return Double(count) * 1e9 / Double((end - start).nanoseconds)
        }
        func share(_ bytes: Int, of count: Int) -> Double { count > 0 ? Double(bytes) / Double(count) : 0 }
        attempts = counters.attempts
        abandoned = counters.abandoned
        completed = counters.handshakes
        resumed = counters.resumedHandshakes
        perSecond = rate(counters.handshakes, until: figures.lastHandshake)
        fullPerSecond = rate(counters.fullHandshakes, until: figures.lastHandshake)
        resumedPerSecond = rate(counters.resumedHandshakes, until: figures.lastHandshake)
        connects = counters.connects
        connectsPerSecond = rate(counters.connects, until: figures.lastConnack)
        bytesPerFull = share(counters.fullHandshakeBytes, of: counters.fullHandshakes)
        bytesPerResumed = share(counters.resumedHandshakeBytes, of: counters.resumedHandshakes)
    }
}

extension RunReport.Failure {
    /// One fleet's, the most frequent first.
    static func all(_ failures: [FailureReason: Int], of fleet: ScenarioFleet) -> [RunReport.Failure] {
        let patterns: [ReasonPattern] =
            switch fleet.expectation {
            case .accepted: []
            case .refused(let reasons): reasons.compactMap { ReasonPattern($0) }
            }
        return sorted(
            failures.map { reason, count in
                RunReport.Failure(
                    phase: reason.phase.rawValue, reason: reason.code, count: count,
                    expected: patterns.contains { $0.matches(reason) } ? count : 0)
            })
    }

    /// All of several lists, the most frequent first.
    static func sum(_ lists: [[RunReport.Failure]]) -> [RunReport.Failure] {
        var sums: [FailureReason: RunReport.Failure] = [:]
        for failure in lists.joined() {
            guard let phase = FailureReason.Phase(rawValue: failure.phase) else { continue }
            let reason = FailureReason(phase, failure.reason)
            if let sum = sums[reason] {
                sums[reason]?.count = sum.count + failure.count
                sums[reason]?.expected = sum.expected + failure.expected
            } else {
                sums[reason] = failure
            }
        }
        return sorted(Array(sums.values))
    }

    private static func sorted(_ failures: [RunReport.Failure]) -> [RunReport.Failure] {
        failures.sorted { ($1.count, $0.phase, $0.reason) < ($0.count, $1.phase, $1.reason) }
    }
}

extension RunReport.Fleet {
    /// - Parameter judges: Whether the plan says what must become of it.
    init(_ fleet: ScenarioFleet, devices histories: [DeviceHistory], figures: Figures, start: NIODeadline, judges: Bool)
    {
        let counters = figures.counters
        name = fleet.name
        deviceClass = fleet.deviceClass.name
        firmware = fleet.firmware.name
        credential = fleet.credential.rawValue
        conduct = fleet.conduct.conduct.rawValue
        devices = histories.count
        connected = histories.count { $0.connects > 0 }
        published = counters.published
        acknowledged = counters.acknowledged
        received = counters.received
        neverConnected = [:]
        for history in histories where history.connects == 0 {
            let reason = history.lastFailure.map { "\($0.phase.rawValue)/\($0.code)" }
            neverConnected[reason ?? (history.attempts == 0 ? "not-attempted" : "not-decided"), default: 0] += 1
        }
        expectation = judges ? RunReport.Expected(fleet.expectation, histories) : nil
        latency = RunReport.latencies(figures.latencies)
        handshakes = RunReport.Handshakes(figures, since: start)
        failures = RunReport.Failure.all(figures.failures, of: fleet)
    }
}

extension RunReport.Expected {
    init(_ expectation: Expectation, _ histories: [DeviceHistory]) {
        switch expectation {
        case .accepted:
            outcome = "accepted"
            reasons = []
        case .refused(let patterns):
            outcome = "refused"
            reasons = patterns
        }
        met = 0
        violated = [:]
        for history in histories {
            if let violation = history.violation(of: expectation) {
                violated[violation, default: 0] += 1
            } else {
                met += 1
            }
        }
    }
}

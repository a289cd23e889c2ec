/// The figures that stand in a report at several places (the run, a stage, a fleet, a fleet in a stage), added up.
enum FiguresMerging {
    static func merged(_ parts: [RunReport.Handshakes]) -> RunReport.Handshakes {
        var sum = RunReport.Handshakes()
        for part in parts {
            sum.attempts &+= part.attempts
            sum.abandoned &+= part.abandoned
            sum.completed &+= part.completed
            sum.resumed &+= part.resumed
            sum.connects &+= part.connects
        }
        // A rate is over the time to the last handshake, which the part's count and rate tell.
        let time = parts.map { seconds($0.completed, $0.perSecond) }.max() ?? 0
        sum.perSecond = rate(sum.completed, time)
        sum.fullPerSecond = rate(sum.full, time)
        sum.resumedPerSecond = rate(sum.resumed, time)
        sum.connectsPerSecond = rate(sum.connects, parts.map { seconds($0.connects, $0.connectsPerSecond) }.max() ?? 0)
        sum.bytesPerFull = weighted(parts.map { ($0.bytesPerFull, $0.full) })
        sum.bytesPerResumed = weighted(parts.map { ($0.bytesPerResumed, $0.resumed) })
        return sum
    }

    private static func seconds(_ count: Int, _ perSecond: Double) -> Double {
        perSecond > 0 ? Double(count) / perSecond : 0
    }

    private static func rate(_ count: Int, _ seconds: Double) -> Double {
        seconds > 0 ? Double(count) / seconds : 0
    }

    private static func weighted(_ values: [(value: Double, weight: Int)]) -> Double {
        let weight = values.reduce(0.0) { $0 + ($1.value > 0 ? Double($1.weight) : 0) }
        return weight > 0 ? values.reduce(0.0) { $0 + $1.value * Double($1.weight) } / weight : 0
    }

    /// The most frequent first.
    static func merged(_ parts: [[RunReport.Failure]]) -> [RunReport.Failure] {
        struct Key: Hashable { var phase: String, reason: String }
        var sums: [Key: RunReport.Failure] = [:]
        for failure in parts.joined() {
            let key = Key(phase: failure.phase, reason: failure.reason)
            var sum = sums[key] ?? RunReport.Failure(phase: failure.phase, reason: failure.reason, count: 0)
            sum.count &+= failure.count
            sum.expected &+= failure.expected
            sums[key] = sum
        }
        return sums.values.sorted { ($1.count, $0.phase, $0.reason) < ($0.count, $1.phase, $1.reason) }
    }

    static func merged(_ parts: [RunReport.FleetFigures]) -> RunReport.FleetFigures {
        RunReport.FleetFigures(
            latency: LatencyMerging.merged(parts.map(\.latency)), handshakes: merged(parts.map(\.handshakes)),
            failures: merged(parts.map(\.failures)))
    }

    static func merged(_ parts: [[String: Int]]) -> [String: Int] {
        parts.reduce(into: [:]) { $0.merge($1, uniquingKeysWith: &+) }
    }

    /// Of the parts of one fleet. The first part says what the fleet is.
    static func merged(_ first: RunReport.Fleet, _ parts: [RunReport.Fleet]) -> RunReport.Fleet {
        var sum = first
        sum.devices = parts.reduce(0) { $0 &+ $1.devices }
        sum.connected = parts.reduce(0) { $0 &+ $1.connected }
        sum.published = parts.reduce(0) { $0 &+ $1.published }
        sum.acknowledged = parts.reduce(0) { $0 &+ $1.acknowledged }
        sum.received = parts.reduce(0) { $0 &+ $1.received }
        sum.neverConnected = merged(parts.map(\.neverConnected))
        sum.latency = LatencyMerging.merged(parts.map(\.latency))
        sum.handshakes = merged(parts.map(\.handshakes))
        sum.failures = merged(parts.map(\.failures))
        let expectations = parts.compactMap(\.expectation)
        sum.expectation?.met = expectations.reduce(0) { $0 &+ $1.met }
        sum.expectation?.violated = merged(expectations.map(\.violated))
        return sum
    }
}

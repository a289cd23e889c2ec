extension Assertion {
    /// Whether it holds. Without data for a latency, a rate or a share it does not: what was not measured is not proved.
    ///
    /// It needs nothing but the report, so that it can be judged again when parts of a run were merged.
    func evaluate(in report: RunReport) -> RunReport.AssertionResult {
        let figures: Figures
        switch Figures.find(in: report, fleet: fleet, stage: stage) {
        case .success(let found): figures = found
        case .failure(let absence): return .init(text: text, passed: false, observed: absence.words)
        }
        switch observe(report, figures) {
        case .failure(let absence):
            return .init(text: text, passed: false, observed: absence.words)
        case .success(let value):
            // A report may come from a file, and a file may hold anything.
            guard value.isFinite else { return .init(text: text, passed: false, observed: "it is not a number") }
            return .init(text: text, passed: comparison.holds(value, bound), observed: metric.render(value))
        }
    }

    private func observe(_ report: RunReport, _ figures: Figures) -> Result<Double, Absence> {
        switch metric {
        case .latency(let kind, let percentile):
            guard let latency = figures.latency[kind.rawValue], latency.count > 0 else {
                return .failure(Absence(words: "no \(kind.words) was measured"))
            }
            return .success(Double(latency.percentile(percentile)))
        case .failures(let text):
            // The text was a pattern when the assertion was read.
            let pattern = text.flatMap { ReasonPattern($0) }
            let fitting = figures.failures.filter {
                pattern?.matches(phase: $0.phase, code: $0.reason) ?? (text == nil)
            }
            return .success(fitting.reduce(0) { $0 + Double($1.count) })
        case .unexpected:
            let expected = report.fleets.filter { fleet == nil || $0.name == fleet }.compactMap(\.expectation)
            guard !expected.isEmpty else { return .failure(Absence(words: "no expectation was checked")) }
            return .success(expected.flatMap(\.violated.values).reduce(0) { $0 + Double($1) })
        case .connected:
            return .success(Double(figures.connected))
        case .connectedShare:
            guard figures.planned > 0 else { return .failure(Absence(words: "no device was planned")) }
            return .success(Double(figures.connected) / Double(figures.planned))
        case .timeToConnected(let share):
            guard let milestone = figures.milestones.first(where: { abs($0.share - share) < 1e-9 }) else {
                return .failure(Absence(words: "it was not measured"))
            }
            guard let seconds = milestone.seconds else {
                return .failure(Absence(words: "\(ScalarReader.short(share * 100))% were never connected"))
            }
            return .success(seconds * 1_000_000)
        case .handshakeRate:
            guard figures.handshakes.completed > 0 else {
                return .failure(Absence(words: "no handshake was finished"))
            }
            return .success(figures.handshakes.perSecond)
        case .resumedShare:
            guard figures.handshakes.completed > 0 else {
                return .failure(Absence(words: "no handshake was finished"))
            }
            return .success(Double(figures.handshakes.resumed) / Double(figures.handshakes.completed))
        case .lostPublishes:
            return .success(Double(report.publishing.lost))
        case .unansweredCommands:
            return .success(Double(report.commands.unanswered))
        }
    }

    private struct Absence: Error {
        var words: String
    }

    /// The part of a report that an assertion is about.
    private struct Figures {
        var latency: [String: RunReport.Latency]
        var handshakes: RunReport.Handshakes
        var failures: [RunReport.Failure]
        var milestones: [RunReport.Milestone] = []
        var connected = 0
        var planned = 0

        static func find(in report: RunReport, fleet: String?, stage: String?) -> Result<Figures, Absence> {
            let ofFleet = report.fleets.first { $0.name == fleet }
            if let fleet, ofFleet == nil { return .failure(Absence(words: "the report has no fleet \(fleet)")) }
            guard let stage else {
                guard let ofFleet else {
                    return .success(
                        Figures(
                            latency: report.latency, handshakes: report.handshakes, failures: report.failures,
                            milestones: report.milestones, connected: report.devices.connected,
                            planned: report.devices.planned))
                }
                return .success(
                    Figures(
                        latency: ofFleet.latency, handshakes: ofFleet.handshakes, failures: ofFleet.failures,
                        connected: ofFleet.connected, planned: ofFleet.devices))
            }
            guard let ofStage = report.stages.first(where: { $0.name == stage }) else {
                return .failure(Absence(words: "the run did not reach stage \(stage)"))
            }
            guard let fleet else {
                return .success(
                    Figures(
                        latency: ofStage.latency, handshakes: ofStage.handshakes, failures: ofStage.failures,
                        milestones: ofStage.milestones))
            }
            let part = ofStage.fleets[fleet]
            return .success(
                Figures(
                    latency: part?.latency ?? [:], handshakes: part?.handshakes ?? .init(),
                    failures: part?.failures ?? []))
        }
    }
}

extension Assertion.Comparison {
    func holds(_ value: Double, _ bound: Double) -> Bool {
        switch self {
        case .less: value < bound
        case .lessOrEqual: value <= bound
        case .equal: value == bound
        case .notEqual: value != bound
        case .greaterOrEqual: value >= bound
        case .greater: value > bound
        }
    }
}

extension Assertion.Metric {
    /// A figure of this kind for people.
    fileprivate func render(_ value: Double) -> String {
        switch self {
        case .latency, .timeToConnected:
            LatencyText.render(microseconds: UInt64(exactly: value.rounded()) ?? .max)
        case .connectedShare, .resumedShare: "\(ScalarReader.short((value * 1_000).rounded() / 10))%"
        case .handshakeRate: LatencyText.render(number: value) + "/s"
        case .failures, .unexpected, .connected, .lostPublishes, .unansweredCommands:
            Int(exactly: value).map(LatencyText.grouped) ?? "\(value)"
        }
    }
}

extension LatencyKind {
    fileprivate var words: String {
        switch self {
        case .tcp: "TCP connect"
        case .tls: "handshake"
        case .connack: "CONNACK"
        case .connected: "connect"
        case .send: "send"
        case .publish: "round trip"
        case .established: "round trip of an established device"
        case .command: "answered command"
        }
    }
}

extension RunReport.Latency {
    /// The report's own figure where it has one; otherwise from the buckets in the same way: the upper end of the
    /// bucket, never above the maximum.
    func percentile(_ percentile: Double) -> UInt64 {
        switch percentile {
        case 50: return p50
        case 90: return p90
        case 99: return p99
        case 99.9: return p999
        case 100...: return max
        default: break
        }
        let total = buckets.reduce(0.0) { $0 + Double($1.count == 2 ? $1[1] : 0) }
        let wanted = Swift.max(1, (percentile * total / 100).rounded(.up))
        var seen = 0.0
        for bucket in buckets where bucket.count == 2 {
            seen += Double(bucket[1])
            if seen >= wanted { return Swift.min(bucket[0], max) }
        }
        return max
    }
}

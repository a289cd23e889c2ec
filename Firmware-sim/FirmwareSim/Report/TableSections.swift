/// The tables within a ``TableReport``, each an empty line and its rows, or nothing.
enum TableSections {
    static func latencies(_ report: RunReport) -> [String] {
        let rows = LatencyKind.allCases.compactMap { kind -> [String]? in
            guard let latency = report.latency[kind.rawValue] else { return nil }
            return [kind.title, LatencyText.grouped(latency.count)]
                + [latency.p50, latency.p90, latency.p99, latency.max].map { LatencyText.render(microseconds: $0) }
        }
        return table(["Latency", "count", "p50", "p90", "p99", "max"], rows)
    }

    static func fleets(_ report: RunReport) -> [String] {
        let rows = report.fleets.map { fleet in
            [fleet.name, fleet.deviceClass]
                + [fleet.devices, fleet.connected, fleet.published, fleet.acknowledged].map(LatencyText.grouped)
                + [p99(fleet.latency, .tls), p99(fleet.latency, .connected)]
        }
        return table(
            ["Fleet", "class", "devices", "connected", "published", "acknowledged", "TLS p99", "connect p99"], rows,
            leftColumns: 2)
    }

    static func expectations(_ report: RunReport) -> [String] {
        let rows = report.fleets.compactMap { fleet -> [String]? in
            guard let expected = fleet.expectation else { return nil }
            let violated = expected.violated.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
                .map { "\($0.key) \(LatencyText.grouped($0.value))" }.joined(separator: ", ")
            let reasons = expected.reasons.isEmpty ? "" : " " + expected.reasons.joined(separator: ", ")
            return [
                fleet.name, expected.outcome + reasons, LatencyText.grouped(expected.met),
                violated.isEmpty ? "all as expected" : "BUT \(violated)",
            ]
        }
        return table(["Fleet", "expected", "so", ""], rows, leftColumns: 2)
    }

    static func stages(_ report: RunReport) -> [String] {
        // A run from the command line is one stage, and that is all there is to say.
        guard report.stages.count > 1 else { return [] }
        let rows = report.stages.map { stage in
            [
                stage.isWarmUp ? "\(stage.name) (warm-up)" : stage.name,
                LatencyText.render(seconds: max(0, stage.endSeconds - stage.startSeconds)),
                LatencyText.grouped(stage.handshakes.completed), LatencyText.render(number: stage.handshakes.perSecond),
                p99(stage.latency, .tls), p99(stage.latency, .connected), p99(stage.latency, .established),
                LatencyText.grouped(stage.failures.map(\.count).reduce(0, &+)),
            ]
        }
        return table(
            ["Stage", "length", "handshakes", "per s", "TLS p99", "connect p99", "established p99", "failures"], rows)
    }

    static func failures(_ report: RunReport) -> [String] {
        guard !report.failures.isEmpty else { return ["", "Failures     none"] }
        let hasExpected = report.failures.contains { $0.expected > 0 }
        let rows = report.failures.map { failure in
            let phase = FailureReason.Phase(rawValue: failure.phase)
            let explanation = phase.flatMap { FailureReason($0, failure.reason).explanation } ?? ""
            return [failure.phase, failure.reason, LatencyText.grouped(failure.count)]
                + (hasExpected ? [LatencyText.grouped(failure.expected)] : []) + [explanation]
        }
        return table(
            ["Failed in", "reason", "count"] + (hasExpected ? ["expected"] : []) + [""], rows, leftColumns: 2)
    }

    static func assertions(_ report: RunReport) -> [String] {
        table(
            ["Assertion", "observed", ""],
            report.assertions.map { [$0.text, $0.observed, $0.passed ? "holds" : "DOES NOT HOLD"] }, leftColumns: 2)
    }

    private static func table(_ header: [String], _ rows: [[String]], leftColumns: Int = 1) -> [String] {
        rows.isEmpty ? [] : [""] + TextTable.render(header: header, rows: rows, leftColumns: leftColumns)
    }

    private static func p99(_ latency: [String: RunReport.Latency], _ kind: LatencyKind) -> String {
        latency[kind.rawValue].map { LatencyText.render(microseconds: $0.p99) } ?? ""
    }
}

/// A ``RunReport`` as text for people, at most 100 columns wide.
enum TableReport {
    static func render(_ report: RunReport) -> String {
        var lines: [String] = []
        lines += header(report)
        lines += latencies(report)
        lines += fleets(report)
        lines += failures(report)
        lines += servers(report)
        lines += generator(report)
        lines += verdict(report)
        return lines.joined(separator: "\n") + "\n"
    }

    private static func header(_ report: RunReport) -> [String] {
        let parameters = report.parameters
        let pace =
            parameters.ratePerSecond.map { "\(LatencyText.render(number: $0)) connects/s" }
            ?? "\(parameters.concurrency ?? 0) in flight"
        let outcomes =
            report.connack.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            .map { "\($0.key) \(LatencyText.grouped($0.value))" }.joined(separator: ", ")
        var lines = [
            "",
            "Target       \(parameters.target), TLS \(parameters.tls), MQTT \(parameters.mqtt), \(parameters.mode), "
                + "\(pace), seed \(parameters.seed)",
            "Devices      \(LatencyText.grouped(report.devices.planned)) planned, "
                + "\(LatencyText.grouped(report.devices.attempted)) attempted, "
                + "\(LatencyText.grouped(report.devices.connected)) connected",
            "Handshakes   \(LatencyText.grouped(report.handshakes.completed)) of "
                + "\(LatencyText.grouped(report.handshakes.attempts)) attempts, "
                + "\(LatencyText.render(number: report.handshakes.perSecond))/s"
                + (report.handshakes.abandoned > 0
                    ? ", \(LatencyText.grouped(report.handshakes.abandoned)) under way at the end" : ""),
            "Connects     \(LatencyText.grouped(report.handshakes.connects)), "
                + "\(LatencyText.render(number: report.handshakes.connectsPerSecond))/s",
            "CONNACK      \(outcomes.isEmpty ? "none" : outcomes)",
        ]
        let publishing = report.publishing
        if publishing.published + publishing.skipped > 0 {
            lines.append(
                "Publishes    \(LatencyText.grouped(publishing.published)) sent, "
                    + "\(LatencyText.grouped(publishing.acknowledged)) acknowledged, "
                    + "\(LatencyText.grouped(publishing.lost)) lost, \(LatencyText.grouped(publishing.skipped)) skipped"
            )
        }
        return lines
    }

    private static func latencies(_ report: RunReport) -> [String] {
        var rows: [[String]] = []
        for kind in LatencyKind.allCases {
            guard let latency = report.latency[kind.rawValue] else { continue }
            rows.append(
                [kind.title, LatencyText.grouped(Int(clamping: latency.count))]
                    + [latency.p50, latency.p90, latency.p99, latency.max].map { LatencyText.render(microseconds: $0) })
        }
        guard !rows.isEmpty else { return [] }
        return [""]
            + TextTable.render(
                header: ["Latency", "count", "p50", "p90", "p99", "max"], rows: rows, leftColumns: 1)
    }

    private static func fleets(_ report: RunReport) -> [String] {
        let rows = report.fleets.map { fleet in
            [fleet.name]
                + [fleet.devices, fleet.connected, fleet.published, fleet.acknowledged].map(LatencyText.grouped)
        }
        return [""]
            + TextTable.render(
                header: ["Fleet", "devices", "connected", "published", "acknowledged"], rows: rows, leftColumns: 1)
    }

    private static func failures(_ report: RunReport) -> [String] {
        guard !report.failures.isEmpty else { return ["", "Failures     none"] }
        let rows = report.failures.map { failure in
            let phase = FailureReason.Phase(rawValue: failure.phase)
            let explanation = phase.flatMap { FailureReason($0, failure.reason).explanation }
            return [failure.phase, failure.reason, LatencyText.grouped(failure.count), explanation ?? ""]
        }
        return [""]
            + TextTable.render(
                header: ["Failed in", "reason", "count", ""], rows: rows, leftColumns: 2)
    }

    private static func servers(_ report: RunReport) -> [String] {
        guard !report.servers.isEmpty else { return [] }
        return [""]
            + report.servers.map { server in
                guard let seconds = server.processorSeconds else {
                    return "Server       process \(server.processID): its processor time could not be read"
                }
                let rate = server.connectsPerProcessorSecond.map {
                    ", \(LatencyText.render(number: $0)) connects per CPU-second"
                }
                return
                    "Server       process \(server.processID): \(LatencyText.render(number: seconds)) CPU-seconds\(rate ?? "")"
            }
    }

    private static func generator(_ report: RunReport) -> [String] {
        let generator = report.generator
        var lines = [
            "",
            "Generator    \(LatencyText.render(number: generator.processorSeconds)) CPU-seconds, busiest loop "
                + "\(Int((generator.loopBusyShareMax * 100).rounded())) %, loop delay p99 "
                + "\(LatencyText.render(microseconds: generator.loopDelay.p99)), start delay p99 "
                + LatencyText.render(microseconds: generator.startDelay.p99),
        ]
        if !generator.limits.isEmpty {
            lines.append("WARNING      the generator was the limit: " + generator.limits.joined(separator: "; "))
            lines.append(
                "             Rates and latencies are the generator's, not the server's; "
                    + "connects per CPU-second still hold.")
        }
        return lines
    }

    private static func verdict(_ report: RunReport) -> [String] {
        let verdict = report.verdict
        let shortcomings = verdict.shortcomings.joined(separator: "; ")
        switch (verdict.passed, shortcomings.isEmpty) {
        case (true, true): return ["Result       passed"]
        case (true, false): return ["Result       passed, failures being allowed: \(shortcomings)"]
        case (false, _): return ["Result       FAILED: \(shortcomings)"]
        }
    }
}

extension LatencyKind {
    fileprivate var title: String {
        switch self {
        case .tcp: "TCP (from the intended start)"
        case .tls: "TLS handshake"
        case .connack: "CONNECT to CONNACK"
        case .connected: "intended start to CONNACK"
        case .send: "publish, QoS 0 (to the socket)"
        case .publish: "publish to PUBACK"
        }
    }
}

/// Columns of text.
enum TextTable {
    /// - Parameter leftColumns: The first so many columns, and the last one if its header is empty, begin at the left;
    ///   the others end at the right.
    static func render(header: [String], rows: [[String]], leftColumns: Int) -> [String] {
        let widths = header.indices.map { column in
            ([header] + rows).map { $0[column].count }.max() ?? 0
        }
        return ([header] + rows).map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                let isLeft = column < leftColumns || header[column].isEmpty
                line += (column > 0 ? "   " : "") + (isLeft ? cell + padding : padding + cell)
            }
            while line.last == " " { line.removeLast() }
            return line
        }
    }
}

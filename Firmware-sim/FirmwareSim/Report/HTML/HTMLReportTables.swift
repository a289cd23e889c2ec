/// The tables of an HTML report.
enum HTMLReportTables {
    static func assertions(_ report: RunReport) -> Markup {
        guard !report.assertions.isEmpty else { return .none }
        let rows = report.assertions.map { result -> Markup in
            let mark: Markup =
                result.passed ? "<td class=\"yes\">\u{2713} holds</td>" : "<td class=\"no\">\u{2717} does not hold</td>"
            return "<tr><th scope=\"row\">\(result.text)</th><td class=\"left\">\(result.observed)</td>\(mark)</tr>\n"
        }
        return section(
            "Assertions",
            """
            <div class="scroll"><table><thead><tr><th scope="col" class="left">What must be so</th>
            <th scope="col" class="left">observed</th><th scope="col" class="left">result</th></tr></thead>
            <tbody>
            \(rows)</tbody></table></div>

            """)
    }

    static func fleets(_ report: RunReport) -> Markup {
        let rows = report.fleets.map { fleet in
            [
                fleet.name, fleet.deviceClass, fleet.firmware, fleet.credential, fleet.conduct,
                LatencyText.grouped(fleet.devices), LatencyText.grouped(fleet.connected),
                p99(fleet.latency, .tls), p99(fleet.latency, .connected), p99(fleet.latency, .publish),
                LatencyText.grouped(fleet.acknowledged), LatencyText.grouped(fleet.received),
            ]
        }
        let table = PageTable.render(
            header: [
                "Fleet", "class", "firmware", "credential", "conduct", "devices", "connected", "handshake p99",
                "connect p99", "publish p99", "acknowledged", "received",
            ], rows: rows, leftColumns: 5)
        return section("Fleets and classes", table) + expectations(report)
    }

    private static func expectations(_ report: RunReport) -> Markup {
        let rows = report.fleets.compactMap { fleet -> Markup? in
            guard let expected = fleet.expectation else { return nil }
            let wanted =
                expected.outcome + (expected.reasons.isEmpty ? "" : ": \(expected.reasons.joined(separator: ", "))")
            let others = expected.violated.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
                .map { "\($0.key) \(LatencyText.grouped($0.value))" }.joined(separator: ", ")
            let mark: Markup =
                others.isEmpty
                ? "<td class=\"yes\">\u{2713} all as expected</td>" : "<td class=\"no\">\u{2717} \(others)</td>"
            return """
                <tr><th scope="row">\(fleet.name)</th><td class="left">\(wanted)</td>\
                <td>\(LatencyText.grouped(expected.met))</td>\(mark)</tr>

                """
        }
        guard !rows.isEmpty else { return .none }
        return section(
            "Expectations",
            """
            <div class="scroll"><table><thead><tr><th scope="col" class="left">Fleet</th><th scope="col" class="left">what \
            must become of its devices</th><th scope="col">devices as expected</th><th scope="col" class="left">others</th>\
            </tr></thead>
            <tbody>
            \(rows)</tbody></table></div>

            """)
    }

    static func latencies(_ report: RunReport) -> Markup {
        let rows = LatencyKind.allCases.compactMap { kind -> [String]? in
            guard let latency = report.latency[kind.rawValue] else { return nil }
            return [kind.title, LatencyText.grouped(latency.count)]
                + [latency.p50, latency.p90, latency.p99, latency.p999, latency.max].map {
                    LatencyText.render(microseconds: $0)
                }
        }
        guard !rows.isEmpty else { return .none }
        return section(
            "Latencies",
            PageTable.render(header: ["What", "count", "p50", "p90", "p99", "p99.9", "longest"], rows: rows))
    }

    static func stages(_ report: RunReport) -> Markup {
        guard !report.stages.isEmpty else { return .none }
        let rows = report.stages.map { stage in
            [
                stage.isWarmUp ? "\(stage.name) (warm-up)" : stage.name,
                LatencyText.render(seconds: stage.startSeconds),
                LatencyText.render(seconds: max(0, stage.endSeconds - stage.startSeconds)),
                LatencyText.grouped(stage.handshakes.full), LatencyText.grouped(stage.handshakes.resumed),
                LatencyText.render(number: stage.handshakes.perSecond), p99(stage.latency, .tls),
                p99(stage.latency, .connected), p99(stage.latency, .established),
                stage.milestones.last.map(allConnected) ?? "",
                LatencyText.grouped(stage.failures.map(\.count).reduce(0, &+)),
            ]
        }
        return section(
            "Stages",
            PageTable.render(
                header: [
                    "Stage", "from", "length", "full handshakes", "resumed", "per second", "handshake p99",
                    "connect p99",
                    "established p99", "all connected after", "failures",
                ], rows: rows))
    }

    private static func allConnected(_ milestone: RunReport.Milestone) -> String {
        guard let seconds = milestone.seconds else { return "never" }
        return seconds > 0 ? LatencyText.render(seconds: seconds) : "already"
    }

    static func servers(_ report: RunReport) -> Markup {
        guard !report.servers.isEmpty else { return .none }
        func bytes(_ value: UInt64?) -> String { value.map { LatencyText.render(bytes: Double($0)) } ?? "not read" }
        let rows = report.servers.map { server in
            [
                "process \(server.processID)",
                server.processorSeconds.map { LatencyText.render(seconds: $0) } ?? "not read",
                server.handshakesPerProcessorSecond.map { LatencyText.render(number: $0) } ?? "",
                server.connectsPerProcessorSecond.map { LatencyText.render(number: $0) } ?? "",
                bytes(server.residentBytesAtStart), bytes(server.residentBytesMax),
                server.residentBytesPerDevice.flatMap { $0 > 0 ? $0 : nil }.map { LatencyText.render(bytes: $0) } ?? "",
            ]
        }
        return section(
            "Target's processes",
            PageTable.render(
                header: [
                    "Process", "CPU time", "handshakes per CPU second", "connects per CPU second", "memory at start",
                    "most memory", "memory per device",
                ], rows: rows))
    }

    static func parameters(_ report: RunReport) -> Markup {
        let rows = ParameterText.rows(report).map { name, value -> Markup in
            "<tr><th scope=\"row\">\(name)</th><td class=\"left\">\(value)</td></tr>\n"
        }
        return section("Parameters", "<div class=\"scroll\"><table><tbody>\n\(rows)</tbody></table></div>\n")
            + """
            <h2>The same again</h2>
            <p class="note">With the same credentials (--pki, or --issuer and --issuer-key), templates and, for the target's figures, \
            --server-pid.</p>
            <pre>\(data: ParameterText.command(report))</pre>

            """
    }

    private static func section(_ title: String, _ content: Markup) -> Markup {
        "<h2>\(title)</h2>\n<div class=\"card\">\n\(content)</div>\n"
    }

    private static func p99(_ latency: [String: RunReport.Latency], _ kind: LatencyKind) -> String {
        latency[kind.rawValue].map { LatencyText.render(microseconds: $0.p99) } ?? ""
    }
}

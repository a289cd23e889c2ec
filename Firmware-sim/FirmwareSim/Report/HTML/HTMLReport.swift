/// A ``RunReport`` as one HTML file with plots, for people and for paper. It needs no network and, but for reading
/// single values under the pointer, no script.
enum HTMLReport {
    static func render(_ report: RunReport) -> String {
        let name = report.parameters.scenario ?? report.parameters.mode
        return Page.render(
            title: "firmware-sim: \(name) against \(report.parameters.target)",
            body: """
                \(header(report))
                \(verdict(report))
                \(tiles(report))
                \(HTMLReportTables.assertions(report))
                \(plots(report))
                \(HTMLReportTables.fleets(report))
                \(HTMLReportTables.latencies(report))
                \(HTMLReportTables.stages(report))
                \(HTMLReportTables.servers(report))
                \(HTMLReportTables.parameters(report))
                <footer>\(report.tool), report schema \(report.schema). Latencies count from the intended moment, so \
                that a server that falls behind shows. Percentiles are upper ends of histogram buckets: of the run with \
                three significant digits, of fleets and stages with two.</footer>

                """)
    }

    private static func header(_ report: RunReport) -> Markup {
        let parameters = report.parameters
        var facts = [
            "started \(report.startedAt)", "lasted \(LatencyText.render(seconds: report.durationSeconds))",
            "TLS \(parameters.tls)", "MQTT \(parameters.mqtt)", "seed \(parameters.seed)",
        ]
        if let shard = parameters.shard { facts.append("part \(shard)") }
        return """
            <header><h1>\(parameters.scenario ?? "Run (\(parameters.mode))") against \(parameters.target)</h1>
            <p class="sub">\(facts.joined(separator: " \u{B7} "))</p></header>
            """
    }

    private static func verdict(_ report: RunReport) -> Markup {
        let verdict = report.verdict
        let shortcomings = verdict.shortcomings.map { text -> Markup in "<li>\(text)</li>" }
        let list: Markup = shortcomings.isEmpty ? .none : "<ul>\(shortcomings)</ul>"
        guard verdict.isValid else {
            let reasons = report.generator.limits.joined(separator: "; ")
            return """
                <section class="verdict doubt" role="status"><strong>\u{26A0} INVALID</strong>
                <p>The generator was the limit, not the target\(reasons.isEmpty ? "" : ": \(reasons)" as String). Rates and \
                latencies are the generator's. Without this the run would have \
                \((verdict.passed ? "passed" : "failed") as String).</p>\(list)</section>
                """
        }
        guard verdict.passed else {
            return """
                <section class="verdict bad" role="status"><strong>\u{2717} FAILED</strong>
                <p>What went wrong:</p>\(list)</section>
                """
        }
        let remark = shortcomings.isEmpty ? "Everything that was asked for was so." : "Failures were allowed:"
        return """
            <section class="verdict good" role="status"><strong>\u{2713} Passed</strong>
            <p>\(remark)</p>\(list)</section>
            """
    }

    private static func tiles(_ report: RunReport) -> Markup {
        let handshakes = report.handshakes
        var tiles: [Markup] = [
            tile(
                "Devices connected", LatencyText.grouped(report.devices.connected),
                "of \(LatencyText.grouped(report.devices.planned)) planned"),
            tile(
                "Handshakes", "\(LatencyText.render(number: handshakes.perSecond))/s",
                "\(LatencyText.grouped(handshakes.completed)) in all, \(LatencyText.grouped(handshakes.resumed)) resumed"
            ),
        ]
        for (kind, title) in [
            (LatencyKind.tls, "TLS handshake p99"), (.connected, "Connect p99"),
            (.publish, "Publish to PUBACK p99"), (.command, "Command to answer p99"),
        ] {
            guard let latency = report.latency[kind.rawValue] else { continue }
            tiles.append(
                tile(
                    title, LatencyText.render(microseconds: latency.p99),
                    "p50 \(LatencyText.render(microseconds: latency.p50)), longest "
                        + LatencyText.render(microseconds: latency.max)))
        }
        if let all = allConnected(report) {
            tiles.append(tile("All connected after", LatencyText.render(seconds: all.seconds), all.since))
        }
        let failures = report.failures.map(\.count).reduce(0, &+)
        let expected = report.failures.map(\.expected).reduce(0, &+)
        tiles.append(
            tile(
                "Failures", LatencyText.grouped(failures),
                expected > 0 ? "\(LatencyText.grouped(expected)) of them expected" : "of attempts and publishes"))
        if let server = report.servers.first(where: { $0.processorSeconds != nil }),
            let seconds = server.processorSeconds
        {
            let rate = server.handshakesPerProcessorSecond ?? server.connectsPerProcessorSecond
            tiles.append(
                tile(
                    "Target's processor time", LatencyText.render(seconds: seconds),
                    rate.map { "\(LatencyText.render(number: $0)) handshakes per CPU second" }
                        ?? "process \(server.processID)"))
        }
        return "<h2>Key figures</h2>\n<dl class=\"tiles\">\n\(tiles)</dl>\n"
    }

    /// How long it took until all devices were connected; where they were before the measuring began, the longest of
    /// a measured stage.
    private static func allConnected(_ report: RunReport) -> (seconds: Double, since: String)? {
        guard let seconds = report.milestones.last?.seconds else { return nil }
        guard seconds <= 0 else { return (seconds, "from the first intended start") }
        let slowest = report.stages.filter { !$0.isWarmUp }
            .compactMap { stage in stage.milestones.last?.seconds.map { (name: stage.name, seconds: $0) } }
            .max { $0.seconds < $1.seconds }
        guard let slowest, slowest.seconds > 0 else { return nil }
        return (slowest.seconds, "from the beginning of \(slowest.name)")
    }

    private static func tile(_ title: String, _ value: String, _ aside: String) -> Markup {
        "<div class=\"tile\"><dt>\(title)</dt><dd>\(value)</dd><dd class=\"aside\">\(aside)</dd></div>\n"
    }

    private static func plots(_ report: RunReport) -> Markup {
        let plots = ReportPlots(report)
        return section("Over time", plots.overTime) + section("Distributions", plots.distributions)
            + section("Failures", [plots.failures]) + section("Generator and target", plots.load)
    }

    private static func section(_ title: String, _ figures: [PlotFigure]) -> Markup {
        guard !figures.isEmpty else { return .none }
        return "<h2>\(title)</h2>\n<div class=\"plots\">\n\(figures.map(\.markup))</div>\n"
    }
}

/// A ``RunComparison`` as one HTML file, with both runs' curves in the same plots.
enum ComparisonPage {
    static func render(_ comparison: RunComparison, _ a: RunReport, _ b: RunReport) -> String {
        let warnings = comparison.warnings.map { text -> Markup in "<li>\(text)</li>" }
        let warningBox: Markup =
            warnings.isEmpty
            ? .none
            : """
            <section class="verdict doubt" role="status"><strong>\u{26A0} Not like for like</strong>
            <ul>\(warnings)</ul></section>

            """
        let table = PageTable.render(
            header: ["Figure"] + ComparisonText.header.dropFirst(), rows: comparison.rows.map(ComparisonText.cells))
        return Page.render(
            title: "firmware-sim: \(comparison.a.name) and \(comparison.b.name)",
            body: """
                <header><h1>\(comparison.a.name) and \(comparison.b.name)</h1>
                <p class="sub">\(side("A", comparison.a, a))</p>
                <p class="sub">\(side("B", comparison.b, b))</p></header>
                \(warningBox)<h2>Over time</h2>
                <div class="plots">
                \(figures(a, b).map(\.markup))</div>
                <h2>Figures</h2>
                <div class="card">
                \(table)</div>

                """)
    }

    private static func side(_ letter: String, _ side: RunComparison.Side, _ report: RunReport) -> String {
        let result = side.isValid ? side.passed ? "passed" : "failed" : "INVALID"
        return "\(letter): \(side.name), against \(report.parameters.target), \(side.startedAt), \(result)"
    }

    /// Only what both or one have measured.
    private static func figures(_ a: RunReport, _ b: RunReport) -> [PlotFigure] {
        let plots = ComparisonPlots(a, b)
        var figures: [PlotFigure] = []
        if a.keepsConnections || b.keepsConnections {
            figures.append(
                plots.figure(id: "connected", title: "Devices connected", unit: .count, isWide: true) {
                    Double($0.connected)
                })
        }
        figures.append(
            plots.figure(
                id: "handshakes", title: "TLS handshakes per second", unit: .perSecond, isWide: true, isRate: true
            ) {
                Double($0.fullHandshakes) + Double($0.resumedHandshakes)
            })
        for (kind, title) in ReportPlots.latencyTitles {
            let isMeasured = [a, b].contains { $0.series.samples.contains { $0.latency[kind.rawValue] != nil } }
            guard isMeasured else { continue }
            figures.append(
                plots.figure(id: "latency-\(kind.rawValue)", title: "\(title), p99", unit: .microseconds) { sample in
                    sample.latency[kind.rawValue].flatMap { $0.count > 0 ? Double(max(1, $0.p99)) : nil }
                })
        }
        figures.append(
            plots.figure(id: "generator", title: "Generator: busiest event loop", unit: .share) { $0.generatorBusy })
        if [a, b].contains(where: { $0.series.samples.contains { $0.serverProcessors != nil } }) {
            figures.append(
                plots.figure(id: "server-cpu", title: "Target: processors used", unit: .processors) {
                    $0.serverProcessors
                })
        }
        return figures
    }
}

/// The same figure of two runs over the same time axis.
private struct ComparisonPlots {
    private let a: RunReport.Series
    private let b: RunReport.Series
    private let interval: Double
    private let count: Int

    init(_ a: RunReport, _ b: RunReport) {
        self.a = RunReport.Series(intervalSeconds: a.series.intervalSeconds, samples: a.plottedSamples)
        self.b = RunReport.Series(intervalSeconds: b.series.intervalSeconds, samples: b.plottedSamples)
        interval = max(a.series.intervalSeconds, b.series.intervalSeconds, 0.001)
        let duration = [self.a, self.b].map { Double($0.samples.count) * $0.intervalSeconds }.max() ?? 0
        count = min(SimulatorLimits.reportSamplesMax, LatencyText.whole((duration / interval).rounded(.up)))
    }

    func figure(
        id: String, title: String, unit: PlotUnit, isWide: Bool = false, isRate: Bool = false,
        _ value: (RunReport.Sample) -> Double?
    ) -> PlotFigure {
        TimePlot(
            id: id, title: title, note: "Both runs from their first intended start.", unit: unit,
            isLogarithmic: unit == .microseconds, isWide: isWide, duration: Double(count) * interval,
            times: (0..<count).map { Double($0 + 1) * interval },
            series: [
                PlotSeries(name: "A", colour: 1, values: values(a, isRate, value)),
                PlotSeries(name: "B", colour: 2, values: values(b, isRate, value)),
            ]
        ).figure
    }

    /// For each place of the axis, the sample that the place lies in; nil after the run's end.
    private func values(
        _ series: RunReport.Series, _ isRate: Bool, _ value: (RunReport.Sample) -> Double?
    ) -> [Double?] {
        (0..<count).map { place in
            let index = LatencyText.whole(
                ((Double(place) + 1) * interval / series.intervalSeconds - 0.001).rounded(.down))
            guard series.samples.indices.contains(index) else { return nil }
            return value(series.samples[index]).map { isRate ? $0 / series.intervalSeconds : $0 }
        }
    }
}

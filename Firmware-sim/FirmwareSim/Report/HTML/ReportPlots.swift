/// The plots of one report.
struct ReportPlots: Sendable {
    private let report: RunReport
    private let samples: [RunReport.Sample]
    private let interval: Double
    private let duration: Double

    init(_ report: RunReport) {
        self.report = report
        samples = report.plottedSamples
        interval = max(0.001, report.series.intervalSeconds)
        duration = max(report.durationSeconds, Double(samples.count) * interval)
    }

    /// What happened when.
    var overTime: [PlotFigure] {
        var figures = report.keepsConnections ? [connected.figure] : []
        figures.append(handshakeRate.figure)
        if samples.contains(where: { $0.published > 0 || $0.received > 0 }) { figures.append(traffic.figure) }
        for (kind, title) in Self.latencyTitles where isMeasured(kind) {
            figures.append(percentiles(kind, title).figure)
        }
        return figures
    }

    /// Of the whole run without its warm-up.
    var distributions: [PlotFigure] {
        LatencyKind.allCases.compactMap { kind in
            guard let latency = report.latency[kind.rawValue], latency.count > 0 else { return nil }
            let title = kind == .established ? "publish to PUBACK of established devices" : kind.title
            return HistogramPlot(id: "histogram-\(kind.rawValue)", title: title, latency: latency, colour: 1).figure
        }
    }

    /// How both ends fared.
    var load: [PlotFigure] {
        var figures = [generator.figure]
        if samples.contains(where: { $0.serverProcessors != nil }) { figures.append(serverProcessors.figure) }
        if samples.contains(where: { $0.serverResidentBytes != nil }) { figures.append(serverMemory.figure) }
        return figures
    }

    static let latencyTitles: [(LatencyKind, String)] = [
        (.tls, "TLS handshake latency"), (.connected, "Connect latency (intended start to CONNACK)"),
        (.publish, "Publish to PUBACK"), (.command, "Command to answer"),
    ]

    private func isMeasured(_ kind: LatencyKind) -> Bool {
        samples.contains { $0.latency[kind.rawValue] != nil }
    }

    private var bands: [PlotBand] {
        report.stages.map {
            PlotBand(name: $0.name, start: $0.startSeconds, end: $0.endSeconds, isWarmUp: $0.isWarmUp)
        }
    }

    /// Ends of the intervals, in seconds.
    private var ends: [Double] { samples.indices.map { min(Double($0 + 1) * interval, duration) } }

    /// The last interval may be cut short by the end of the run.
    private func rates(_ count: (RunReport.Sample) -> Int) -> [Double?] {
        samples.enumerated().map { index, sample in
            let length = min(interval, report.durationSeconds - Double(index) * interval)
            return Double(count(sample)) / (length > interval / 10 ? length : interval)
        }
    }

    private var connected: TimePlot {
        // A run begins with no device at second 0; one without samples has no beginning to draw.
        let start: [Double] = samples.isEmpty ? [] : [0]
        return TimePlot(
            id: "connected", title: "Devices connected",
            note: "At the end of each interval of \(LatencyText.render(seconds: interval)).", unit: .count,
            isWide: true,
            duration: duration, times: start + ends,
            series: [
                PlotSeries(name: "connected", colour: 1, values: start + samples.map { Double($0.connected) })
            ],
            bands: bands)
    }

    private var handshakeRate: TimePlot {
        TimePlot(
            id: "handshakes", title: "TLS handshakes per second", note: "Finished on the device's side; stacked.",
            unit: .perSecond, isStacked: true, isWide: true, duration: duration, times: ends,
            series: [
                PlotSeries(name: "full", colour: 1, values: rates(\.fullHandshakes)),
                PlotSeries(name: "resumed", colour: 3, values: rates(\.resumedHandshakes)),
            ], bands: bands)
    }

    private var traffic: TimePlot {
        TimePlot(
            id: "traffic", title: "Publishes per second",
            note: "By the devices, acknowledged to them, and to the devices.",
            unit: .perSecond, isWide: true, duration: duration, times: ends,
            series: [
                PlotSeries(name: "published", colour: 1, values: rates(\.published)),
                PlotSeries(name: "acknowledged", colour: 3, values: rates(\.acknowledged)),
                PlotSeries(name: "received", colour: 4, values: rates(\.received)),
            ], bands: bands)
    }

    private func percentiles(_ kind: LatencyKind, _ title: String) -> TimePlot {
        let latencies = samples.map { $0.latency[kind.rawValue] }
        func values(_ percentile: (RunReport.Latency) -> UInt64) -> [Double?] {
            latencies.map { latency in latency.flatMap { $0.count > 0 ? Double(max(1, percentile($0))) : nil } }
        }
        return TimePlot(
            id: "latency-\(kind.rawValue)", title: title, note: "Percentiles of each interval; log scale.",
            unit: .microseconds, isLogarithmic: true, duration: duration, times: ends,
            series: [
                PlotSeries(name: "p50", colour: 1, values: values(\.p50)),
                PlotSeries(name: "p90", colour: 5, values: values(\.p90)),
                PlotSeries(name: "p99", colour: 2, values: values(\.p99)),
            ], bands: bands)
    }

    var failures: PlotFigure { failureBars.figure }

    private var failureBars: BarPlot {
        var bars: [BarPlot.Bar] = []
        for failure in report.failures {
            let phase = FailureReason.Phase(rawValue: failure.phase)
            let explanation = phase.flatMap { FailureReason($0, failure.reason).explanation } ?? ""
            let name = "\(failure.phase)/\(failure.reason)"
            let others = failure.count - failure.expected
            if others > 0 {
                bars.append(
                    .init(name: name, explanation: explanation, count: others, colour: 2, group: "not expected"))
            }
            if failure.expected > 0 {
                bars.append(
                    .init(name: name, explanation: explanation, count: failure.expected, colour: 1, group: "expected"))
            }
        }
        bars.sort { ($0.colour, $0.count) > ($1.colour, $1.count) }
        return BarPlot(
            id: "failures", title: "Failures by reason",
            note:
                "How far the device had come, and why it went no further. Expected ones are what their fleet is there for.",
            bars: bars, legend: bars.isEmpty ? [] : [("not expected", 2), ("expected", 1)])
    }

    private var generator: TimePlot {
        TimePlot(
            id: "generator", title: "Generator: busiest event loop",
            note:
                "Above \(LatencyText.render(share: SimulatorLimits.loopBusyShareMax)) over the run the result is invalid.",
            unit: .share, duration: duration, times: ends,
            series: [PlotSeries(name: "busy", colour: 1, values: samples.map { $0.generatorBusy })], bands: bands)
    }

    private var serverProcessors: TimePlot {
        TimePlot(
            id: "server-cpu", title: "Target: processors used", note: "Of its processes together.", unit: .processors,
            duration: duration, times: ends,
            series: [PlotSeries(name: "processors", colour: 4, values: samples.map(\.serverProcessors))], bands: bands)
    }

    private var serverMemory: TimePlot {
        TimePlot(
            id: "server-memory", title: "Target: resident memory", note: "Of its processes together.", unit: .bytes,
            duration: duration, times: ends,
            series: [
                PlotSeries(
                    name: "resident", colour: 4, values: samples.map { $0.serverResidentBytes.map { Double($0) } })
            ], bands: bands)
    }
}

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// How a latency is distributed: bars over a logarithmic axis, as high as the share of values they stand for.
struct HistogramPlot: Sendable {
    var id: String
    var title: String
    var latency: RunReport.Latency
    var colour: Int

    /// Enough to see two humps, few enough to be smooth.
    static let bars = 40

    /// Shares of all values, in equal steps of the logarithmic axis.
    static func shares(_ latency: RunReport.Latency, on scale: PlotScale, bars: Int = bars) -> [Double] {
        var shares = [Double](repeating: 0, count: bars)
        let total = latency.buckets.reduce(0.0) { $0 + ($1.count == 2 ? Double($1[1]) : 0) }
        guard total > 0 else { return shares }
        for bucket in latency.buckets where bucket.count == 2 {
            let place = min(
                bars - 1, LatencyText.whole((scale.position(Double(bucket[0])) * Double(bars)).rounded(.down)))
            shares[place] += Double(bucket[1]) / total
        }
        return shares
    }

    var figure: PlotFigure {
        let values = latency.buckets.compactMap(\.first).map { Double($0) }
        let horizontal = PlotScale.logarithmic(from: values.first ?? 1_000, to: values.last ?? 100_000)
        let shares = Self.shares(latency, on: horizontal)
        let frame = PlotFrame(
            width: 560, height: 240, horizontal: horizontal,
            vertical: .linear(to: Self.ceiling(shares), unit: .processors),
            unit: .share, horizontalText: { PlotUnit.microseconds.tick($0) })
        let count = LatencyText.grouped(latency.count)
        let percentiles = [("p50", latency.p50), ("p90", latency.p90), ("p99", latency.p99), ("p99.9", latency.p999)]
        let percentileText = percentiles.map { "\($0.0) \(LatencyText.render(microseconds: $0.1))" }.joined(
            separator: ", ")
        return PlotFigure(
            id: id, title: title,
            note:
                "\(count) values; \(percentileText), longest \(LatencyText.render(microseconds: latency.max)). Log scale.",
            isWide: false, legend: [],
            drawing: PlotFigure.Drawing(
                width: frame.width, height: frame.height, content: content(frame, shares),
                summary: "Distribution of \(count) values: \(percentileText).", reading: reading(frame, shares)),
            table: PlotFigure.Table(
                header: ["From", "to", "share"],
                rows: shares.enumerated().filter { $0.element > 0 }.map { place, share in
                    [edge(place, horizontal), edge(place + 1, horizontal), LatencyText.render(share: share)]
                }))
    }

    private static func ceiling(_ shares: [Double]) -> Double {
        let highest = shares.max() ?? 0
        return highest > 0 ? highest : 1
    }

    private func content(_ frame: PlotFrame, _ shares: [Double]) -> Markup {
        var markup = frame.axes
        let width = frame.plotWidth / Double(Self.bars)
        for (place, share) in shares.enumerated() where share > 0 {
            let top = frame.y(share)
            markup += """
                <rect class="bar c\(colour)" x="\(PlotFrame.left + Double(place) * width + 0.5)" y="\(top)" \
                width="\(width - 1)" height="\(max(0.5, frame.floor - top))"/>

                """
        }
        for (name, value) in [("p50", latency.p50), ("p99", latency.p99)] where latency.count > 0 {
            let x = frame.x(Double(value))
            markup += """
                <line class="mark" x1="\(x)" x2="\(x)" y1="\(PlotFrame.top - 6)" y2="\(frame.floor)"/>
                <text class="stage" x="\(x)" y="\(PlotFrame.top - 10)" text-anchor="middle">\(name)</text>

                """
        }
        return markup
    }

    private func edge(_ place: Int, _ scale: PlotScale) -> String {
        let value = scale.lower * pow(scale.upper / scale.lower, Double(place) / Double(Self.bars))
        return PlotUnit.microseconds.text(value)
    }

    private func reading(_ frame: PlotFrame, _ shares: [Double]) -> PlotFigure.Reading {
        let width = frame.plotWidth / Double(Self.bars)
        return PlotFigure.Reading(
            at: shares.indices.map { ((PlotFrame.left + (Double($0) + 0.5) * width) * 10).rounded() / 10 },
            text: shares.enumerated().map { place, share in
                "\(edge(place, frame.horizontal)) to \(edge(place + 1, frame.horizontal)): \(LatencyText.render(share: share))"
            })
    }
}

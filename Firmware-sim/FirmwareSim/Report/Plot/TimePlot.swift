/// Values over time, as lines or as a stack of areas.
struct TimePlot: Sendable {
    var id: String
    var title: String
    var note: String
    var unit: PlotUnit
    var isLogarithmic = false
    var isStacked = false
    var isWide = false
    /// Of the horizontal axis, in seconds.
    var duration: Double
    /// Seconds, ascending; as many as each series has values.
    var times: [Double]
    var series: [PlotSeries]
    var bands: [PlotBand] = []

    var figure: PlotFigure {
        let frame = frame
        return PlotFigure(
            id: id, title: title, note: note, isWide: isWide, legend: series.map { ($0.name, $0.colour) },
            drawing: PlotFigure.Drawing(
                width: frame.width, height: frame.height, content: content(frame), summary: summary,
                reading: reading(frame)),
            table: table)
    }

    private var isEmpty: Bool { series.allSatisfy { $0.values.allSatisfy { $0 == nil } } }

    private var frame: PlotFrame {
        let values = (isStacked ? stackTops.last.map { [$0] } ?? [] : series.map(\.values)).flatMap { $0 }
            .compactMap(\.self)
        let positive = values.filter { $0 > 0 }
        let vertical: PlotScale =
            isLogarithmic
            ? .logarithmic(from: positive.min() ?? 1_000, to: positive.max() ?? 100_000)
            : .linear(to: values.max() ?? 0, unit: unit)
        let horizontal = PlotScale.time(to: duration, tickCount: isWide ? 12 : 6)
        return PlotFrame(
            width: isWide ? 1_120 : 560, height: isWide ? 280 : 240, horizontal: horizontal, vertical: vertical,
            unit: unit, horizontalText: horizontal.timeText)
    }

    /// For each layer, the sum of it and of those below it.
    private var stackTops: [[Double?]] {
        var sum = [Double](repeating: 0, count: times.count)
        return series.map { layer in
            for (index, value) in layer.values.prefix(sum.count).enumerated() { sum[index] += value ?? 0 }
            return sum.map { $0 }
        }
    }

    private func content(_ frame: PlotFrame) -> Markup {
        var markup = Markup(bands.enumerated().map { band($1, isOdd: $0 % 2 == 1, frame) })
        markup += frame.axes
        guard !isEmpty else {
            return markup + """
                <text class="empty" x="\(frame.width / 2)" y="\(frame.height / 2)" text-anchor="middle">nothing was \
                measured</text>

                """
        }
        return markup + (isStacked ? areas(frame) : Markup(series.map { line($0, frame) }))
    }

    private func band(_ band: PlotBand, isOdd: Bool, _ frame: PlotFrame) -> Markup {
        let left = frame.x(band.start)
        let right = frame.x(band.end)
        let label: Markup =
            Double(band.title.count) * 7 + 8 > right - left
            ? .none
            : "<text class=\"stage\" x=\"\(left + 4)\" y=\"\(PlotFrame.top - 8)\">\(band.title)</text>\n"
        let kind = band.isWarmUp ? "warm" : isOdd ? "odd" : "even"
        return """
            <rect class="band \(kind)" x="\(left)" y="\(PlotFrame.top - 4)" width="\(right - left)" \
            height="\(frame.plotHeight + 4)"><title>\(band.title)</title></rect>
            \(label)
            """
    }

    private func line(_ series: PlotSeries, _ frame: PlotFrame) -> Markup {
        var path: Markup = ""
        var dots: Markup = ""
        var isDown = false
        let points = Array(zip(times, series.values))
        for (index, (time, value)) in points.enumerated() {
            guard let value else {
                isDown = false
                continue
            }
            let x = frame.x(time)
            let y = frame.y(value)
            path += isDown ? " L\(x) \(y)" : " M\(x) \(y)"
            let nextIsGap = index + 1 >= points.count || points[index + 1].1 == nil
            // A point without neighbours would not show as a line.
            if !isDown, nextIsGap {
                dots += "<circle class=\"dot c\(series.colour)\" cx=\"\(x)\" cy=\"\(y)\" r=\"3\"/>\n"
            }
            isDown = true
        }
        return "<path class=\"line c\(series.colour)\" d=\"\(path)\"/>\n\(dots)"
    }

    private func areas(_ frame: PlotFrame) -> Markup {
        var below = [Double?](repeating: 0, count: times.count)
        var layers: [Markup] = []
        for (layer, top) in zip(series, stackTops) {
            var markup: Markup = ""
            var outline: Markup = ""
            for (index, value) in top.enumerated() {
                outline += "\(index == 0 ? "M" : " L" as String)\(frame.x(times[index])) \(frame.y(value ?? 0))"
            }
            var back: Markup = ""
            for (index, value) in below.enumerated().reversed() {
                back += " L\(frame.x(times[index])) \(frame.y(value ?? 0))"
            }
            markup += """
                <path class="area c\(layer.colour)" d="\(outline)\(back) Z"/>
                <path class="line c\(layer.colour)" d="\(outline)"/>

                """
            if times.count == 1, let time = times.first, let value = top.first {
                let x = frame.x(time)
                markup += "<circle class=\"dot c\(layer.colour)\" cx=\"\(x)\" cy=\"\(frame.y(value ?? 0))\" r=\"3\"/>\n"
            }
            below = top
            layers.append(markup)
        }
        // The lowest last: where a layer adds nothing, the line of the one below it is what is seen.
        return Markup(layers.reversed())
    }

    private var summary: String {
        guard !isEmpty else { return "Nothing was measured." }
        let parts = series.map { series in
            let values = series.values.compactMap(\.self)
            guard let least = values.min(), let most = values.max() else { return "\(series.name): nothing" }
            return "\(series.name): from \(unit.text(least)) to \(unit.text(most))"
        }
        return "Over \(LatencyText.render(seconds: duration)). " + parts.joined(separator: "; ") + "."
    }

    private func reading(_ frame: PlotFrame) -> PlotFigure.Reading? {
        guard !isEmpty else { return nil }
        let text = times.enumerated().map { index, time in
            let parts = series.map { series in
                let value = series.values.indices.contains(index) ? series.values[index] : nil
                return "\(PrintableText.clean(series.name)) \(value.map(unit.text) ?? "none")"
            }
            return "\(LatencyText.render(seconds: time)): " + parts.joined(separator: ", ")
        }
        return PlotFigure.Reading(at: times.map { (frame.x($0) * 10).rounded() / 10 }, text: text)
    }

    private var table: PlotFigure.Table {
        let step = max(1, (times.count + PlotFigure.tableRowsMax - 1) / PlotFigure.tableRowsMax)
        let rows = stride(from: 0, to: times.count, by: step).map { index in
            [LatencyText.render(seconds: times[index])]
                + series.map { series in
                    (series.values.indices.contains(index) ? series.values[index] : nil).map(unit.text) ?? ""
                }
        }
        return PlotFigure.Table(
            header: ["Time"] + series.map(\.name), rows: rows,
            note: step > 1 ? "One of \(step) values is listed; the CSV report has all." : "")
    }
}

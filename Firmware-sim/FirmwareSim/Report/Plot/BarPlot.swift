/// Horizontal bars with their names and counts, in groups.
struct BarPlot: Sendable {
    struct Bar: Sendable, Equatable {
        var name: String
        /// What the name means; may be empty.
        var explanation: String
        var count: Int
        var colour: Int
        var group: String
    }

    var id: String
    var title: String
    var note: String
    var bars: [Bar]
    var legend: [(name: String, colour: Int)] = []

    /// A page of them; the table below has all that were reported.
    static let barsMax = 24

    var figure: PlotFigure {
        let shown = Array(bars.prefix(Self.barsMax))
        let rowHeight = 26.0
        let height = max(60, Double(shown.count) * rowHeight + 16)
        let left = 300.0
        let width = 1_120.0
        let most = Double(shown.map(\.count).max() ?? 1)
        var content: Markup = ""
        for (row, bar) in shown.enumerated() {
            let y = 8 + Double(row) * rowHeight
            let length = max(1, Double(bar.count) / max(1, most) * (width - left - 380))
            let explanation: Markup =
                bar.explanation.isEmpty ? "" : "<tspan class=\"aside\" dx=\"10\">\(bar.explanation)</tspan>"
            content += """
                <text class="name" x="\(left - 10)" y="\(y + 16)" text-anchor="end">\(bar.name)</text>
                <rect class="bar c\(bar.colour)" x="\(left)" y="\(y + 3)" width="\(length)" height="18" rx="2"/>
                <text class="value" x="\(left + length + 8)" y="\(y + 16)">\(LatencyText.grouped(bar.count))\(explanation)</text>

                """
        }
        if shown.isEmpty { content = "<text class=\"empty\" x=\"560\" y=\"36\" text-anchor=\"middle\">none</text>\n" }
        let summary = shown.map { "\($0.name) (\($0.group)): \(LatencyText.grouped($0.count))" }.joined(separator: "; ")
        return PlotFigure(
            id: id, title: title, note: note, isWide: true, legend: legend,
            drawing: PlotFigure.Drawing(
                width: width, height: height, content: content, summary: summary.isEmpty ? "None." : summary,
                reading: nil),
            table: PlotFigure.Table(
                header: ["Reason", "kind", "count", "meaning"],
                rows: bars.map { [$0.name, $0.group, LatencyText.grouped($0.count), $0.explanation] }))
    }
}

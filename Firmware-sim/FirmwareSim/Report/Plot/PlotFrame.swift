/// The rectangle of a plot, its axes and its grid. Everything is static SVG: it prints, and works without a script.
struct PlotFrame: Sendable {
    /// SVG user units, about a pixel each.
    let width: Double
    let height: Double
    let horizontal: PlotScale
    let vertical: PlotScale
    let unit: PlotUnit
    /// What a tick of the horizontal axis is called.
    let horizontalText: @Sendable (Double) -> String

    static let left = 64.0
    static let right = 16.0
    static let top = 22.0
    static let bottom = 28.0

    var plotWidth: Double { width - Self.left - Self.right }
    var plotHeight: Double { height - Self.top - Self.bottom }
    var floor: Double { height - Self.bottom }

    func x(_ value: Double) -> Double { Self.left + horizontal.position(value) * plotWidth }
    func y(_ value: Double) -> Double { floor - vertical.position(value) * plotHeight }

    /// Grid lines with their ticks' labels, to be drawn below the data.
    var axes: Markup {
        var markup: Markup = ""
        for tick in vertical.ticks {
            let y = y(tick)
            markup += """
                <line class="grid" x1="\(Self.left)" x2="\(width - Self.right)" y1="\(y)" y2="\(y)"/>
                <text class="tick" x="\(Self.left - 8)" y="\(y + 4)" text-anchor="end">\(unit.tick(tick))</text>

                """
        }
        var labelEnd = -Double.infinity
        for tick in horizontal.ticks {
            let x = x(tick)
            let label = horizontalText(tick)
            let halfWidth = Double(label.count) * 3.3
            markup += "<line class=\"axis\" x1=\"\(x)\" x2=\"\(x)\" y1=\"\(floor)\" y2=\"\(floor + 4)\"/>\n"
            // Labels must not run into each other nor out of the picture.
            guard x - halfWidth > labelEnd + 6, x + halfWidth <= width else { continue }
            labelEnd = x + halfWidth
            markup += "<text class=\"tick\" x=\"\(x)\" y=\"\(floor + 18)\" text-anchor=\"middle\">\(label)</text>\n"
        }
        markup +=
            "<line class=\"axis\" x1=\"\(Self.left)\" x2=\"\(width - Self.right)\" y1=\"\(floor)\" y2=\"\(floor)\"/>\n"
        if !unit.name.isEmpty {
            markup += "<text class=\"unit\" x=\"\(Self.left - 8)\" y=\"12\" text-anchor=\"end\">\(unit.name)</text>\n"
        }
        return markup
    }
}

/// A line, or a layer of a stack, of a plot.
struct PlotSeries: Sendable, Equatable {
    var name: String
    /// 1 to 6: which of the page's colours, each with its own way of dashing.
    var colour: Int
    /// For each point of the horizontal axis; nil leaves a gap.
    var values: [Double?]
}

/// A part of the time that has a name.
struct PlotBand: Sendable, Equatable {
    var name: String
    var start: Double
    var end: Double
    var isWarmUp: Bool

    var title: String { isWarmUp && !name.lowercased().contains("warm") ? "\(name) (warm-up)" : name }
}

import Foundation

/// What is shown while a run goes on: some lines redrawn in place on a terminal, otherwise a plain line from time to
/// time. A value; the caller writes what it returns.
struct ProgressDisplay: Sendable {
    enum Style: Sendable, Equatable {
        /// - Parameter columns: Characters that fit in a line.
        case terminal(columns: Int)
        case lines
    }

    private let style: Style
    private let hasColours: Bool
    private var last: LiveFigures?
    /// Lines of the block on the terminal, over which the next one is drawn.
    private var linesDrawn = 0
    /// The two kinds of progress have times of their own.
    private var credentialsShownAt = -Double.infinity

    /// - Parameter hasColours: By default as the environment's `NO_COLOR` has it (https://no-color.org).
    init(
        style: Style, hasColours: Bool = ProcessInfo.processInfo.environment["NO_COLOR"].map(\.isEmpty) ?? true
    ) {
        self.style = style
        self.hasColours = hasColours
    }

    /// Seconds from what was last written to the next. A log of a long run would otherwise be nothing but this.
    private func interval(at elapsed: Double) -> Double {
        switch style {
        case .terminal: 0.2
        case .lines: elapsed < 10 ? 1 : elapsed < 300 ? 5 : 30
        }
    }

    /// Whether figures of this moment would be shown. A new stage is told at once.
    func isDue(at elapsed: Double, stage: String?) -> Bool {
        guard let last, last.stage == stage else { return true }
        return elapsed - last.elapsedSeconds >= interval(at: last.elapsedSeconds)
    }

    /// What to write now, or nil if what was last written is fresh enough.
    mutating func show(_ figures: LiveFigures) -> String? {
        guard isDue(at: figures.elapsedSeconds, stage: figures.stage) else { return nil }
        let text = LiveText(figures: figures, rates: .init(from: last ?? LiveFigures(), to: figures))
        last = figures
        switch style {
        case .lines: return line(text)
        case .terminal(let columns): return block(text, columns: max(0, columns - 1))
        }
    }

    /// While keys and certificates are being made.
    mutating func show(_ progress: CredentialIssuer.Progress, elapsed: Double) -> String? {
        let interval = interval(at: elapsed)
        guard elapsed - credentialsShownAt >= interval || progress.done == progress.total else { return nil }
        credentialsShownAt = elapsed
        let cached = progress.fromCache > 0 ? " (\(LatencyText.grouped(progress.fromCache)) from the cache)" : ""
        let text =
            "keys and certificates: \(LatencyText.grouped(progress.done)) of "
            + "\(LatencyText.grouped(progress.total))\(cached)"
        switch style {
        case .lines: return text + "\n"
        case .terminal(let columns):
            return "\r\u{1B}[2K" + text.prefix(max(0, columns - 1)) + (progress.done == progress.total ? "\n" : "")
        }
    }

    /// A line of its own, below which the next figures are drawn.
    mutating func notice(_ text: String) -> String {
        linesDrawn = 0
        return PrintableText.clean(text) + "\n"
    }

    /// After the last figures. The block stays where it is.
    var end: String { "" }

    // MARK: Lines

    private func line(_ text: LiveText) -> String {
        var parts: [String] = []
        if let stage = text.figures.stage { parts.append(PrintableText.clean(stage)) }
        parts += [text.devices, text.handshakeRate]
        if let rate = text.publishRate { parts.append(rate) }
        if let latencies = text.latencies { parts.append(latencies) }
        parts.append(text.failures)
        let seconds = String(LatencyText.whole(text.figures.elapsedSeconds))
        return String(repeating: " ", count: max(0, 5 - seconds.count)) + "\(seconds)s  "
            + parts.joined(separator: "  ") + "\n"
    }

    // MARK: The terminal

    private mutating func block(_ text: LiveText, columns: Int) -> String {
        var rows: [(text: String, colour: String)] = []
        var title = text.time
        if let stage = text.figures.stage { title += "  \(PrintableText.clean(stage))" }
        rows.append((bar(text.figures.progress, before: title, columns: columns), "1"))
        rows.append(
            ([text.devices, text.handshakeRate, text.publishRate].compactMap(\.self).joined(separator: "   "), ""))
        if let latencies = text.latencies { rows.append((latencies, "")) }
        rows.append((text.failures, text.figures.failureCount > 0 ? "31" : "2"))
        var output = linesDrawn > 0 ? "\u{1B}[\(linesDrawn)A" : ""
        for row in rows {
            let visible = row.text.prefix(columns)
            let coloured = hasColours && !row.colour.isEmpty ? "\u{1B}[\(row.colour)m\(visible)\u{1B}[0m" : "\(visible)"
            output += "\r\u{1B}[2K\(coloured)\n"
        }
        // What an earlier, longer block left below.
        if linesDrawn > rows.count { output += "\u{1B}[0J" }
        linesDrawn = rows.count
        return output
    }

    private func bar(_ progress: Double, before text: String, columns: Int) -> String {
        let percent = "\(LatencyText.whole((progress * 100).rounded(.down))) %"
        let width = min(40, columns - text.count - percent.count - 6)
        guard width >= 10 else { return "\(percent)  \(text)" }
        let filled = min(width, LatencyText.whole((progress * Double(width)).rounded(.down)))
        return "[" + String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
            + "] \(percent)  \(text)"
    }
}

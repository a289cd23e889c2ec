import Foundation

/// What is shown while a run goes on: one line rewritten in place on a terminal, otherwise a plain line each second.
/// A value; the caller writes what it returns.
struct ProgressDisplay: Sendable {
    enum Style: Sendable, Equatable {
        /// - Parameter columns: Characters that fit in a line.
        case terminal(columns: Int)
        case lines
    }

    private let style: Style
    private var lastShownAt = -Double.infinity
    /// The two kinds of progress have times of their own.
    private var credentialsShownAt = -Double.infinity
    private var lastConnects = 0

    init(style: Style) {
        self.style = style
    }

    /// Seconds between two lines.
    private var interval: Double {
        switch style {
        case .terminal: 0.2
        case .lines: 1.0
        }
    }

    /// What to write now, or nil if the last line is fresh enough.
    mutating func show(_ progress: LoadRun.Progress) -> String? {
        let elapsed = progress.elapsedSeconds
        guard elapsed - lastShownAt >= interval else { return nil }
        let connects = progress.counters.connects
        let span = lastShownAt.isFinite ? elapsed - lastShownAt : elapsed
        let rate = span > 0 ? Double(connects - lastConnects) / span : 0
        lastShownAt = elapsed
        lastConnects = connects
        let text = facts(progress, rate: rate)
        switch style {
        case .lines:
            return "\(seconds(elapsed))  \(text)\n"
        case .terminal(let columns):
            return "\r\u{1B}[2K" + bar(progress, before: text, columns: columns)
        }
    }

    /// While keys and certificates are being made.
    mutating func show(_ progress: CredentialIssuer.Progress, elapsed: Double) -> String? {
        guard elapsed - credentialsShownAt >= interval || progress.done == progress.total else { return nil }
        credentialsShownAt = elapsed
        let cached = progress.fromCache > 0 ? " (\(LatencyText.grouped(progress.fromCache)) from the cache)" : ""
        let text =
            "keys and certificates: \(LatencyText.grouped(progress.done)) of "
            + "\(LatencyText.grouped(progress.total))\(cached)"
        switch style {
        case .lines: return text + "\n"
        case .terminal: return "\r\u{1B}[2K" + text + (progress.done == progress.total ? "\n" : "")
        }
    }

    /// Ends the line that was being rewritten.
    var end: String {
        switch style {
        case .terminal: "\n"
        case .lines: ""
        }
    }

    private func facts(_ progress: LoadRun.Progress, rate: Double) -> String {
        let counters = progress.counters
        var parts = [
            progress.isConnectOnly
                ? "connects \(LatencyText.grouped(counters.connects))"
                : "connected \(LatencyText.grouped(progress.connectedNow))/\(LatencyText.grouped(progress.devices))",
            "\(LatencyText.render(number: rate)) connects/s",
        ]
        if counters.published > 0 { parts.append("published \(LatencyText.grouped(counters.published))") }
        parts.append("failures \(LatencyText.grouped(counters.failures))")
        return parts.joined(separator: "  ")
    }

    private func bar(_ progress: LoadRun.Progress, before text: String, columns: Int) -> String {
        let width = min(30, columns - text.count - 4)
        guard width >= 10 else { return String(text.prefix(max(0, columns - 1))) }
        let done = progress.isConnectOnly ? progress.counters.connects : progress.connectedNow
        let share = progress.devices > 0 ? Double(done) / Double(progress.devices) : 0
        let filled = min(width, Int((share * Double(width)).rounded(.down)))
        return "[" + String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled) + "] " + text
    }

    private func seconds(_ elapsed: Double) -> String {
        let text = String(Int(elapsed.rounded()))
        return String(repeating: " ", count: max(0, 5 - text.count)) + text + "s"
    }
}

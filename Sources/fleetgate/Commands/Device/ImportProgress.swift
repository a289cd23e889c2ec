import DeviceRegistry
import Synchronization

/// Shows how far an import is: a bar on a terminal, elsewhere a line for each tenth.
final class ImportProgress: Sendable {
    private static let barWidth = 30

    private struct State {
        /// What was shown last: a bar's text, or which tenth of which phase.
        var shown = ""
        var isBarOpen = false
    }

    private let isTerminal: Bool
    private let write: @Sendable (String) -> Void
    private let state = Mutex(State())

    init(isTerminal: Bool, write: @escaping @Sendable (String) -> Void) {
        self.isTerminal = isTerminal
        self.write = write
    }

    func show(_ progress: RegistryProgress) {
        let text = isTerminal ? Self.bar(progress) : Self.tenth(progress)
        state.withLock { state in
            guard let text, text != state.shown else { return }
            state.shown = text
            state.isBarOpen = isTerminal
            write(isTerminal ? "\r\(text)\u{1B}[K" : "\(text)\n")
        }
    }

    /// Ends the bar's line.
    func end() {
        state.withLock { state in
            if state.isBarOpen { write("\n") }
            state.isBarOpen = false
        }
    }

    private static func bar(_ progress: RegistryProgress) -> String {
        guard let total = progress.total, total > 0 else { return "\(progress.phase.rawValue) \(progress.rows) rows" }
        let done = min(max(progress.rows, 0), total)
        let (filled, percent) = (done * barWidth / total, done * 100 / total)
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: barWidth - filled)
        return "\(progress.phase.rawValue) [\(bar)] \(percent)% of \(total) rows"
    }

    private static func tenth(_ progress: RegistryProgress) -> String? {
        guard let total = progress.total, total > 0 else { return nil }
        return "\(progress.phase.rawValue): \(min(max(progress.rows, 0), total) * 10 / total * 10)% of \(total) rows"
    }
}

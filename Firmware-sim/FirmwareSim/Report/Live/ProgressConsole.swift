import Foundation
import Synchronization

/// Shows progress on standard error, so that standard output holds the report alone. Safe to use from any thread.
final class ProgressConsole: Sendable {
    private let isQuiet: Bool
    private let display: Mutex<ProgressDisplay>
    private let begun = ProcessInfo.processInfo.systemUptime

    init(isQuiet: Bool) {
        self.isQuiet = isQuiet
        self.display = Mutex(ProgressDisplay(style: TerminalStyle.ofStandardError))
    }

    func show(_ progress: CredentialIssuer.Progress) {
        let elapsed = ProcessInfo.processInfo.systemUptime - begun
        write { $0.show(progress, elapsed: elapsed) }
    }

    func show(_ progress: LoadRun.Progress) {
        write { $0.show(progress) }
    }

    /// Says something else in between. Nothing with `--quiet`.
    func notice(_ text: String) {
        write { $0.notice(text) }
    }

    func finish() {
        write { $0.end }
    }

    private func write(_ body: (inout ProgressDisplay) -> String?) {
        guard !isQuiet, let text = display.withLock({ body(&$0) }) else { return }
        Output.error(text)
    }
}

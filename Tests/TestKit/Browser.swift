internal import Foundation

/// A headless browser that opens one page and tells what became of it. Debian's package is `chromium-headless-shell`.
public struct Browser: Sendable {
    /// What the browser made of a page.
    public struct Page: Sendable {
        /// The document after its scripts have run, or the path of the picture.
        public let result: String
        /// Everything that the page wrote to its console, uncaught errors among it, one message a line.
        public let console: [String]
    }

    public enum ColorScheme: String, Sendable, CaseIterable {
        case light
        case dark

        /// Blink's own number for it (`preferredColorScheme`).
        var blinkValue: Int {
            switch self {
            case .dark: 0
            case .light: 1
            }
        }
    }

    private let path: String

    /// Nil where none is installed: a test that needs it is then skipped, and says so.
    public static func installed() -> Browser? {
        let names = ["chromium-headless-shell", "chromium", "google-chrome"]
        return names.lazy.compactMap(Program.installed).first.map(Browser.init(path:))
    }

    /// The document that a file becomes.
    public func document(
        of file: String, in directory: ScratchDirectory, _ scheme: ColorScheme
    ) async throws -> Page {
        let outcome = try await self.run(["--dump-dom"], file, directory, scheme)
        return Page(result: outcome.standardOutput, console: Self.consoleMessages(outcome.standardError))
    }

    /// A picture of it, as PNG; what is below the window is not in it.
    public func picture(
        of file: String, in directory: ScratchDirectory, _ scheme: ColorScheme
    ) async throws -> Page {
        let picture = "\(directory.path)/\(UUID().uuidString).png"
        let outcome = try await self.run(["--screenshot=\(picture)"], file, directory, scheme)
        return Page(result: picture, console: Self.consoleMessages(outcome.standardError))
    }

    /// - Parameter directory: For the browser's own files.
    private func run(
        _ task: [String], _ file: String, _ directory: ScratchDirectory, _ scheme: ColorScheme
    ) async throws -> RunningProcess.Outcome {
        let options = [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
            "--user-data-dir=\(directory.path)/browser", "--window-size=1000,1400",
            "--blink-settings=preferredColorScheme=\(scheme.blinkValue)", "--enable-logging=stderr", "--v=0",
        ]
        let outcome = try await Program.run(
            self.path, options + task + [URL(fileURLWithPath: file).absoluteString])
        guard outcome.status == 0 else {
            throw FleetGateProcess.Failure(
                description: "the browser ended with \(outcome.status):\n\(outcome.everything)")
        }
        return outcome
    }

    /// The page's messages are logged as `…:CONSOLE:LINE] "TEXT", source: …`; everything else is the browser's own.
    private static func consoleMessages(_ log: String) -> [String] {
        log.split(whereSeparator: \.isNewline).filter { $0.contains("CONSOLE:") || $0.contains("CONSOLE(") }
            .map(String.init)
    }
}

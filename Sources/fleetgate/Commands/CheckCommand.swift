import ArgumentParser
import FleetPolicy
import Foundation

/// `fleetgate check`.
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check the configuration and everything it names, and say what would be served.",
        discussion: """
            Reads what `serve` would read: the configuration, all device profiles, certificates, keys, pass phrases. \
            Every mistake is shown, not only the first, as file:line:column: key: message. Nothing is started or \
            changed.

            EXAMPLES
              fleetgate check --config /etc/fleetgate/fleetgate.yaml
              fleetgate check --config fleetgate.yaml --json | jq '.mistakes[].message'

            Exit status 0: `serve` would start. 1: it would not.
            """)

    @Option(name: .shortAndLong, help: ArgumentHelp("The configuration file.", valueName: "file"))
    var config: String

    @Flag(help: "Print one JSON object instead of text.")
    var json = false

    func run() throws {
        let report = CheckReport.make(config, environment: ProcessInfo.processInfo.environment)
        if json {
            print(try JSONText.encode(report))
        } else {
            for mistake in report.mistakes { Terminal.printError(mistake.text) }
            for warning in report.warnings { Terminal.printError("warning: \(warning)") }
            if let summary = report.summary { print(summary.text(for: config)) }
            if !report.mistakes.isEmpty {
                Terminal.printError(report.mistakes.count == 1 ? "1 mistake" : "\(report.mistakes.count) mistakes")
            }
        }
        if !report.ok { throw ExitCode(1) }
    }
}

struct CheckReport: Encodable {
    struct Mistake: Encodable, Equatable {
        let file: String
        let line: Int
        let column: Int
        let key: String
        let code: String
        let message: String
        let hint: String?

        var text: String {
            var text = "\(file):\(line):\(column): "
            if !key.isEmpty { text += "\(key): " }
            text += message
            if let hint { text += " (hint: \(hint))" }
            return LogText.visible(text)
        }
    }

    let ok: Bool
    let mistakes: [Mistake]
    let warnings: [String]
    let summary: ServingSummary?

    static func make(_ path: String, environment: [String: String], now: Date = Date()) -> CheckReport {
        switch LoadedConfiguration.load(path, environment: environment, now: now) {
        case .success(let loaded):
            CheckReport(ok: true, mistakes: [], warnings: loaded.warnings, summary: ServingSummary(loaded))
        case .failure(let all):
            CheckReport(ok: false, mistakes: all.mistakes.map(Mistake.init), warnings: [], summary: nil)
        }
    }
}

extension CheckReport.Mistake {
    init(_ mistake: OperatorMistake) {
        self.init(
            file: mistake.location.file, line: mistake.location.line, column: mistake.location.column,
            key: mistake.key, code: mistake.code.description, message: mistake.message, hint: mistake.hint)
    }
}

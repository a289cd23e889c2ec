import ArgumentParser
import Foundation
import NIOCore

/// `firmware-sim scenario list`.
struct ScenarioListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Lists the scenarios that ship.",
        discussion: """
            DEVICES and TIME are those of the file; 'scenario run' scales both.

            EXAMPLES
              firmware-sim scenario list
              firmware-sim scenario list --json | jq -r '.[].name'
            """
    )

    @Flag(help: "As JSON: name, summary, devices, fleets, seconds, stages and assertions of each.")
    var json = false

    func run() throws {
        Output.standard(try json ? Listing.json(Self.entries()) : Self.table())
    }

    struct Entry: Codable, Equatable {
        var name: String
        var summary: String
        var devices: Int
        var seconds: Double
        var fleets: [String]
        var stages: [String]
        var assertions: [String]
    }

    static func entries() throws -> [Entry] {
        try ScenarioLibrary.names.map { name in
            let scenario = try ScenarioLibrary.scenario(named: name)
            return Entry(
                name: name, summary: scenario.summary, devices: scenario.devices, seconds: scenario.seconds,
                fleets: scenario.fleets.map(\.name), stages: scenario.stages.map(\.name),
                assertions: scenario.assertions.map(\.text))
        }
    }

    static func table() throws -> String {
        let rows = try entries().map { entry in
            [
                entry.name, LatencyText.grouped(entry.devices), Listing.time(seconds: entry.seconds), entry.summary,
            ]
        }
        return Listing.table(header: ["SCENARIO", "DEVICES", "TIME", "SUMMARY"], rows: rows, textColumn: 3)
    }
}

/// `firmware-sim scenario show`.
struct ScenarioShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Prints the file of a scenario that ships, to read or to begin your own with.",
        discussion: """
            EXAMPLES
              firmware-sim scenario show hostile-mix
              firmware-sim scenario show steady-fleet > my-fleet.yaml
            """
    )

    @Argument(help: ArgumentHelp("Its name; see 'scenario list'.", valueName: "name"))
    var name: String

    func validate() throws {
        guard ScenarioLibrary.text(named: name) == nil else { return }
        let hint = NearestName.hint(for: name, among: ScenarioLibrary.names)
        throw ValidationError("there is no scenario '\(name)' (\(hint))")
    }

    func run() throws {
        Output.standard(ScenarioLibrary.text(named: name) ?? "")
    }
}

/// `firmware-sim scenario check`.
struct ScenarioCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Reads scenario files and reports all their mistakes; connects to nothing.",
        discussion: """
            Each mistake is a line FILE:LINE:COLUMN: KEY: PROBLEM (HINT) on standard error. The exit code is 0 if there \
            is none, and 1 otherwise.

            EXAMPLES
              firmware-sim scenario check my-storm.yaml
              firmware-sim scenario check scenarios/*.yaml
            """
    )

    @Argument(help: ArgumentHelp("Files, or names of scenarios that ship.", valueName: "file"))
    var files: [String]

    func run() throws {
        let (good, mistakes) = Self.check(files)
        Output.standard(good)
        guard mistakes.isEmpty else {
            Output.error(mistakes.map { "\($0)\n" }.joined())
            throw ExitCode.failure
        }
    }

    /// What is to be said of the good ones, and the mistakes of the others.
    static func check(_ files: [String]) -> (good: String, mistakes: [SourceMistake]) {
        var good = ""
        var mistakes: [SourceMistake] = []
        for file in files {
            do throws(SourceMistakes) {
                let scenario = try ScenarioLibrary.scenario(named: file)
                let devices = LatencyText.grouped(scenario.devices)
                good += "\(file): good: \(scenario.name), \(devices) devices in \(scenario.fleets.count) fleets, "
                good += "\(Listing.time(seconds: scenario.seconds)), \(scenario.assertions.count) assertions\n"
            } catch {
                mistakes += error.mistakes
            }
        }
        return (good, mistakes)
    }
}

extension Scenario {
    /// In all fleets.
    fileprivate var devices: Int { fleets.reduce(0) { $0 + $1.specification.count } }

    /// Of all stages.
    fileprivate var seconds: Double { stages.reduce(0) { $0 + Double($1.duration.nanoseconds) / 1e9 } }
}

/// How lists are printed.
enum Listing {
    /// Columns of a terminal that a table is made for.
    private static let columns = 100

    /// `90s`, `7m`, `2h 5m`.
    static func time(seconds: Double) -> String {
        let whole = Int(min(seconds.rounded(), SimulatorLimits.durationSecondsMax))
        switch whole {
        case ..<60: return "\(whole)s"
        case ..<3_600: return whole % 60 == 0 ? "\(whole / 60)m" : "\(whole / 60)m \(whole % 60)s"
        default: return whole / 60 % 60 == 0 ? "\(whole / 3_600)h" : "\(whole / 3_600)h \(whole / 60 % 60)m"
        }
    }

    static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self) + "\n"
    }

    /// The first column and the last begin at the left, the others end at the right. The last is broken into lines.
    static func table(header: [String], rows: [[String]], textColumn: Int) -> String {
        let all = [header] + rows
        let widths = header.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        let indent = widths.prefix(textColumn).reduce(0) { $0 + $1 + 3 }
        var output = ""
        for row in all {
            var line = ""
            for (column, cell) in row.prefix(textColumn).enumerated() {
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                line += (column == 0 ? cell + padding : padding + cell) + "   "
            }
            let text = wrapped(row[textColumn], width: max(30, columns - indent))
            output += line + text.joined(separator: "\n" + String(repeating: " ", count: indent)) + "\n"
        }
        return output
    }

    private static func wrapped(_ text: String, width: Int) -> [String] {
        var lines = [""]
        for word in text.split(separator: " ") {
            let last = lines[lines.count - 1]
            if last.isEmpty {
                lines[lines.count - 1] = String(word)
            } else if last.count + 1 + word.count <= width {
                lines[lines.count - 1] += " \(word)"
            } else {
                lines.append(String(word))
            }
        }
        return lines
    }
}

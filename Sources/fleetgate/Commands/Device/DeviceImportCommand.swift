import AdminAPI
import ArgumentParser
import DeviceRegistry
import Foundation

/// `fleetgate device import`.
struct DeviceImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Register many devices from a file: all of them, or none.",
        discussion: """
            CSV with a header line, or JSON lines; which of them it is, its first character says. Every row that is \
            wrong is shown, as file:line: message, and then nothing is changed.

            COLUMNS of CSV, in any order
              device         TENANT/DEVICE; or the id alone, with a column tenant
              tenant, state, profile, note, password-hash
              attribute.NAME, override.LIMIT, pin.1 to pin.5

            What a file has no column for stays as it is. A pin is certificate:HEX or public-key:HEX. JSON lines have \
            the same names, with objects "attributes" and "overrides" and a list "pins".

            EXAMPLES
              fleetgate device import -c gate/fleetgate.yaml fleet.csv --dry-run
              fleetgate device import -c gate/fleetgate.yaml fleet.csv
              zcat fleet.jsonl.gz | fleetgate device import \\
                -c gate/fleetgate.yaml - --update
            """)

    @OptionGroup var gateway: GatewayOptions

    @Flag(help: "Change devices that are registered already; without it they are mistakes.")
    var update = false

    @Flag(help: "Check everything and change nothing.")
    var dryRun = false

    @Flag(help: "Print one JSON object about what was done.")
    var json = false

    @Argument(
        help: "The file; - is standard input.", completion: .file(extensions: ["csv", "jsonl", "ndjson", "json"]))
    var file: String

    func run() async throws {
        let contents = try DeviceFile.read(file)
        let header = DeviceExchange.ImportHeader(
            format: DeviceFile.format(of: contents), mode: update ? .update : .add, dryRun: dryRun)
        try await gateway.withDevices(creates: true) { devices in
            let progress = ImportProgress(isTerminal: isatty(STDERR_FILENO) == 1) {
                try? FileHandle.standardError.write(contentsOf: Data($0.utf8))
            }
            let summary: ImportSummary
            do {
                summary = try await devices.importDevices(header, contents: contents) { progress.show($0) }
                progress.end()
            } catch let failure as ControlFailure {
                progress.end()
                for line in ImportReport.lines(failure, file: file) { Terminal.printError(line) }
                throw ExitCode.failure
            } catch {
                progress.end()
                throw error
            }
            print(json ? try JSONText.encode(summary) : ImportReport.text(summary, dryRun: dryRun))
        }
    }
}

/// The files that imports are read from.
enum DeviceFile {
    static func read(_ path: String) throws -> [UInt8] {
        guard path == "-" else { return try BoundedFile.read(path, bytesMax: DeviceImport.bytesMax) }
        var contents: [UInt8] = []
        while let part = try FileHandle.standardInput.read(upToCount: 1 << 16), !part.isEmpty {
            contents += part
            guard contents.count <= DeviceImport.bytesMax else {
                throw CommandFailure("standard input has more than \(DeviceImport.bytesMax) bytes")
            }
        }
        return contents
    }

    /// JSON lines begin with a brace, which no header of CSV does. A byte order mark does not matter.
    static func format(of contents: [UInt8]) -> DeviceFileFormat {
        let text = contents.starts(with: [0xEF, 0xBB, 0xBF]) ? contents.dropFirst(3) : contents[...]
        let first = text.first { !" \t\r\n".utf8.contains($0) }
        return first == UInt8(ascii: "{") ? .jsonLines : .csv
    }
}

/// What an import has done, or why not, in words.
enum ImportReport {
    static func text(_ summary: ImportSummary, dryRun: Bool) -> String {
        let parts = "\(summary.added) added, \(summary.updated) changed, \(summary.unchanged) as they were"
        return "\(summary.rows) \(summary.rows == 1 ? "row" : "rows"): \(parts)"
            + (dryRun ? " (nothing was changed: dry run)" : "")
    }

    static func lines(_ failure: ControlFailure, file: String) -> [String] {
        let mistakes = failure.mistakes ?? []
        guard !mistakes.isEmpty else { return [LogText.visible("\(file): \(failure.message)")] }
        let all = failure.mistakeCount ?? mistakes.count
        let rest = all > mistakes.count ? ["and \(all - mistakes.count) more"] : []
        return mistakes.map { mistake in
            let place = mistake.line > 0 ? "\(file):\(mistake.line): " : "\(file): "
            let field = mistake.key.map { $0.isEmpty ? "" : "\($0): " } ?? ""
            return LogText.visible(place + field + mistake.message)
        } + rest + ["\(all) \(all == 1 ? "mistake" : "mistakes"); nothing was changed"]
    }
}

import ArgumentParser
import FleetPolicy
import Foundation

/// `fleetgate audit show`.
struct AuditShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Print one line of the audit log, field by field.",
        discussion: """
            EXAMPLES
              fleetgate audit show --line 1017 gate/audit
              fleetgate audit show --line 1017 --config gate/fleetgate.yaml --json

            EXIT STATUS
              0   printed
              1   there is no such line
            """)

    @OptionGroup var location: AuditLocationOptions

    @Option(help: ArgumentHelp("The line's number in the chain, `seq`.", valueName: "number"))
    var line: Int64

    @Flag(help: "Print the line as it is in its file.")
    var json = false

    func run() throws {
        var found: AuditSearch.Hit?
        let search = AuditSearch(folder: try location.location(), query: AuditQuery(sequence: line))
        _ = try search.run { hit in
            found = hit
            return .enough
        }
        guard let found else { throw CommandFailure("there is no line \(line)") }
        print(json ? String(decoding: found.bytes, as: UTF8.self) : AuditLineText.fields(found.line, file: found.file))
    }
}

/// Lines of the audit log for people.
enum AuditLineText {
    /// Time, number and kind, then what a reader wants first, then the other fields as `key=value`.
    static func line(_ line: AuditLine) -> String {
        let leading: [AuditKey] = [.outcome, .action, .reason, .actor, .target, .tenant, .device]
        let names = Set(leading.map(\.rawValue))
        let first = leading.compactMap { key in line.fields.first { $0.name == key.rawValue } }
        let rest = line.fields.filter { !names.contains($0.name) && !isLong($0.name) }
        let fields = (first + rest).map { name, value in
            let text = LogText.visible(text(value))
            return "\(LogText.visible(name))=\(text.contains(" ") || text.isEmpty ? LogText.json(text) : text)"
        }
        let kind = LogText.visible(line.kind).padding(toLength: 14, withPad: " ", startingAt: 0)
        return "\(LogText.visible(line.time)) \(line.sequence) \(kind) \(fields.joined(separator: " "))"
    }

    /// One line for each field.
    static func fields(_ line: AuditLine, file: String) -> String {
        let head = [
            ["file", file], ["seq", "\(line.sequence)"], ["previous", HexadecimalText.text(line.previous)],
            ["time", line.time], ["kind", line.kind],
        ]
        return AlignedColumns.text(head + line.fields.map { [$0.name, text($0.value)] })
    }

    /// What only programs read.
    private static func isLong(_ name: String) -> Bool {
        [AuditKey.signature, .publicKey, .hash, .trustAnchorSHA256].contains { $0.rawValue == name }
    }

    private static func text(_ value: AuditField.Value) -> String {
        switch value {
        case .text(let text): text
        case .number(let number): "\(number)"
        case .flag(let flag): flag ? "true" : "false"
        }
    }
}

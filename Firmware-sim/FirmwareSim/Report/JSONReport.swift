import Foundation

/// A ``RunReport`` as JSON: what `--json` writes, and what `compare` and `merge` read.
enum JSONReport {
    static func render<Value: Encodable>(_ value: Value) throws(SimulatorError) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(value) else {
            throw .machine("report-unencodable", "the report could not be written as JSON")
        }
        return compact(String(decoding: data, as: UTF8.self)) + "\n"
    }

    /// Lists of plain numbers on one line: a histogram's buckets would otherwise take four lines each.
    private static func compact(_ text: String) -> String {
        var output = ""
        output.reserveCapacity(text.utf8.count / 2)
        var pending = ""
        var isPending = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let trimmed = line.drop { $0 == " " }
            let isNumber = trimmed.utf8.first.map { (0x30...0x39).contains($0) || $0 == 0x2D } ?? false
            if isPending, isNumber {
                pending += trimmed + (trimmed.hasSuffix(",") ? " " : "")
                continue
            }
            if isPending {
                isPending = false
                output += pending
                if trimmed.hasPrefix("]") {
                    output += trimmed + "\n"
                    continue
                }
                output += "\n"
            }
            if line.hasSuffix("[") {
                pending = String(line)
                isPending = true
                continue
            }
            output += line + "\n"
        }
        while output.last == "\n" { output.removeLast() }
        return output
    }

    /// Reads a report that somebody else may have written.
    ///
    /// - Throws: ``SimulatorError`` of the file: not there, too large, no report, another schema, or values that no run
    ///   can have had (all of them are named, up to ten).
    static func read(_ path: String) throws(SimulatorError) -> RunReport {
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw .file("file-unreadable", "cannot open \(path)")
        }
        defer { try? handle.close() }
        guard let data = try? handle.read(upToCount: SimulatorLimits.reportFileBytesMax + 1) ?? Data() else {
            throw .file("file-unreadable", "cannot read \(path)")
        }
        guard data.count <= SimulatorLimits.reportFileBytesMax else {
            throw .file(
                "file-too-large",
                "\(path) has more than \(SimulatorLimits.reportFileBytesMax >> 20) MiB; no report is so long")
        }
        return try parse(data, path: path)
    }

    static func parse(_ data: Data, path: String) throws(SimulatorError) -> RunReport {
        struct Version: Decodable {
            var schema: Int
            var tool: String
        }
        let decoder = JSONDecoder()
        guard let version = try? decoder.decode(Version.self, from: data), version.tool == "firmware-sim" else {
            throw .file("not-a-report", "\(path) is not a report of firmware-sim (made with --json)")
        }
        guard version.schema == RunReport.schemaVersion else {
            throw .file(
                "other-schema",
                "\(path) has report schema \(version.schema), and this program reads \(RunReport.schemaVersion); use the same "
                    + "version of firmware-sim for all reports")
        }
        let report: RunReport
        do {
            report = try decoder.decode(RunReport.self, from: data)
        } catch {
            throw .file("not-a-report", "\(path) is not a complete report: \(explanation(error))")
        }
        let problems = ReportCheck.problems(of: report)
        guard problems.isEmpty else {
            throw .file("bad-report", "\(path) cannot be the report of a run: " + problems.joined(separator: "; "))
        }
        return report
    }

    private static func explanation(_ error: any Error) -> String {
        guard let error = error as? DecodingError else { return "it cannot be read" }
        func path(_ context: DecodingError.Context) -> String {
            PrintableText.clean(context.codingPath.map(\.stringValue).joined(separator: "."))
        }
        switch error {
        case .keyNotFound(let key, let context): return "'\(key.stringValue)' is missing at '\(path(context))'"
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            return "'\(path(context))' is of another kind"
        case .dataCorrupted(let context): return "'\(path(context))' cannot be read"
        @unknown default: return "it cannot be read"
        }
    }
}

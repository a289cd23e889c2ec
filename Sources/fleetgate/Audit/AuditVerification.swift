import Foundation

/// What is wrong with a log, and where.
struct AuditFinding: Sendable, Hashable, Codable {
    /// A stable code in kebab-case.
    enum Code: String, Sendable, Hashable, Codable, CaseIterable {
        /// The line after it names another hash than the line has.
        case changedLine = "changed-line"
        /// The bytes are not a line of an audit log.
        case malformedLine = "malformed-line"
        /// Numbers are missing.
        case removedLines = "removed-lines"
        /// A number that there has been before.
        case insertedLine = "inserted-line"
        /// A line that belongs further up.
        case reorderedLine = "reordered-line"
        /// The file ends in the midst of a line.
        case partialLine = "partial-line"
        case missingFile = "missing-file"
        /// A checkpoint's signature is not by a key that may sign.
        case badSignature = "bad-signature"
        /// Lines are not there that a checkpoint has signed.
        case truncatedLog = "truncated-log"
        case unreadableFile = "unreadable-file"
    }

    let code: Code
    /// The file's name.
    let file: String
    /// The line in the file, counted from 1; nil: the file as a whole.
    let line: Int?
    /// The line's number in the chain; nil where it has none.
    let sequence: Int64?
    let detail: String

    var text: String {
        "\(file)\(line.map { ":\($0)" } ?? ""): \(code.rawValue): \(detail)"
    }
}

/// What a verification has found out.
struct AuditVerificationReport: Sendable, Codable {
    enum CodingKeys: String, CodingKey {
        case folder, files, lines, findings, notes, keys
        case findingsLeftOut = "findings-left-out"
        case firstSequence = "first-sequence"
        case lastSequence = "last-sequence"
        case lastHash = "last-hash"
        case provenThrough = "proven-through"
        case isIntact = "intact"
    }

    /// Findings that are kept; further ones are counted.
    static let findingsMax = 100

    let folder: String
    var files = 0
    var lines = 0
    var firstSequence: Int64?
    var lastSequence: Int64?
    /// Of the last line, in hexadecimal: who keeps it elsewhere can tell later that nothing was cut off.
    var lastHash: String?
    /// The number of the last line that a checkpoint proves together with all before it; nil: none is.
    var provenThrough: Int64?
    var findings: [AuditFinding] = []
    var findingsLeftOut = 0
    /// What is worth knowing and no fault.
    var notes: [String] = []
    /// The fingerprints of the keys that checkpoints are signed with, in the order of their use.
    var keys: [String] = []
    var isIntact = true

    mutating func add(_ finding: AuditFinding) {
        isIntact = false
        if findings.count < Self.findingsMax { findings.append(finding) } else { findingsLeftOut += 1 }
    }

    var text: String {
        var text = findings.map(\.text) + notes
        if findingsLeftOut > 0 { text.append("and \(findingsLeftOut) more findings") }
        let range =
            if let first = firstSequence, let last = lastSequence { ", \(first) to \(last)" } else { "" }
        text.append("\(lines) lines\(range) in \(files) \(files == 1 ? "file" : "files")")
        for key in keys { text.append("signed with \(key)") }
        let proven =
            provenThrough.map { through in
                lastSequence == through
                    ? "all lines are proven by a checkpoint"
                    : "proven by a checkpoint up to line \(through); what stands behind it is chained and not yet signed"
            } ?? "no line is proven by a checkpoint"
        text.append(proven)
        text.append(isIntact ? "intact" : "NOT INTACT")
        return text.joined(separator: "\n")
    }
}

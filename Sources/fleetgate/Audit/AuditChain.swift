import Crypto
import FleetPolicy

/// The chain of lines: where it is, and what the next line looks like.
///
/// A line is one JSON object on one line of UTF-8:
/// `{"seq":N,"previous":"HASH","time":"…","kind":"…",…}`, with those four first and in this order. `HASH` is the SHA-256,
/// in 64 lower-case hexadecimal digits, of the bytes of the line with the number `N - 1`, without its newline; 64 zeros
/// in the first line of all. So whoever changes, removes or moves a line has to write every later one anew, and those
/// with a checkpoint among them cannot be without the signing key.
struct AuditChain: Sendable, Hashable {
    /// What the first line of all has for a line before.
    static let beginning = [UInt8](repeating: 0, count: 32)

    /// The number of the last line; 0: there is none yet.
    private(set) var sequence: Int64
    /// SHA-256 of the last line.
    private(set) var head: [UInt8]

    init(sequence: Int64 = 0, head: [UInt8] = Self.beginning) {
        self.sequence = sequence
        self.head = head
    }

    /// The bytes of the next line, without its newline; the chain goes on from it.
    mutating func line(_ entry: AuditEntry) -> [UInt8] {
        var line = open(entry)
        line.append(UInt8(ascii: "}"))
        close(line)
        return line
    }

    /// The next line as a checkpoint: what stands before its last field is what is signed, from the first byte on.
    ///
    /// - Parameter lines: Written since the checkpoint before.
    mutating func checkpoint(
        at milliseconds: Int64, reason: CheckpointReason, lines: Int, key: AuditSigningKey
    ) throws(AuditError) -> [UInt8] {
        let entry = AuditEntry(
            .checkpoint, at: milliseconds,
            [
                .text(.key, key.fingerprint), .text(.reason, reason.rawValue), .number(.lines, lines),
            ])
        var line = open(entry)
        let signature = try key.signature(of: line)
        line.append(contentsOf: AuditLine.signatureOpening)
        line.append(contentsOf: signature.utf8)
        line.append(contentsOf: "\"}".utf8)
        close(line)
        return line
    }

    /// Why a checkpoint was made.
    enum CheckpointReason: String, Sendable {
        case lines, time, rotation, retention, stop
    }

    private func open(_ entry: AuditEntry) -> [UInt8] {
        var line: [UInt8] = []
        line.reserveCapacity(768)
        line.append(contentsOf: "{\"seq\":".utf8)
        line.append(contentsOf: String(sequence + 1).utf8)
        line.append(contentsOf: ",\"previous\":\"".utf8)
        HexadecimalText.append(head, to: &line)
        line.append(contentsOf: "\",\"time\":\"".utf8)
        UTCTime.append(entry.milliseconds, to: &line)
        line.append(contentsOf: "\",\"kind\":\"".utf8)
        line.append(contentsOf: entry.kind.rawValue.utf8)
        line.append(UInt8(ascii: "\""))
        for field in entry.fields {
            line.append(contentsOf: ",\"".utf8)
            line.append(contentsOf: field.key.rawValue.utf8)
            line.append(contentsOf: "\":".utf8)
            switch field.value {
            case .text(let text): AuditText.appendJSON(text, to: &line)
            case .number(let number): line.append(contentsOf: String(number).utf8)
            case .flag(let flag): line.append(contentsOf: (flag ? "true" : "false").utf8)
            }
        }
        return line
    }

    private mutating func close(_ line: [UInt8]) {
        sequence += 1
        head = Self.hash(line)
    }

    static func hash(_ line: some Sequence<UInt8>) -> [UInt8] {
        var hash = SHA256()
        hash.update(data: Array(line))
        return Array(hash.finalize())
    }
}

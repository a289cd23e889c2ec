import Foundation

/// The lines of one file of the log, one after the other, in bounded memory.
final class AuditFileReader {
    /// What stands between two newlines.
    enum Item: Sendable {
        /// A line, without its newline, and where it begins in the file.
        case line(ArraySlice<UInt8>, offset: Int)
        /// More bytes than a line may have.
        case tooLong(offset: Int)
        /// Bytes at the end of the file that no newline ends.
        case partial(ArraySlice<UInt8>, offset: Int)
    }

    private static let chunkBytes = 1 << 20

    private let handle: FileHandle
    private var buffer: ArraySlice<UInt8> = []
    /// Of the first byte of ``buffer`` in the file.
    private var offset = 0
    private var isAtEnd = false

    /// - Throws: ``AuditError`` when the file cannot be opened.
    init(_ path: String) throws(AuditError) {
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw AuditError(.disk, "\(path) cannot be read")
        }
        self.handle = handle
    }

    deinit { try? handle.close() }

    /// Bytes that have been passed over by ``next()``.
    var position: Int { offset }

    /// Nil at the end of the file; asked again later, it goes on with what has been written since, where `partial` was
    /// not given back.
    ///
    /// - Parameter keepsPartial: Whether what no newline ends yet is left for later instead of being given back.
    func next(keepsPartial: Bool = false) throws(AuditError) -> Item? {
        var isSkipping = false
        let start = offset
        var searched = 0
        while true {
            if let newline = buffer.dropFirst(searched).firstIndex(of: UInt8(ascii: "\n")) {
                let line = buffer[buffer.startIndex..<newline]
                drop(through: newline)
                let isTooLong = isSkipping || line.count > AuditLimits.lineBytes
                return isTooLong ? .tooLong(offset: start) : .line(line, offset: start)
            }
            if buffer.count > AuditLimits.lineBytes {
                // Nothing of it is wanted any more.
                isSkipping = true
                offset += buffer.count
                buffer = []
            }
            searched = buffer.count
            guard try fill() else {
                if isSkipping { return .tooLong(offset: start) }
                guard !buffer.isEmpty, !keepsPartial else { return nil }
                let rest = buffer
                offset += rest.count
                buffer = []
                return .partial(rest, offset: start)
            }
        }
    }

    private func drop(through newline: Int) {
        offset += newline + 1 - buffer.startIndex
        buffer = buffer[(newline + 1)...]
    }

    private func fill() throws(AuditError) -> Bool {
        let data: Data?
        do {
            data = try handle.read(upToCount: Self.chunkBytes)
        } catch {
            throw AuditError(.disk, "a file of the audit log cannot be read")
        }
        guard let data, !data.isEmpty else { return false }
        buffer = ArraySlice(Array(buffer) + Array(data))
        return true
    }

    /// The first line of a file; nil when it has none that is one of ours.
    static func firstLine(_ path: String) -> AuditLine? {
        guard let reader = try? AuditFileReader(path), case .line(let bytes, _)? = try? reader.next() else {
            return nil
        }
        return AuditLine(bytes)
    }
}

/// How a file of the log ends.
struct AuditTail: Sendable {
    /// The last whole line, and its hash; nil: the file has none.
    let last: (line: AuditLine, hash: [UInt8])?
    /// Bytes up to the end of the last whole line.
    let wholeBytes: Int
    /// What stands behind it.
    let rest: [UInt8]

    /// - Throws: ``AuditError`` when the file cannot be read, or its last whole line is not one of ours.
    static func read(_ path: String) throws(AuditError) -> AuditTail {
        guard let handle = FileHandle(forReadingAtPath: path), let end = try? handle.seekToEnd() else {
            throw AuditError(.disk, "\(path) cannot be read")
        }
        defer { try? handle.close() }
        // From the end on backwards, piece by piece, until two newlines are there or the file begins.
        var bytes: [UInt8] = []
        var start = Int(clamping: end)
        while start > 0 {
            let count = min(start, max(pieceBytes, bytes.count))
            start -= count
            guard (try? handle.seek(toOffset: UInt64(start))) != nil, let piece = try? handle.read(upToCount: count),
                piece.count == count
            else { throw AuditError(.disk, "\(path) cannot be read") }
            bytes = Array(piece) + bytes
            if isEnough(bytes) { break }
            guard bytes.count <= restBytesMax else {
                throw AuditError(.damaged, "\(path) does not end in a line of an audit log")
            }
        }
        guard let newline = bytes.lastIndex(of: UInt8(ascii: "\n")) else {
            return AuditTail(last: nil, wholeBytes: 0, rest: bytes)
        }
        let rest = Array(bytes[(newline + 1)...])
        let before = bytes[..<newline]
        let begin = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        let lastBytes = before[begin...]
        guard let line = AuditLine(lastBytes) else {
            throw AuditError(
                .damaged,
                "the last line of \(path) is not one that a gateway writes; `fleetgate audit verify` says more, and a new "
                    + "log can be begun in another folder")
        }
        return AuditTail(
            last: (line, AuditChain.hash(lastBytes)), wholeBytes: start + newline + 1, rest: rest)
    }

    private static let pieceBytes = 64 << 10
    /// What a crash can leave behind the last whole line: a batch, and zeros of a file system that grew the file first.
    private static let restBytesMax = 64 << 20

    /// Whether a whole line is in it.
    private static func isEnough(_ bytes: [UInt8]) -> Bool {
        guard let last = bytes.lastIndex(of: UInt8(ascii: "\n")) else { return false }
        return bytes[..<last].contains(UInt8(ascii: "\n"))
    }
}

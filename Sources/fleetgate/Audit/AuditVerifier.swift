import FleetPolicy
import Foundation

/// Reads a whole log and says whether it is as it was written. Bounded memory, however long the log is.
struct AuditVerifier {
    private let folder: AuditFolder
    /// The keys that may sign; nil: those that the log itself names.
    private let allowedKeys: [AuditPublicKey]?
    private let isWritten: Bool
    private let onProgress: (_ bytes: Int, _ total: Int) -> Void

    private var report: AuditVerificationReport
    /// The last line that was taken as one of the chain.
    private var sequence: Int64 = 0
    private var hash = AuditChain.beginning
    private var place: (file: String, line: Int) = ("", 0)
    /// Numbers that are missing so far: a line that has one of them later has only been moved.
    private var gaps: [(range: ClosedRange<Int64>, file: String, line: Int)] = []
    /// The key that the log has named last.
    private var declared: AuditPublicKey?
    /// When retention removed what stood before the first line; nil: no line says that it did.
    private var removedAt: String?
    private var first: (sequence: Int64, previous: [UInt8])?
    /// Whether a line was found that the copy of the newest checkpoint names.
    private var hasLastCheckpoint = false
    private let lastCheckpoint: (line: AuditLine, hash: [UInt8])?
    /// Where the file says that the log goes on.
    private var nextFile: String?
    /// Lines in a row that could not be read: they have taken numbers, and the hash of the last one is not known.
    private var unread: Int64 = 0

    /// Gaps kept at a time; more are reported as they come.
    private static let gapsMax = 100

    /// - Parameters:
    ///   - keys: Public keys that the operator trusts; nil: those that the log names, which proves only that one and the
    ///     same wrote it all.
    ///   - onProgress: Called now and then with the bytes read and all bytes.
    init(
        _ folder: AuditFolder, keys: [AuditPublicKey]?, onProgress: @escaping (_ bytes: Int, _ total: Int) -> Void
    ) {
        self.folder = folder
        allowedKeys = keys
        isWritten = AuditLock.isHeld(folder)
        self.onProgress = onProgress
        report = AuditVerificationReport(folder: folder.path)
        lastCheckpoint = folder.lastCheckpoint()
    }

    /// - Throws: ``AuditError`` when the folder cannot be listed.
    mutating func run() throws(AuditError) -> AuditVerificationReport {
        let numbers = try folder.numbers()
        let sizes = numbers.map { AuditSearch.size(folder.path($0)) }
        let total = sizes.reduce(0, +)
        var done = 0
        for (index, number) in numbers.enumerated() {
            reportMissing(before: number, numbers, index)
            let (show, before) = (onProgress, done)
            read(number, isLast: index == numbers.count - 1) { show(before + $0, total) }
            done += sizes[index]
        }
        report.files = numbers.count
        conclude(numbers)
        return report
    }

    // MARK: Files

    private mutating func reportMissing(before number: Int, _ numbers: [Int], _ index: Int) {
        guard index > 0, number > numbers[index - 1] + 1 else { return }
        let (from, to) = (numbers[index - 1] + 1, number - 1)
        add(
            .missingFile, AuditFolder.name(from), nil, nil,
            from == to ? "the file is missing" : "the files up to \(AuditFolder.name(to)) are missing")
        nextFile = nil
    }

    private mutating func read(_ number: Int, isLast: Bool, progress: (Int) -> Void) {
        let name = AuditFolder.name(number)
        nextFile = nil
        var line = 0
        do throws(AuditError) {
            let reader = try AuditFileReader(folder.path(number))
            while let item = try reader.next() {
                line += 1
                switch item {
                case .line(let bytes, _): take(bytes, name, line)
                case .tooLong:
                    unread += 1
                    add(.malformedLine, name, line, nil, "more than \(AuditLimits.lineBytes) bytes without a newline")
                case .partial(let bytes, _):
                    if isLast, isWritten {
                        report.notes.append("\(name): the gateway is writing a line")
                    } else {
                        add(
                            .partialLine, name, line, nil,
                            "ends in the midst of a line, after \(bytes.count) bytes of it: a crash, or something was "
                                + "cut off")
                    }
                }
                if line % 1_024 == 0 { progress(reader.position) }
            }
            progress(reader.position)
        } catch {
            add(.unreadableFile, name, nil, nil, error.description)
        }
    }

    // MARK: Lines

    private mutating func take(_ bytes: ArraySlice<UInt8>, _ file: String, _ number: Int) {
        report.lines += 1
        guard let line = AuditLine(bytes) else {
            add(.malformedLine, file, number, nil, "not a line of an audit log")
            unread += 1
            return
        }
        let unread = unread
        self.unread = 0
        let lineHash = AuditChain.hash(bytes)
        if first == nil {
            first = (line.sequence, line.previous)
            report.firstSequence = line.sequence
        } else if line.sequence <= sequence {
            outOfOrder(line, file, number)
            return
        } else if line.sequence - sequence - 1 > unread {
            gap(before: line, file, number)
        } else if unread == 0, line.previous != hash {
            add(
                .changedLine, place.file, place.line, sequence,
                "line \(line.sequence) (\(file):\(number)) names another hash for the line before it: one of the two "
                    + "was changed")
        }
        sequence = line.sequence
        hash = lineHash
        place = (file, number)
        understand(line, bytes, lineHash, file, number)
    }

    private mutating func outOfOrder(_ line: AuditLine, _ file: String, _ number: Int) {
        if let index = gaps.firstIndex(where: { $0.range.contains(line.sequence) }) {
            let gap = gaps.remove(at: index)
            if gap.range.lowerBound < line.sequence {
                gaps.append((gap.range.lowerBound...(line.sequence - 1), gap.file, gap.line))
            }
            if gap.range.upperBound > line.sequence {
                gaps.append(((line.sequence + 1)...gap.range.upperBound, gap.file, gap.line))
            }
            add(.reorderedLine, file, number, line.sequence, "stands behind line \(sequence)")
        } else {
            add(.insertedLine, file, number, line.sequence, "a second line with this number, behind line \(sequence)")
        }
    }

    private mutating func gap(before line: AuditLine, _ file: String, _ number: Int) {
        let range = (sequence + 1)...(line.sequence - 1)
        guard gaps.count < Self.gapsMax else {
            report(range, file, number)
            return
        }
        gaps.append((range, file, number))
        // From here on no checkpoint proves anything, whatever becomes of the gap.
        report.isIntact = false
    }

    private mutating func report(_ range: ClosedRange<Int64>, _ file: String, _ number: Int) {
        let which =
            range.count == 1 ? "line \(range.lowerBound) is" : "lines \(range.lowerBound) to \(range.upperBound) are"
        add(.removedLines, file, number, range.lowerBound, "\(which) missing before this line")
    }

    private mutating func understand(
        _ line: AuditLine, _ bytes: ArraySlice<UInt8>, _ lineHash: [UInt8], _ file: String, _ number: Int
    ) {
        nextFile = line.kind == AuditKind.checkpoint.rawValue ? nextFile : nil
        switch AuditKind(rawValue: line.kind) {
        case .checkpoint: checkpoint(line, bytes, lineHash, file, number)
        case .fileBegun, .started: declare(line, file, number)
        case .rotated: nextFile = line.text(.next)
        case .retention:
            if let first, line.number(.through) == first.sequence - 1, line.digest(.hash) == first.previous {
                removedAt = line.time
            }
        case .recovered:
            note(
                "\(file):\(number): after a crash, \(line.number(.bytes) ?? 0) bytes of an unfinished line were cut off"
            )
        case .truncationFound:
            add(
                .truncatedLog, file, number, line.sequence,
                "lines up to \(line.number(.through) ?? 0) had been signed and were gone when a gateway started")
        case .lost: note("\(file):\(number): \(line.number(.count) ?? 0) entries could not be written, and are lost")
        case .stopped, .decision, .sessionEnded, .refusals, .administration, .keyChanged, nil: break
        }
    }

    private mutating func declare(_ line: AuditLine, _ file: String, _ number: Int) {
        guard let key = line.text(.publicKey).flatMap(AuditPublicKey.init(base64:)) else { return }
        if let declared, declared.fingerprint != key.fingerprint {
            note("\(file):\(number): signed with another key from here on")
        }
        declared = key
    }

    private mutating func checkpoint(
        _ line: AuditLine, _ bytes: ArraySlice<UInt8>, _ lineHash: [UInt8], _ file: String, _ number: Int
    ) {
        if let lastCheckpoint, lastCheckpoint.hash == lineHash { hasLastCheckpoint = true }
        let fingerprint = line.text(.key) ?? ""
        let candidates = allowedKeys ?? [declared].compactMap(\.self)
        let isSigned =
            line.text(.signature).flatMap { signature in
                AuditLine.signedPart(bytes).map { part in
                    candidates.contains { $0.fingerprint == fingerprint && $0.verifies(signature, of: part) }
                }
            } ?? false
        guard isSigned else {
            let isUnknown = allowedKeys != nil && !candidates.contains { $0.fingerprint == fingerprint }
            add(
                .badSignature, file, number, line.sequence,
                isUnknown ? "signed with another key: \(fingerprint)" : "the checkpoint's signature is wrong")
            return
        }
        if !report.keys.contains(fingerprint), report.keys.count < Self.gapsMax { report.keys.append(fingerprint) }
        if report.isIntact { report.provenThrough = line.sequence }
    }

    // MARK: The whole

    private mutating func conclude(_ numbers: [Int]) {
        for gap in gaps { report(gap.range, gap.file, gap.line) }
        report.lastSequence = sequence > 0 ? sequence : nil
        report.lastHash = sequence > 0 ? HexadecimalText.text(hash) : nil
        if let nextFile, !FileManager.default.fileExists(atPath: "\(folder.path)/\(nextFile)") {
            add(.missingFile, nextFile, nil, nil, "\(place.file) says that it goes on there")
        }
        if let lastCheckpoint, !hasLastCheckpoint {
            let last = numbers.last.map(AuditFolder.name) ?? AuditFolder.lastCheckpointName
            add(
                .truncatedLog, last, nil, lastCheckpoint.line.sequence,
                "\(AuditFolder.lastCheckpointName) says that there is a line \(lastCheckpoint.line.sequence), and it is "
                    + "not in the log")
        }
        checkBeginning(numbers)
        if numbers.isEmpty, lastCheckpoint == nil { note("the folder holds no audit log") }
    }

    private mutating func checkBeginning(_ numbers: [Int]) {
        guard let first, let number = numbers.first else { return }
        if first.sequence == 1, first.previous == AuditChain.beginning, number == 1 { return }
        let name = AuditFolder.name(number)
        guard let removedAt else {
            add(
                .missingFile, number > 1 ? AuditFolder.name(number - 1) : name, nil, nil,
                "the log begins with line \(first.sequence), and no retention says why")
            report.provenThrough = nil
            return
        }
        note("begins at line \(first.sequence); earlier files were removed by retention on \(removedAt)")
    }

    private mutating func note(_ text: String) {
        guard report.notes.count < AuditVerificationReport.findingsMax else { return }
        report.notes.append(text)
    }

    private mutating func add(
        _ code: AuditFinding.Code, _ file: String, _ line: Int?, _ sequence: Int64?, _ detail: String
    ) {
        report.add(AuditFinding(code: code, file: file, line: line, sequence: sequence, detail: detail))
    }
}

import Foundation

/// Which lines are wanted. Every part that is given has to fit.
struct AuditQuery: Sendable, Hashable {
    var kinds: Set<String> = []
    var reason: String?
    var device: String?
    var tenant: String?
    /// SHA-256 of the certificate in lower-case hexadecimal, or its beginning.
    var certificate: String?
    /// In lower-case hexadecimal, without leading zeros.
    var serial: String?
    var actor: String?
    /// The peer's address, without its port.
    var address: String?
    /// As ``AuditText/time(_:)`` writes it; lines of this time and later.
    var since: String?
    /// Lines before this time.
    var until: String?
    var sequence: Int64?

    func fits(_ line: AuditLine) -> Bool {
        if let sequence, line.sequence != sequence { return false }
        if let since, line.time < since { return false }
        if let until, line.time >= until { return false }
        if !kinds.isEmpty, !kinds.contains(line.kind) { return false }
        if let reason, line.text(.reason) != reason { return false }
        if let tenant, line.text(.tenant) != tenant { return false }
        if let device, !fits(device, line) { return false }
        if let certificate, !(line.text(.certificate) ?? "").hasPrefix(certificate) { return false }
        if let serial, line.text(.serial) != serial { return false }
        if let actor, !fitsActor(actor, line) { return false }
        if let address, !fits(address: address, line) { return false }
        return true
    }

    /// A device by its id alone, or with its tenant; also as the target of what operators did.
    private func fits(_ device: String, _ line: AuditLine) -> Bool {
        if let id = line.text(.device) {
            return id == device || "\(line.text(.tenant) ?? "")/\(id)" == device
        }
        guard line.kind == AuditKind.administration.rawValue, let target = line.text(.target) else { return false }
        return target == device || target.hasSuffix("/\(device)")
    }

    /// `alice` finds `alice (uid 1000)`.
    private func fitsActor(_ actor: String, _ line: AuditLine) -> Bool {
        guard let text = line.text(.actor) else { return false }
        return text == actor || text.hasPrefix(actor + " (")
    }

    private func fits(address: String, _ line: AuditLine) -> Bool {
        guard let text = line.text(.address) else { return false }
        return text == address || text.hasPrefix(address + ":") || text.hasPrefix("[" + address + "]:")
    }
}

/// Goes through a log, line by line. It believes what it reads: whether that is so says ``AuditVerifier``.
struct AuditSearch {
    let folder: AuditFolder
    let query: AuditQuery

    /// A line that fits.
    struct Hit {
        let line: AuditLine
        /// Its bytes in the file.
        let bytes: ArraySlice<UInt8>
        let file: String
    }

    /// What `body` says to the search.
    enum Answer {
        case more
        case enough
    }

    /// - Parameters:
    ///   - onProgress: Called now and then with the bytes read and all bytes.
    ///   - follows: Asked at the end of the log: true to look for more lines, after having waited a little.
    /// - Returns: Lines that could not be read, and so may be missing from the answer.
    /// - Throws: ``AuditError`` when a file cannot be read, and what `body` throws.
    func run(
        onProgress: (_ bytes: Int, _ total: Int) -> Void = { _, _ in }, follows: () -> Bool = { false },
        _ body: (Hit) throws -> Answer
    ) throws -> Int {
        var numbers = try folder.numbers()
        numbers.removeFirst(countBeforeSince(numbers))
        let total = numbers.reduce(0) { $0 + Self.size(folder.path($1)) }
        var done = 0
        var unread = 0
        var index = 0
        while index < numbers.count {
            let name = AuditFolder.name(numbers[index])
            let reader = try AuditFileReader(folder.path(numbers[index]))
            var count = 0
            while true {
                guard let item = try reader.next(keepsPartial: true) else {
                    // Only the last file grows. Once a later one is there, this one is whole: read to its end first.
                    let isLast = index == numbers.count - 1
                    guard isLast, follows() else { break }
                    let later = try folder.numbers().filter { $0 > numbers[index] }
                    guard !later.isEmpty else { continue }
                    numbers += later
                    continue
                }
                count += 1
                if count % 1_024 == 0 { onProgress(done + reader.position, total) }
                guard case .line(let bytes, _) = item, let line = AuditLine(bytes) else {
                    unread += 1
                    continue
                }
                guard query.fits(line) else { continue }
                guard case .more = try body(Hit(line: line, bytes: bytes, file: name)) else { return unread }
            }
            done += reader.position
            onProgress(done, max(done, total))
            index += 1
        }
        return unread
    }

    /// Files that end before the time that is asked for: those whose next one begins before it.
    private func countBeforeSince(_ numbers: [Int]) -> Int {
        guard let since = query.since else { return 0 }
        let next = numbers.dropFirst().prefix { number in
            AuditFileReader.firstLine(folder.path(number)).map { $0.time < since } ?? false
        }
        return next.count
    }

    static func size(_ path: String) -> Int {
        ((try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? NSNumber)?.intValue ?? 0
    }
}

import Foundation

/// Writes the log: lines, checkpoints, files one after the other. Whatever fails is tried again by being called again:
/// the chain goes on only from what is in the file whole.
///
/// Confined to the thread of ``AuditLog``; the disk may keep it waiting.
final class AuditWriter {
    let settings: AuditSettings
    let folder: AuditFolder
    let storage: any AuditStorage
    /// Nil when nothing more will be written.
    private var lock: AuditLock?
    let key: AuditSigningKey

    /// Where the chain is, as far as it is in files.
    var chain: AuditChain
    /// The number of the file that is written to.
    var number: Int
    var output: any AuditOutput
    /// Bytes of whole lines in it; what stands behind them is of a write that failed.
    var wholeBytes: Int
    /// Whether something may stand behind the whole lines.
    var needsRepair = false
    /// When the file was begun, in milliseconds since 1970.
    var begunAt: Int64
    /// Lines since the last checkpoint.
    var linesUnsigned = 0
    /// When the first of them was written, in milliseconds since 1970.
    var unsignedSince: Int64 = 0
    var isSynchronized = true
    var synchronizedAt: Int64 = 0
    /// When retention was last seen to, in milliseconds since 1970.
    var retainedAt: Int64 = 0
    /// What has to be written first: what the start has found out, and that this gateway writes now.
    private var opening: [AuditEntry]

    /// Lines written since the start, for the metrics.
    private(set) var linesWritten = 0

    /// Lets another gateway write into the folder. Nothing may be written any more.
    func giveUpLock() { lock = nil }

    /// Opens the folder for writing: makes what is missing, takes the lock, reads where the log ends, and cuts off what a
    /// crash has left of a line. Writes no line.
    ///
    /// - Throws: ``AuditError``.
    init(_ settings: AuditSettings, storage: any AuditStorage = AuditDisk(), now: Int64) throws(AuditError) {
        self.settings = settings
        self.storage = storage
        folder = AuditFolder(path: settings.folder)
        try folder.make()
        lock = try AuditLock(folder)
        key = try AuditSigningKey.load(settings.signingKeyPath)
        try AuditStart.publish(key.publicKey, in: folder, storage)
        let start = try AuditStart.read(folder, key: key, storage: storage, now: now)
        chain = start.chain
        number = start.number
        output = start.output
        wholeBytes = start.wholeBytes
        begunAt = start.begunAt
        opening =
            start.findings + [
                AuditEntry(
                    .started, at: now,
                    [
                        .text(.version, BuildInformation.version), .text(.key, key.fingerprint),
                        .text(.publicKey, key.publicKey.base64),
                    ])
            ]
        // What an earlier run has left without a checkpoint gets one soon.
        linesUnsigned = start.linesUnsigned
        unsignedSince = now
    }

    /// Writes entries, all or none.
    ///
    /// - Throws: ``AuditError``; nothing of them counts as written.
    func write(_ entries: [AuditEntry], now: Int64) throws(AuditError) {
        if isFileFull(now) { try rotate(now) }
        try put(opening + entries, now: now)
        opening = []
    }

    /// Does what is due by the clock: checkpoint, fsync, rotation by age, retention.
    func tick(now: Int64) throws(AuditError) {
        if isFileFull(now) { try rotate(now) }
        if linesUnsigned >= settings.checkpointLines { try checkpoint(.lines, now: now) }
        let isDue = now - unsignedSince >= Int64(settings.checkpointSeconds) * 1_000 || now < unsignedSince
        if linesUnsigned > 0, isDue { try checkpoint(.time, now: now) }
        if !isSynchronized, now - synchronizedAt >= Int64(AuditLimits.syncSeconds) * 1_000 || now < synchronizedAt {
            try synchronize(now)
        }
        if now - retainedAt >= AuditLimits.retentionMilliseconds || now < retainedAt { try retain(now) }
    }

    /// Writes the last line and the last checkpoint.
    func finish(now: Int64) throws(AuditError) {
        try put(opening + [AuditEntry(.stopped, at: now, [])], now: now)
        opening = []
        try checkpoint(.stop, now: now)
    }

    // MARK: Lines

    /// Puts lines into the file, behind the file's own first line if it has none.
    func put(_ entries: [AuditEntry], now: Int64) throws(AuditError) {
        guard !entries.isEmpty else { return }
        var chain = chain
        var bytes: [UInt8] = []
        let isFirst = wholeBytes == 0
        if isFirst { Self.add(chain.line(fileBegun(now)), to: &bytes) }
        for entry in entries { Self.add(chain.line(entry), to: &bytes) }
        try put(bytes)
        if isFirst { begunAt = now }
        if linesUnsigned == 0 { unsignedSince = now }
        let count = entries.count + (isFirst ? 1 : 0)
        linesUnsigned += count
        linesWritten += count
        self.chain = chain
    }

    func checkpoint(_ reason: AuditChain.CheckpointReason, now: Int64) throws(AuditError) {
        var chain = chain
        let line = try chain.checkpoint(at: now, reason: reason, lines: linesUnsigned, key: key)
        var bytes: [UInt8] = []
        Self.add(line, to: &bytes)
        try put(bytes)
        self.chain = chain
        linesWritten += 1
        linesUnsigned = 0
        try synchronize(now)
        // Only now: the copy must never promise a line that a power failure can take.
        try storage.replace(folder.lastCheckpointPath, with: bytes)
    }

    private static func add(_ line: [UInt8], to bytes: inout [UInt8]) {
        bytes.append(contentsOf: line)
        bytes.append(UInt8(ascii: "\n"))
    }

    /// Whole lines, with their newlines; all of them or none.
    private func put(_ bytes: [UInt8]) throws(AuditError) {
        if needsRepair {
            try output.truncate(to: wholeBytes)
            needsRepair = false
        }
        // Until it is known to have gone well.
        needsRepair = true
        isSynchronized = false
        do {
            try output.append(bytes)
        } catch {
            // At once, if it can be: who reads the file meanwhile sees whole lines.
            if (try? output.truncate(to: wholeBytes)) != nil { needsRepair = false }
            throw error
        }
        needsRepair = false
        wholeBytes += bytes.count
    }

    private func synchronize(_ now: Int64) throws(AuditError) {
        try output.synchronize()
        isSynchronized = true
        synchronizedAt = now
    }

    private func fileBegun(_ now: Int64) -> AuditEntry {
        AuditEntry(
            .fileBegun, at: now,
            [
                .number(.format, AuditLimits.format), .text(.file, AuditFolder.name(number)),
                .text(.follows, number > 1 ? AuditFolder.name(number - 1) : nil), .text(.key, key.fingerprint),
                .text(.publicKey, key.publicKey.base64),
            ])
    }
}

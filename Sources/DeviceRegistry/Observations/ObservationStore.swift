internal import GRDB
internal import Synchronization

/// What was observed at the gate, in one SQLite file: an inventory of certificates, a journal of connections that
/// failed, and suspicions of clones.
///
/// Safe to use from any thread. ``record(_:)-(ObservedCertificate)`` and its sister only put into a bounded buffer;
/// everything else waits for the disk, on the database's own threads.
public final class ObservationStore: Sendable {
    let pool: DatabasePool
    let limits: ObservationLimits
    let buffer: ObservationBuffer
    let rowLimit: Mutex<JournalRowLimit>
    /// The flush that was begun last.
    let lastFlush = Mutex<Task<Result<Void, RegistryError>, Never>?>(nil)
    /// Flushes that are to be over soon.
    let hurriedFlushes = Atomic<Int>(0)

    /// Opens the file, or makes it with mode 0600, and brings its tables up to this version.
    ///
    /// - Throws: `newer-schema`, `store-busy`, or `store-failed` when it is another file or cannot be used.
    public convenience init(path: String, limits: ObservationLimits = ObservationLimits()) throws(RegistryError) {
        self.init(try SQLiteFile.translatingErrors { try Self.file(path).open() }, limits)
    }

    /// Opens a file that is there, to be asked only.
    ///
    /// - Throws: As ``init(path:limits:)``.
    public convenience init(reading path: String) throws(RegistryError) {
        self.init(try SQLiteFile.translatingErrors { try Self.file(path).openForReading() }, ObservationLimits())
    }

    private init(_ pool: DatabasePool, _ limits: ObservationLimits) {
        self.pool = pool
        self.limits = limits
        buffer = ObservationBuffer(waitingMax: limits.waitingMax)
        rowLimit = Mutex(
            JournalRowLimit(ofAddress: limits.journalRowsPerAddressMinute, ofAll: limits.journalRowsPerMinute))
    }

    private static func file(_ path: String) -> SQLiteFile {
        SQLiteFile(
            path: path, label: "observations", applicationID: ObservationSchema.applicationID,
            migrator: ObservationSchema.migrator)
    }

    /// What became of observations since it was opened.
    public var counts: ObservationCounts { buffer.counts }

    /// A certificate was presented in a finished handshake. Never waits; written by the next ``flush()``.
    public func record(_ certificate: ObservedCertificate) {
        buffer.put(certificate)
    }

    /// A connection failed. Never waits; written by the next ``flush()``.
    public func record(_ failure: JournalRecord) {
        buffer.put(failure)
    }

    /// Ends the use of the file. What waits is not written: ``flush()`` comes before.
    public func close() throws(RegistryError) {
        try SQLiteFile.translatingErrors { try pool.close() }
    }

    func reading<Answer: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Answer
    ) async throws(RegistryError) -> Answer {
        let result: Result<Answer, any Error> = await withCheckedContinuation { continuation in
            pool.asyncRead { database in
                continuation.resume(returning: Result { try body(database.get()) })
            }
        }
        return try SQLiteFile.translatingErrors { try result.get() }
    }

    func writing<Answer: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Answer
    ) async throws(RegistryError) -> Answer {
        // Not the variants of GRDB that are `async`: those end with the caller's task, and what was taken from the
        // buffer would be lost.
        let result: Result<Answer, any Error> = await withCheckedContinuation { continuation in
            pool.asyncWrite({ database in try body(database) }) { _, result in continuation.resume(returning: result) }
        }
        return try SQLiteFile.translatingErrors { try result.get() }
    }
}

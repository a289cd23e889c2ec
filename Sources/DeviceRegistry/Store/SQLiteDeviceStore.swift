public import FleetPolicy
internal import GRDB

/// A registry in one file, through SQLite in WAL mode: readers never wait for the writer. The file and the two beside
/// it (`-wal`, `-shm`) are readable by their owner only, since they have hashes of passwords in them.
public final class SQLiteDeviceStore: DeviceStore {
    private let pool: DatabasePool

    /// Opens the file, or makes it, and brings its tables up to this version.
    ///
    /// - Throws: `newer-schema`, `store-busy`, or `store-failed` when the file is no registry or cannot be used.
    public init(path: String) throws(RegistryError) {
        pool = try SQLiteFile.translatingErrors { () throws in
            try SQLiteFile(
                path: path, label: "registry", applicationID: SQLiteSchema.applicationID,
                migrator: SQLiteSchema.migrator
            ).open()
        }
    }

    public func loadDirectory() async throws(RegistryError) -> DeviceDirectory {
        try await reading { database in try SQLiteDirectoryLoader.load(database) }
    }

    public func read<Answer: Sendable>(
        _ body: @escaping @Sendable (any DeviceStoreReader) throws(RegistryError) -> Answer
    ) async throws(RegistryError) -> Answer {
        try await reading { database in try body(SQLiteTransaction(database: database)) }
    }

    public func write<Answer: Sendable>(
        _ body: @escaping @Sendable (any DeviceStoreWriter) throws(RegistryError) -> Answer
    ) async throws(RegistryError) -> Answer {
        // Not the variants of GRDB that are `async`: those end with the caller's task, and then nobody would know
        // whether the transaction is there.
        let result: Result<Answer, any Error> = await withCheckedContinuation { continuation in
            pool.asyncWrite({ database in try body(SQLiteTransaction(database: database)) }) { _, result in
                continuation.resume(returning: result)
            }
        }
        return try SQLiteFile.translatingErrors { try result.get() }
    }

    public func close() async throws(RegistryError) {
        try SQLiteFile.translatingErrors { try pool.close() }
    }

    private func reading<Answer: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Answer
    ) async throws(RegistryError) -> Answer {
        let result: Result<Answer, any Error> = await withCheckedContinuation { continuation in
            pool.asyncRead { database in
                continuation.resume(returning: Result { try body(database.get()) })
            }
        }
        return try SQLiteFile.translatingErrors { try result.get() }
    }
}

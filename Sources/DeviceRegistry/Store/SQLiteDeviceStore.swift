public import FleetPolicy
internal import Foundation
internal import GRDB

/// A registry in one file, through SQLite in WAL mode: readers never wait for the writer. The file and the two beside
/// it (`-wal`, `-shm`) are readable by their owner only, since they have hashes of passwords in them.
public final class SQLiteDeviceStore: DeviceStore {
    /// How long to wait for another process that is writing, such as a command beside the gateway.
    private static let busySeconds = 5.0

    private let pool: DatabasePool

    /// Opens the file, or makes it, and brings its tables up to this version.
    ///
    /// - Throws: `newer-schema`, `store-busy`, or `store-failed` when the file is no registry or cannot be used.
    public init(path: String) throws(RegistryError) {
        pool = try Self.translatingErrors { () throws in
            try Self.restrict(path)
            var configuration = Configuration()
            configuration.label = "registry"
            configuration.busyMode = .timeout(Self.busySeconds)
            configuration.maximumReaderCount = 3
            let pool = try DatabasePool(path: path, configuration: configuration)
            try pool.read { database in try Self.refuseForeign(database, path: path) }
            try SQLiteSchema.migrator.migrate(pool)
            // SQLite gives new files beside this one the mode of this one; those of before may have another.
            for suffix in ["", "-wal", "-shm"] { try Self.setMode(path + suffix) }
            return pool
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
        return try Self.translatingErrors { try result.get() }
    }

    public func close() async throws(RegistryError) {
        try Self.translatingErrors { try pool.close() }
    }

    private func reading<Answer: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Answer
    ) async throws(RegistryError) -> Answer {
        let result: Result<Answer, any Error> = await withCheckedContinuation { continuation in
            pool.asyncRead { database in
                continuation.resume(returning: Result { try body(database.get()) })
            }
        }
        return try Self.translatingErrors { try result.get() }
    }

    // MARK: The file

    /// Makes the file before SQLite does, so that it never has a wider mode.
    private static func restrict(_ path: String) throws {
        if FileManager.default.fileExists(atPath: path) {
            try setMode(path)
        } else if !FileManager.default.createFile(
            atPath: path, contents: nil, attributes: [.posixPermissions: NSNumber(value: 0o600)])
        {
            throw RegistryError(.storeFailed, "\(path) cannot be created")
        }
    }

    private static func setMode(_ path: String) throws {
        guard FileManager.default.fileExists(atPath: path) else { return }
        do {
            try FileManager.default.setAttributes([.posixPermissions: NSNumber(value: 0o600)], ofItemAtPath: path)
        } catch {
            throw RegistryError(
                .storeFailed, "the mode of \(path) cannot be set to 0600; does it belong to another user?")
        }
    }

    private static func refuseForeign(_ database: Database, path: String) throws {
        let application = try Int.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        let tables = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_schema") ?? 0
        guard application == SQLiteSchema.applicationID || application == 0 && tables == 0 else {
            throw RegistryError(.storeFailed, "\(path) is a database of another program")
        }
        if try SQLiteSchema.migrator.hasBeenSuperseded(database) {
            throw RegistryError(
                .newerSchema, "\(path) was made by a newer version of FleetGate; this one cannot use it")
        }
    }

    // MARK: Errors

    /// SQLite's errors in our words. Their statements and values stay out: there are names of devices in them.
    static func translatingErrors<Answer>(_ body: () throws -> Answer) throws(RegistryError) -> Answer {
        do {
            return try body()
        } catch let error as RegistryError {
            throw error
        } catch let error as DatabaseError {
            throw translated(error)
        } catch {
            throw RegistryError(.storeFailed, "the database cannot be used")
        }
    }

    private static func translated(_ error: DatabaseError) -> RegistryError {
        switch error.resultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            RegistryError(.storeBusy, "another process has had the database locked for \(Int(busySeconds)) seconds")
        case .SQLITE_FULL:
            RegistryError(.storeFailed, "there is no room on the disk")
        case .SQLITE_NOTADB, .SQLITE_CORRUPT:
            RegistryError(.storeFailed, "the file is no database, or is damaged")
        case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_CANTOPEN:
            RegistryError(.storeFailed, "the file or its folder cannot be written")
        case _:
            // Only the code and SQLite's own words for it.
            RegistryError(.storeFailed, "SQLite says: \(error.extendedResultCode)")
        }
    }
}

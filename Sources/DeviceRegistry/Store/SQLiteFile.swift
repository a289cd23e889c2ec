internal import Foundation
internal import GRDB

/// A database of ours in one file, in WAL mode: readers never wait for the writer. The file and the two beside it
/// (`-wal`, `-shm`) are readable by their owner only.
struct SQLiteFile {
    /// How long to wait for another process that is writing, such as a command beside the gateway.
    static let busySeconds = 5.0

    let path: String
    /// For debugging.
    let label: String
    /// In the header of the file, so that no other program's database is taken for one of ours.
    let applicationID: Int
    let migrator: DatabaseMigrator

    private var configuration: Configuration {
        var configuration = Configuration()
        configuration.label = label
        configuration.busyMode = .timeout(Self.busySeconds)
        configuration.maximumReaderCount = 3
        return configuration
    }

    /// Opens the file, or makes it, and brings its tables up to this version.
    ///
    /// - Throws: ``RegistryError``, `DatabaseError`.
    func open() throws -> DatabasePool {
        try restrict()
        let pool = try DatabasePool(path: path, configuration: configuration)
        try pool.read(refuseForeign)
        try migrator.migrate(pool)
        // SQLite gives new files beside this one the mode of this one; those of before may have another.
        for suffix in ["", "-wal", "-shm"] { try setMode(path + suffix) }
        return pool
    }

    /// Opens a file that is there, to read it only.
    ///
    /// - Throws: ``RegistryError``, `DatabaseError`.
    func openForReading() throws -> DatabasePool {
        guard FileManager.default.fileExists(atPath: path) else {
            throw RegistryError(.storeFailed, "there is no file \(path)")
        }
        var configuration = configuration
        configuration.readonly = true
        let pool = try DatabasePool(path: path, configuration: configuration)
        try pool.read { database in
            try refuseForeign(database)
            guard try migrator.hasCompletedMigrations(database) else {
                throw RegistryError(
                    .storeFailed, "\(path) was made by an older version of FleetGate; a start of the gateway updates it"
                )
            }
        }
        return pool
    }

    /// Makes the file before SQLite does, so that it never has a wider mode.
    private func restrict() throws {
        if FileManager.default.fileExists(atPath: path) {
            try setMode(path)
        } else if !FileManager.default.createFile(
            atPath: path, contents: nil, attributes: [.posixPermissions: NSNumber(value: 0o600)])
        {
            throw RegistryError(.storeFailed, "\(path) cannot be created")
        }
    }

    private func setMode(_ path: String) throws {
        guard FileManager.default.fileExists(atPath: path) else { return }
        do {
            try FileManager.default.setAttributes([.posixPermissions: NSNumber(value: 0o600)], ofItemAtPath: path)
        } catch {
            throw RegistryError(
                .storeFailed, "the mode of \(path) cannot be set to 0600; does it belong to another user?")
        }
    }

    private func refuseForeign(_ database: Database) throws {
        let application = try Int.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        let tables = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_schema") ?? 0
        guard application == applicationID || application == 0 && tables == 0 else {
            throw RegistryError(.storeFailed, "\(path) is a database of another program")
        }
        if try migrator.hasBeenSuperseded(database) {
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

internal import FleetPolicy
internal import Foundation
internal import GRDB

/// One transaction of a ``SQLiteDeviceStore``.
struct SQLiteTransaction {
    let database: Database

    // MARK: Values of columns

    /// What is in the file was checked when it was written; what is wrong now is damage.
    static func key(_ name: String) throws -> DeviceKey {
        guard let key = DeviceKey(parsing: name) else { throw damage }
        return key
    }

    static func state(_ text: String) throws -> DeviceState {
        guard let state = DeviceState(rawValue: text) else { throw damage }
        return state
    }

    static func pin(kind: String, sha256: Data) throws -> CertificatePin {
        guard let kind = CertificatePin.Kind(rawValue: kind), let pin = CertificatePin(kind, sha256: [UInt8](sha256))
        else { throw damage }
        return pin
    }

    private static var damage: RegistryError {
        RegistryError(.storeFailed, "the database has values in it that no version of FleetGate writes")
    }

    // MARK: Statements

    func run(_ sql: String, _ arguments: StatementArguments) throws {
        try database.cachedStatement(sql: sql).execute(arguments: arguments)
    }

    func rows(_ sql: String, _ arguments: StatementArguments) throws -> RowCursor {
        try Row.fetchCursor(try database.cachedStatement(sql: sql), arguments: arguments)
    }

    func row(_ sql: String, _ arguments: StatementArguments) throws -> Row? {
        try Row.fetchOne(try database.cachedStatement(sql: sql), arguments: arguments)
    }

    /// The number that the tables know a device by.
    func id(_ key: DeviceKey) throws -> Int64? {
        try row("SELECT id FROM device WHERE name = ?", [key.description])?[0]
    }
}

internal import FleetPolicy
internal import GRDB

/// Reads all devices at once: four tables side by side, in the order of the devices, each row looked at once.
enum SQLiteDirectoryLoader {
    static func load(_ database: Database) throws -> DeviceDirectory {
        var builder = DeviceDirectory.Builder()
        let devices = try Row.fetchCursor(
            database, sql: "SELECT id, name, state, profile, is_self_registered, password_hash FROM device ORDER BY id")
        var pins = try ChildRows(
            Row.fetchCursor(database, sql: "SELECT device, kind, sha256 FROM pin ORDER BY device, position"))
        var attributes = try ChildRows(
            Row.fetchCursor(database, sql: "SELECT device, name, value FROM attribute ORDER BY device, name"))
        var overrides = try ChildRows(
            Row.fetchCursor(database, sql: "SELECT device, name, value FROM override ORDER BY device, name"))
        while let row = try devices.next() {
            let id: Int64 = row[0]
            var device = RegisteredDevice(
                key: try SQLiteTransaction.key(row[1]), state: try SQLiteTransaction.state(row[2]), profile: row[3],
                isSelfRegistered: row[4], passwordHash: row[5])
            try pins.forEach(of: id) { device.pins.append(try SQLiteTransaction.pin(kind: $0[1], sha256: $0[2])) }
            try attributes.forEach(of: id) { device.attributes[$0[1] as String] = $0[2] as String }
            try overrides.forEach(of: id) { row in
                guard let limit = DeviceOverrides.Limit(rawValue: row[1]) else { return }
                device.overrides[limit] = row[2] as Int
            }
            builder.add(device)
        }
        return builder.finish()
    }

    /// Rows of a table that belong to devices, in the devices' order.
    private struct ChildRows {
        private let cursor: RowCursor
        private var current: Row?

        init(_ cursor: RowCursor) throws {
            self.cursor = cursor
            current = try cursor.next()
        }

        mutating func forEach(of device: Int64, _ body: (Row) throws -> Void) throws {
            while let row = current, row[0] as Int64 == device {
                try body(row)
                current = try cursor.next()
            }
        }
    }
}

internal import FleetPolicy
internal import Foundation
internal import GRDB

extension SQLiteTransaction: DeviceStoreReader {
    private static let columns = """
        d.id, d.name, d.state, d.state_reason, d.profile, d.note, d.password_hash, d.created_at, d.changed_at, \
        d.first_seen, d.last_seen, d.last_address, d.is_self_registered, c.sha256, c.subject, c.not_after
        """

    func device(_ key: DeviceKey) throws(RegistryError) -> StoredDevice? {
        try SQLiteFile.translatingErrors {
            let found = try row(
                """
                SELECT \(Self.columns), c.der FROM device d LEFT JOIN certificate c ON c.device = d.id WHERE d.name = ?
                """, [key.description])
            guard let found else { return nil }
            var device = try device(found)
            device.record.lastCertificate?.der = (found[16] as Data?).map { [UInt8]($0) } ?? []
            return device
        }
    }

    func contains(_ key: DeviceKey) throws(RegistryError) -> Bool {
        try SQLiteFile.translatingErrors { try id(key) != nil }
    }

    func devices(_ query: DeviceQuery) throws(RegistryError) -> [StoredDevice] {
        try SQLiteFile.translatingErrors {
            let condition = QueryCondition(query, withPage: true)
            let found = try Row.fetchAll(
                database,
                sql: """
                    SELECT \(Self.columns) FROM device d LEFT JOIN certificate c ON c.device = d.id \
                    WHERE \(condition.sql) ORDER BY d.name LIMIT ?
                    """, arguments: condition.arguments + [query.limit])
            return try found.map(device)
        }
    }

    func count(_ query: DeviceQuery) throws(RegistryError) -> Int {
        try SQLiteFile.translatingErrors {
            let condition = QueryCondition(query, withPage: false)
            return try Int.fetchOne(
                database, sql: "SELECT count(*) FROM device d WHERE \(condition.sql)", arguments: condition.arguments)
                ?? 0
        }
    }

    func selfRegisteredCount(ofProfile profile: String) throws(RegistryError) -> Int {
        try SQLiteFile.translatingErrors {
            try row("SELECT devices FROM self_registered_count WHERE profile = ?", [profile])?[0] ?? 0
        }
    }

    func owner(of pin: CertificatePin) throws(RegistryError) -> DeviceKey? {
        try SQLiteFile.translatingErrors {
            let found = try row(
                "SELECT d.name FROM pin p JOIN device d ON d.id = p.device WHERE p.sha256 = ? AND p.kind = ?",
                [Data(pin.sha256), pin.kind.rawValue])
            return try found.map { try Self.key($0[0]) }
        }
    }

    func attributeNames(_ query: DeviceQuery) throws(RegistryError) -> [String] {
        try SQLiteFile.translatingErrors {
            let condition = QueryCondition(query, withPage: false)
            return try String.fetchAll(
                database,
                sql: """
                    SELECT DISTINCT a.name FROM device d JOIN attribute a ON a.device = d.id \
                    WHERE \(condition.sql) ORDER BY a.name
                    """, arguments: condition.arguments)
        }
    }

    func certificates(_ query: DeviceQuery) throws(RegistryError) -> [(device: DeviceKey, der: [UInt8])] {
        try SQLiteFile.translatingErrors {
            let condition = QueryCondition(query, withPage: true)
            let found = try Row.fetchAll(
                database,
                sql: """
                    SELECT d.name, c.der FROM device d JOIN certificate c ON c.device = d.id \
                    WHERE length(c.der) > 0 AND \(condition.sql) ORDER BY d.name LIMIT ?
                    """, arguments: condition.arguments + [query.limit])
            return try found.map { (try Self.key($0[0]), [UInt8]($0[1] as Data)) }
        }
    }

    func history(of key: DeviceKey, limit: Int) throws(RegistryError) -> [DeviceHistoryEntry] {
        try SQLiteFile.translatingErrors {
            let found = try rows(
                "SELECT at, actor, action, detail FROM audit WHERE device = ? ORDER BY id DESC LIMIT ?",
                [key.description, limit])
            var entries: [DeviceHistoryEntry] = []
            while let row = try found.next() {
                entries.append(
                    DeviceHistoryEntry(at: row[0], actor: row[1], device: key, action: row[2], detail: row[3]))
            }
            return entries
        }
    }

    /// A device of the columns above, and what other tables have of it.
    private func device(_ row: Row) throws -> StoredDevice {
        let id: Int64 = row[0]
        var record = DeviceRecord(
            key: try Self.key(row[1]), state: try Self.state(row[2]), stateReason: row[3], profile: row[4],
            note: row[5], isSelfRegistered: row[12], createdAt: row[7], changedAt: row[8], firstSeen: row[9],
            lastSeen: row[10], lastAddress: row[11])
        if let sha256 = row[13] as Data? {
            record.lastCertificate = SeenCertificate(
                sha256: [UInt8](sha256), subject: row[14], notAfter: row[15])
        }
        let pins = try rows("SELECT kind, sha256, added_at FROM pin WHERE device = ? ORDER BY position", [id])
        while let pin = try pins.next() {
            record.pins.append(PinRecord(try Self.pin(kind: pin[0], sha256: pin[1]), addedAt: pin[2]))
        }
        let attributes = try rows("SELECT name, value FROM attribute WHERE device = ?", [id])
        while let attribute = try attributes.next() {
            record.attributes[attribute[0] as String] = attribute[1] as String
        }
        let overrides = try rows("SELECT name, value FROM override WHERE device = ?", [id])
        while let override = try overrides.next() {
            guard let limit = DeviceOverrides.Limit(rawValue: override[0]) else { continue }
            record.overrides[limit] = override[1] as Int
        }
        return StoredDevice(record, passwordHash: row[6])
    }
}

/// The condition of a query in SQL; every value is an argument.
private struct QueryCondition {
    private(set) var sql = "1"
    private(set) var arguments = StatementArguments()

    init(_ query: DeviceQuery, withPage: Bool) {
        if let tenant = query.tenant {
            // Everything that begins with `tenant/`: `0` is the byte behind `/`.
            add("d.name >= ? AND d.name < ?", ["\(tenant)/", "\(tenant)0"])
        }
        if let state = query.state { add("d.state = ?", [state.rawValue]) }
        if let profile = query.profile { add("d.profile = ?", [profile]) }
        if let text = query.containing {
            let escaped = text.replacing("\\", with: "\\\\").replacing("%", with: "\\%").replacing("_", with: "\\_")
            add("substr(d.name, instr(d.name, '/') + 1) LIKE ? ESCAPE '\\'", ["%\(escaped)%"])
        }
        if let time = query.notSeenSince { add("(d.last_seen IS NULL OR d.last_seen < ?)", [time]) }
        if withPage, let after = query.after { add("d.name > ?", [after.description]) }
    }

    private mutating func add(_ condition: String, _ values: StatementArguments) {
        sql += " AND \(condition)"
        arguments += values
    }
}

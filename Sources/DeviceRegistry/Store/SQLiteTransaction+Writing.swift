internal import FleetPolicy
internal import Foundation
internal import GRDB

extension SQLiteTransaction: DeviceStoreWriter {
    func insert(_ device: StoredDevice) throws(RegistryError) {
        try SQLiteFile.translatingErrors {
            let record = device.record
            try run(
                """
                INSERT INTO device (name, state, state_reason, profile, note, is_self_registered, password_hash, \
                created_at, changed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
                [
                    record.key.description, record.state.rawValue, record.stateReason, record.profile, record.note,
                    record.isSelfRegistered, device.passwordHash, record.createdAt, record.changedAt,
                ])
            let id = database.lastInsertedRowID
            try insert(record.pins, id)
            try insert(record.attributes, id)
            try insert(record.overrides, id)
        }
    }

    func update(_ old: StoredDevice, to new: StoredDevice) throws(RegistryError) {
        try SQLiteFile.translatingErrors {
            let record = new.record
            guard let id = try id(record.key) else { throw CommandRules.notFound(record.key) }
            try run(
                """
                UPDATE device SET state = ?, state_reason = ?, profile = ?, note = ?, password_hash = ?, \
                changed_at = ? WHERE id = ?
                """,
                [
                    record.state.rawValue, record.stateReason, record.profile, record.note, new.passwordHash,
                    record.changedAt, id,
                ])
            if old.record.pins != record.pins {
                try run("DELETE FROM pin WHERE device = ?", [id])
                try insert(record.pins, id)
            }
            if old.record.attributes != record.attributes {
                try run("DELETE FROM attribute WHERE device = ?", [id])
                try insert(record.attributes, id)
            }
            if old.record.overrides != record.overrides {
                try run("DELETE FROM override WHERE device = ?", [id])
                try insert(record.overrides, id)
            }
        }
    }

    func delete(_ key: DeviceKey) throws(RegistryError) {
        try SQLiteFile.translatingErrors {
            try run("DELETE FROM device WHERE name = ?", [key.description])
        }
    }

    func record(_ sighting: Sighting) throws(RegistryError) -> Bool {
        try SQLiteFile.translatingErrors {
            guard let id = try id(sighting.key) else { return false }
            try run(
                """
                UPDATE device SET first_seen = min(coalesce(first_seen, ?1), ?1), \
                last_address = CASE WHEN coalesce(last_seen, ?1) <= ?1 THEN ?2 ELSE last_address END, \
                last_seen = max(coalesce(last_seen, ?1), ?1) WHERE id = ?3
                """, [sighting.at, sighting.address, id])
            guard let certificate = sighting.certificate else { return true }
            try record(certificate, at: sighting.at, id)
            return true
        }
    }

    func append(_ entry: DeviceHistoryEntry) throws(RegistryError) {
        try SQLiteFile.translatingErrors {
            try run(
                "INSERT INTO audit (at, actor, device, action, detail) VALUES (?, ?, ?, ?, ?)",
                [entry.at, entry.actor, entry.device.description, entry.action, entry.detail])
        }
    }

    private func record(_ certificate: SeenCertificate, at time: Int64, _ id: Int64) throws {
        // Nearly always it is the one of last time: its kilobyte is not written again.
        try run(
            "UPDATE certificate SET last_seen = max(last_seen, ?) WHERE device = ? AND sha256 = ?",
            [time, id, Data(certificate.sha256)])
        guard database.changesCount == 0 else { return }
        try run(
            """
            INSERT INTO certificate (device, sha256, subject, not_after, der, first_seen, last_seen) \
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6) ON CONFLICT (device) DO UPDATE SET sha256 = excluded.sha256, \
            subject = excluded.subject, not_after = excluded.not_after, der = excluded.der, \
            first_seen = excluded.first_seen, last_seen = excluded.last_seen WHERE excluded.last_seen >= last_seen
            """,
            [
                id, Data(certificate.sha256), certificate.subject, certificate.notAfter, Data(certificate.der), time,
            ])
    }

    private func insert(_ pins: [PinRecord], _ id: Int64) throws {
        for (position, record) in pins.enumerated() {
            try run(
                "INSERT INTO pin (device, position, kind, sha256, added_at) VALUES (?, ?, ?, ?, ?)",
                [id, position + 1, record.pin.kind.rawValue, Data(record.pin.sha256), record.addedAt])
        }
    }

    private func insert(_ attributes: [String: String], _ id: Int64) throws {
        for (name, value) in attributes {
            try run("INSERT INTO attribute (device, name, value) VALUES (?, ?, ?)", [id, name, value])
        }
    }

    private func insert(_ overrides: DeviceOverrides, _ id: Int64) throws {
        for limit in DeviceOverrides.Limit.allCases {
            guard let value = overrides[limit] else { continue }
            try run("INSERT INTO override (device, name, value) VALUES (?, ?, ?)", [id, limit.rawValue, value])
        }
    }
}

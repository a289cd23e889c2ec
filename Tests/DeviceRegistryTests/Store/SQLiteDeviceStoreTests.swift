import FleetPolicy
import Foundation
import GRDB
import Testing

@testable import DeviceRegistry

@Suite struct SQLiteDeviceStoreTests {
    private func refusal(_ path: String) -> RegistryError? {
        do throws(RegistryError) {
            _ = try SQLiteDeviceStore(path: path)
            return nil
        } catch {
            return error
        }
    }

    @Test func onlyTheOwnerReadsTheFiles() async throws {
        let fixture = try await RegistryFixture()
        try await fixture.add(DeviceRecord(key: DeviceKey("d")))
        for suffix in ["", "-wal", "-shm"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: fixture.folder.database + suffix)
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
        }
        let wide = [FileAttributeKey.posixPermissions: NSNumber(value: 0o644)]
        try FileManager.default.setAttributes(wide, ofItemAtPath: fixture.folder.database)
        _ = try await fixture.reopened()
        let attributes = try FileManager.default.attributesOfItem(atPath: fixture.folder.database)
        #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
    }

    @Test func refusesANewerSchema() async throws {
        let fixture = try await RegistryFixture()
        try await fixture.registry.close()
        let queue = try DatabaseQueue(path: fixture.folder.database)
        try await queue.write { try $0.execute(sql: "INSERT INTO grdb_migrations (identifier) VALUES ('2')") }
        try queue.close()
        let error = refusal(fixture.folder.database)
        #expect(error?.code == .newerSchema && error?.message.contains("newer version") == true)
    }

    @Test func refusesWhatIsNoRegistry() throws {
        let folder = try ScratchFolder()
        let foreign = "\(folder.path)/foreign.db"
        let queue = try DatabaseQueue(path: foreign)
        try queue.write { try $0.execute(sql: "CREATE TABLE device (x)") }
        try queue.close()
        #expect(refusal(foreign)?.message.contains("another program") == true)
        let garbage = "\(folder.path)/garbage.db"
        try Data(repeating: 0x41, count: 10_000).write(to: URL(fileURLWithPath: garbage))
        #expect(refusal(garbage)?.code == .storeFailed)
        let truncated = "\(folder.path)/truncated.db"
        try Data("SQLite format 3\0".utf8).write(to: URL(fileURLWithPath: truncated))
        #expect(refusal(truncated)?.code == .storeFailed)
        #expect(refusal(folder.path)?.code == .storeFailed)
        #expect(refusal("\(folder.path)/missing/registry.db")?.code == .storeFailed)
        // An empty file is a registry that has not begun.
        let empty = "\(folder.path)/empty.db"
        try Data().write(to: URL(fileURLWithPath: empty))
        #expect(refusal(empty) == nil)
    }

    private static let device = """
        INSERT INTO device (name, state, state_reason, profile, note, created_at, changed_at)
        """

    /// What no bug of ours may get into the file either.
    @Test(arguments: [
        "\(device) VALUES ('nobody', 'active', '', '', '', 0, 0)",
        "\(device) VALUES ('/d', 'active', '', '', '', 0, 0)",
        "\(device) VALUES ('t/d', 'lost', '', '', '', 0, 0)",
        "\(device) VALUES ('t/known', 'active', '', '', '', 0, 0)",
        "\(device) VALUES ('t/d', 'active', '', NULL, '', 0, 0)",
        "\(device) VALUES ('t/d', 'active', '', '', '', 'x', 0)",
        "\(device) VALUES ('t/\(String(repeating: "d", count: 256))', 'active', '', '', '', 0, 0)",
        "UPDATE device SET state = ''", "UPDATE device SET password_hash = ''",
        "INSERT INTO pin VALUES (1, 0, 'certificate', zeroblob(32), 0)",
        "INSERT INTO pin VALUES (1, 6, 'certificate', zeroblob(32), 0)",
        "INSERT INTO pin VALUES (1, 2, 'certificate', zeroblob(31), 0)",
        "INSERT INTO pin VALUES (1, 2, 'certificate', zeroblob(33), 0)",
        "INSERT INTO pin VALUES (1, 2, 'key', zeroblob(32), 0)",
        "INSERT INTO pin VALUES (1, 1, 'public-key', zeroblob(32), 0)",
        "INSERT INTO pin VALUES (1, 2, 'certificate', x'\(String(repeating: "01", count: 32))', 0)",
        "INSERT INTO pin VALUES (99, 1, 'certificate', zeroblob(32), 0)",
        "INSERT INTO attribute VALUES (99, 'a', 'b')", "INSERT INTO attribute VALUES (1, '', 'b')",
        "INSERT INTO override VALUES (1, 'connections', -1)", "INSERT INTO override VALUES (1, 'connections', 'x')",
        "INSERT INTO certificate VALUES (1, zeroblob(32), '', 0, zeroblob(16385), 0, 0)",
        "INSERT INTO self_registered_count VALUES ('p', -1)", "UPDATE device SET is_self_registered = 2",
    ])
    func theTablesRefuse(_ sql: String) async throws {
        let fixture = try await RegistryFixture()
        try await fixture.add(DeviceRecord(key: DeviceKey("known"), pins: [PinRecord(.numbered(1))]))
        try await fixture.registry.close()
        let queue = try DatabaseQueue(path: fixture.folder.database)
        await #expect(throws: DatabaseError.self) { try await queue.write { try $0.execute(sql: sql) } }
    }

    @Test func damageIsAnError() async throws {
        for sql in ["UPDATE device SET name = 't/#'", "UPDATE device SET name = 'a/b/c'"] {
            let fixture = try await RegistryFixture()
            try await fixture.add(DeviceRecord(key: DeviceKey("d")))
            let queue = try DatabaseQueue(path: fixture.folder.database)
            try await queue.write { try $0.execute(sql: sql) }
            await #expect(throws: RegistryError.self) { try await fixture.reopened() }
            await #expect(throws: RegistryError.self) { try await fixture.apply(.list(query: DeviceQuery())) }
        }
    }

    @Test func removingADeviceLeavesNothingBehind() async throws {
        let fixture = try await RegistryFixture()
        var overrides = DeviceOverrides()
        overrides.connectionsMax = 2
        let key = DeviceKey("d")
        let need = RegistrationNeed(key: key, profile: "p", state: .active, quota: nil)
        #expect(await fixture.registry.register(need, certificate: nil, address: "") == .registered)
        let change = DeviceChange(attributes: ["a": "b"], overrides: overrides)
        try await fixture.apply(.change(device: key, change: change))
        try await fixture.apply(.pin(device: key, pin: .numbered(1)))
        fixture.registry.record(
            Sighting(
                key: key, at: 1, address: "",
                certificate: SeenCertificate(sha256: Array(repeating: 1, count: 32), subject: "", notAfter: 1)))
        await fixture.registry.flushSightings()
        try await fixture.apply(.remove(device: key))
        let queue = try DatabaseQueue(path: fixture.folder.database)
        for table in [
            "device", "pin", "attribute", "override", "certificate", "self_registered_count WHERE devices > 0",
        ] {
            let count = try await queue.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM \(table)") }
            #expect(count == 0)
        }
    }
}

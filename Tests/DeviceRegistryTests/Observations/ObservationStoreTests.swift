import FleetPolicy
import Foundation
import GRDB
import Testing

@testable import DeviceRegistry

@Suite struct ObservationStoreTests {
    private let fixture: ObservationFixture
    private let now = ObservationFixture.now

    init() throws { fixture = try ObservationFixture() }

    @Test func everythingIsThereAfterReopening() async throws {
        let first = try fixture.store()
        first.record(ObservationFixture.certificate(1))
        first.record(ObservationFixture.failure())
        try await first.flush(at: now)
        #expect(try await first.suspect(Self.sign(1, at: now)))
        try first.close()
        for reading in [true, false] {
            let again = reading ? try ObservationStore(reading: fixture.path) : try fixture.store()
            #expect(try await again.certificates(CertificateQuery()).count == 1)
            #expect(try await again.journal(JournalQuery()).count == 1)
            #expect(try await again.suspicions().count == 1)
            try again.close()
        }
    }

    @Test func theFileIsItsOwnersOnly() async throws {
        let store = try fixture.store()
        store.record(ObservationFixture.failure())
        try await store.flush(at: now)
        for suffix in ["", "-wal", "-shm"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: fixture.path + suffix)
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600, "\(suffix)")
        }
    }

    @Test func whatOnlyReadsChangesNothing() async throws {
        try fixture.store().close()
        let reading = try ObservationStore(reading: fixture.path)
        reading.record(ObservationFixture.failure())
        await #expect(throws: RegistryError.self) { try await reading.flush(at: now) }
        #expect(reading.counts.dropped == 1)
    }

    @Test func aFileThatIsNotThereIsNotReadAndNotMade() {
        let error = #expect(throws: RegistryError.self) { try ObservationStore(reading: fixture.path) }
        #expect(error?.message.contains("there is no file") == true)
        #expect(!FileManager.default.fileExists(atPath: fixture.path))
    }

    @Test(arguments: [
        Array("this is no database, but it is long enough to be taken for one by its size alone".utf8),
        Array("SQLite format 3".utf8) + [0] + [UInt8](repeating: 0x78, count: 8192),
    ])
    func aFileThatIsNoDatabaseIsRefusedAndLeftAsItIs(contents: [UInt8]) throws {
        try Data(contents).write(to: URL(fileURLWithPath: fixture.path))
        for reading in [false, true] {
            let error = #expect(throws: RegistryError.self) {
                reading ? try ObservationStore(reading: fixture.path) : try fixture.store()
            }
            #expect(error?.code == .storeFailed)
            #expect(error?.message == "the file is no database, or is damaged")
        }
        #expect(try Data(contentsOf: URL(fileURLWithPath: fixture.path)) == Data(contents))
    }

    @Test func aDamagedDatabaseIsRefused() throws {
        try fixture.store().close()
        let file = URL(fileURLWithPath: fixture.path)
        var contents = try Data(contentsOf: file)
        // All of the first page but its header: the list of tables.
        contents.replaceSubrange(100..<4096, with: [UInt8](repeating: 0xAA, count: 3996))
        try contents.write(to: file)
        for suffix in ["-wal", "-shm"] { try? FileManager.default.removeItem(atPath: fixture.path + suffix) }
        let error = #expect(throws: RegistryError.self) { try fixture.store() }
        #expect(error?.message == "the file is no database, or is damaged")
    }

    @Test func aRegistryIsNotTakenForObservations() throws {
        _ = try SQLiteDeviceStore(path: fixture.path)
        let error = #expect(throws: RegistryError.self) { try fixture.store() }
        #expect(error?.message.contains("another program") == true)
    }

    @Test func aNewerFileIsRefused() async throws {
        let store = try fixture.store()
        try await store.pool.write { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('99')") }
        try store.close()
        for reading in [false, true] {
            let error = #expect(throws: RegistryError.self) {
                reading ? try ObservationStore(reading: fixture.path) : try fixture.store()
            }
            #expect(error?.code == .newerSchema)
        }
    }

    @Test func whatCannotBeWrittenIsCountedAndGivenUp() async throws {
        let store = try fixture.store()
        try await store.pool.write { try $0.execute(sql: "DROP TABLE failure") }
        store.record(ObservationFixture.failure())
        store.record(ObservationFixture.certificate(1))
        await #expect(throws: RegistryError.self) { try await store.flush(at: now) }
        #expect(store.counts.dropped == 2)
        // Nothing of it is left to fail again.
        try await store.flush(at: now)
        #expect(try await store.certificates(CertificateQuery()).isEmpty)
    }

    @Test func moreThanOneTransactionHoldsIsWritten() async throws {
        let store = try fixture.store()
        for number in 0..<150 { store.record(ObservationFixture.certificate(number)) }
        store.record(ObservationFixture.failure())
        try await store.flush(at: now)
        #expect(store.counts.handshakes == 150)
        #expect(store.counts.journalRows == 1)
        #expect(store.counts.dropped == 0)
        let found = try await store.pool.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM certificate") }
        #expect(found == 150)
    }

    @Test func aFlushWaitsForTheOneThatIsUnderWay() async throws {
        let store = try fixture.store()
        for number in 0..<1_000 { store.record(ObservationFixture.certificate(number)) }
        let slow = Task { try await store.flush(at: now, isPaced: true) }
        // Begun when nothing waits any more: it has taken all of it.
        while store.buffer.count > 0 { await Task.yield() }
        try await store.flush(at: now)
        #expect(store.counts.handshakes == 1_000)
        try await slow.value
    }

    @Test func whatStoodBehindAFailedTransactionIsGivenUpToo() async throws {
        let store = try fixture.store()
        for number in 0..<150 { store.record(ObservationFixture.certificate(number)) }
        try await store.pool.write { try $0.execute(sql: "DROP TABLE certificate") }
        await #expect(throws: RegistryError.self) { try await store.flush(at: now) }
        #expect(store.counts.dropped == 150)
        #expect(store.counts.handshakes == 0)
    }

    // MARK: Suspicions

    private static func sign(_ number: UInt8, at: Int64, _ kind: CloneSign.Kind = .alternating) -> CloneSign {
        CloneSign(
            kind: kind, fingerprint: [UInt8](repeating: number, count: 32),
            networks: ["192.0.2.1", "198.51.100.1"].compactMap(ClientNetwork.init(address:)), at: at, connections: [])
    }

    @Test func suspicionsAreKeptAndEnd() async throws {
        let store = try fixture.store()
        let fingerprint = HexadecimalText.text([UInt8](repeating: 1, count: 32))
        store.record(ObservationFixture.certificate(1, device: "a/1") { $0.fingerprint = fingerprint })
        try await store.flush(at: now)
        #expect(try await store.suspect(Self.sign(1, at: now)))
        #expect(try await store.suspect(Self.sign(1, at: now + 60, .simultaneous)))
        #expect(try await store.suspect(Self.sign(2, at: now + 10)))
        let all = try await store.suspicions()
        #expect(all.map(\.count) == [2, 1])
        #expect(all.first?.kind == .simultaneous)
        #expect(all.first?.device == "a/1")
        #expect(all.first?.networks == ["192.0.2.0/24", "198.51.100.0/24"])
        #expect(all.last?.device == "")
        #expect(
            try await store.clearSuspicions(before: now + 60) == [
                HexadecimalText.text([UInt8](repeating: 2, count: 32))
            ])
        #expect(try await store.clearSuspicion(of: fingerprint))
        #expect(try await !store.clearSuspicion(of: fingerprint))
        #expect(try await store.suspicions().isEmpty)
    }

    @Test func aKindOfALaterVersionIsPassedOver() async throws {
        let store = try fixture.store()
        #expect(try await store.suspect(Self.sign(1, at: now)))
        try await store.pool.write { try $0.execute(sql: "UPDATE suspicion SET kind = 'telepathy'") }
        #expect(try await store.suspicions().isEmpty)
    }
}

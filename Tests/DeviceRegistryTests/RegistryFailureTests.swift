import FleetPolicy
import Testing

@testable import DeviceRegistry

/// A store whose transactions fail at their very end.
private struct FailingStore: DeviceStore {
    let store: SQLiteDeviceStore

    func loadDirectory() async throws(RegistryError) -> DeviceDirectory { try await store.loadDirectory() }

    func read<Answer: Sendable>(
        _ body: @escaping @Sendable (any DeviceStoreReader) throws(RegistryError) -> Answer
    ) async throws(RegistryError) -> Answer { try await store.read(body) }

    func write<Answer: Sendable>(
        _ body: @escaping @Sendable (any DeviceStoreWriter) throws(RegistryError) -> Answer
    ) async throws(RegistryError) -> Answer {
        try await store.write { writer throws(RegistryError) in
            _ = try body(writer)
            throw RegistryError(.storeFailed, "the disk is gone")
        }
    }

    func close() async throws(RegistryError) { try await store.close() }
}

@Suite struct RegistryFailureTests {
    @Test func aFailedTransactionChangesNothing() async throws {
        let fixture = try await RegistryFixture()
        let key = DeviceKey("d")
        try await fixture.add(DeviceRecord(key: key, profile: "p", pins: [PinRecord(.numbered(1))]))
        let failing = try await DeviceRegistry.open(FailingStore(store: fixture.store), logger: .silent)
        let commands: [RegistryCommand] = [
            .add(device: DeviceRecord(key: DeviceKey("e")), passwordHash: nil), .remove(device: key),
            .retire(device: key, reason: ""), .unpin(device: key, pin: .numbered(1)),
            .change(device: key, change: DeviceChange(profile: "q")),
            .importDevices(devices: DeviceImport(format: .csv, mode: .add, text: "device\nt/x\nt/y\n")),
        ]
        for command in commands {
            await #expect(throws: RegistryError.self) { try await failing.apply(command, by: "tester") }
        }
        let need = RegistrationNeed(key: DeviceKey("f"), profile: "p", state: .active, quota: 9)
        guard case .failed(let error) = await failing.register(need, certificate: nil, address: "") else {
            Issue.record("registered by a store that fails")
            return
        }
        #expect(error.code == .storeFailed)
        failing.record(Sighting(key: key, at: 5, address: "a", certificate: nil))
        await failing.flushSightings()
        #expect(failing.sightingCounts.dropped == 1)
        #expect(await failing.directory.count == 1)
        let reopened = try await fixture.reopened()
        #expect(await reopened.directory.changes(since: fixture.registry.directory).isEmpty)
        #expect(try await reopened.apply(.history(device: key, limit: 9), by: "x").history.count == 1)
        #expect(try await fixture.show(key)?.lastSeen == nil)
        let counts = try await fixture.store.read { reader throws(RegistryError) in
            (try reader.count(DeviceQuery(profile: "p")), try reader.selfRegisteredCount(ofProfile: "p"))
        }
        #expect(counts == (1, 0))
    }

    @Test func aCancelledCallerStillKnows() async throws {
        let fixture = try await RegistryFixture()
        let task = Task {
            try await fixture.registry.apply(
                .add(device: DeviceRecord(key: DeviceKey("d")), passwordHash: nil), by: "x")
        }
        task.cancel()
        #expect(try await task.value.record != nil)
        #expect(await fixture.registry.directory.count == 1)
    }

    @Test func whatAnotherProcessChangedComesWithAReload() async throws {
        let fixture = try await RegistryFixture()
        for name in ["a", "b", "c"] { try await fixture.add(DeviceRecord(key: DeviceKey(name))) }
        let other = try await fixture.reopened()
        var updates = other.updates.makeAsyncIterator()
        try await fixture.apply(.remove(device: DeviceKey("a")))
        try await fixture.apply(.retire(device: DeviceKey("b"), reason: ""))
        try await fixture.add(DeviceRecord(key: DeviceKey("d")))
        #expect(await other.directory.count == 3)
        try await other.reload()
        let update = await updates.next()
        #expect(Set(update?.changed ?? []) == [DeviceKey("a"), DeviceKey("b"), DeviceKey("d")])
        #expect(await other.directory.entry(DeviceKey("b"))?.state == .retired)
        #expect(await other.directory.entry(DeviceKey("a")) == nil)
    }

    @Test func updatesBecomeOneAndLoseNothing() async throws {
        let fixture = try await RegistryFixture()
        let keys = (0..<50).map { DeviceKey("d\($0)") }
        for key in keys { try await fixture.add(DeviceRecord(key: key)) }
        var updates = fixture.registry.updates.makeAsyncIterator()
        let first = await updates.next()
        #expect(Set(first?.changed ?? []) == Set(keys) && first?.changed.count == 50 && first?.directory.count == 50)
        // One that waits gets the next as soon as it is there.
        async let second = fixture.registry.updates.first { _ in true }
        try await fixture.apply(.retire(device: keys[7], reason: ""))
        let update = await second
        #expect(update?.changed == [keys[7]] && update?.directory.entry(keys[7])?.state == .retired)
        // A note changes no decision.
        try await fixture.apply(.change(device: keys[7], change: DeviceChange(note: "x")))
        try await fixture.apply(.remove(device: keys[8]))
        #expect(await fixture.registry.updates.first { _ in true }?.changed == [keys[8]])
    }

    @Test func updatesEndWithTheirConsumer() async throws {
        let fixture = try await RegistryFixture()
        let registry = fixture.registry
        let consumer = Task { for await _ in registry.updates {} }
        consumer.cancel()
        await consumer.value
        try await fixture.add(DeviceRecord(key: DeviceKey("d")))
        #expect(await registry.directory.count == 1)
    }
}

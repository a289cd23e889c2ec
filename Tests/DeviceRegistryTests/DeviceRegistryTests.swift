import FleetPolicy
import Testing

@testable import DeviceRegistry

@Suite struct DeviceRegistryTests {
    let key = DeviceKey("meter-1")

    @Test func aDeviceIsWhatWasAdded() async throws {
        let fixture = try await RegistryFixture()
        var overrides = DeviceOverrides()
        overrides.connectionsMax = 4
        let wanted = DeviceRecord(
            key: key, state: .suspended, stateReason: "in the shed", profile: "meter",
            pins: [PinRecord(.numbered(1)), PinRecord(.numbered(2, .publicKey))], attributes: ["site": "hamburg"],
            overrides: overrides, note: "two\nlines", createdAt: 77, firstSeen: 5)
        let added = try #require(try await fixture.add(wanted, hash: cheapHash))
        #expect(added.createdAt == 1_000 && added.changedAt == 1_000 && added.firstSeen == nil && added.hasPassword)
        #expect(added.pins.map(\.addedAt) == [1_000, 1_000])
        #expect(try await fixture.show(key) == added)
        let inDirectory = await fixture.registry.directory.device(key)
        #expect(inDirectory?.passwordHash == cheapHash && inDirectory?.overrides == overrides)
        let again = try await fixture.reopened()
        #expect(await again.directory.device(key) == inDirectory)
        #expect(try await again.apply(.show(device: key), by: "x").record == added)
        let history = try await fixture.apply(.history(device: key, limit: 10)).history
        #expect(history.map(\.action) == ["add"] && history[0].actor == "tester" && history[0].at == 1_000)
        #expect(!history[0].detail.contains("scrypt"))
    }

    @Test(
        arguments: [
            (.pending, .active, false, true), (.pending, .suspended, false, true), (.pending, .retired, false, true),
            (.active, .suspended, false, true), (.active, .retired, false, true), (.active, .active, false, true),
            (.suspended, .active, false, true), (.suspended, .retired, false, true),
            (.retired, .active, false, false), (.retired, .suspended, false, false), (.retired, .active, true, true),
            (.retired, .suspended, true, true), (.retired, .retired, false, true), (.active, .pending, false, false),
            (.active, .pending, true, false), (.suspended, .pending, true, false), (.retired, .pending, true, false),
            (.pending, .pending, false, false),
        ] as [(DeviceState, DeviceState, Bool, Bool)])
    func changesState(_ from: DeviceState, _ to: DeviceState, _ force: Bool, _ isPermitted: Bool) async throws {
        let fixture = try await RegistryFixture()
        try await fixture.add(DeviceRecord(key: key, state: from))
        let refusal = await fixture.refusal(.setState(device: key, state: to, reason: "because", force: force))
        #expect((refusal == nil) == isPermitted)
        #expect(await fixture.registry.directory.entry(key)?.state == (isPermitted ? to : from))
        if isPermitted { #expect(try await fixture.show(key)?.stateReason == "because") }
    }

    @Test func approvesOnlyWhatWaits() async throws {
        let fixture = try await RegistryFixture()
        for state in DeviceState.allCases {
            let key = DeviceKey("d-\(state.rawValue)")
            try await fixture.add(DeviceRecord(key: key, state: state))
            let code = await fixture.refusal(.approve(device: key, reason: ""))?.code
            #expect(code == (state == .pending || state == .active ? nil : .wrongState))
        }
        #expect(try await fixture.show(DeviceKey("d-pending"))?.state == .active)
        // Nothing changed, so nothing was done.
        #expect(try await fixture.apply(.history(device: DeviceKey("d-active"), limit: 9)).history.count == 1)
    }

    @Test func pinsAreFiveAndOfOneDevice() async throws {
        let fixture = try await RegistryFixture()
        let other = DeviceKey("meter-2")
        try await fixture.add(DeviceRecord(key: key))
        try await fixture.add(DeviceRecord(key: other))
        for number in UInt8(1)...5 { try await fixture.apply(.pin(device: key, pin: .numbered(number))) }
        try await fixture.apply(.pin(device: key, pin: .numbered(5)))
        #expect(await fixture.refusal(.pin(device: key, pin: .numbered(6)))?.code == .tooManyPins)
        let taken = await fixture.refusal(.pin(device: other, pin: .numbered(3)))
        #expect(taken?.code == .pinTaken && taken?.message.contains("t/meter-1") == true)
        // The same digest of a key is another pin.
        try await fixture.apply(.pin(device: other, pin: .numbered(3, .publicKey)))
        #expect(await fixture.refusal(.unpin(device: other, pin: .numbered(3)))?.code == .pinNotFound)
        try await fixture.apply(.unpin(device: key, pin: .numbered(3)))
        try await fixture.apply(.pin(device: other, pin: .numbered(3)))
        let directory = await fixture.registry.directory
        let nothing = [UInt8](repeating: 99, count: 32)
        #expect(directory.device(pinning: CertificatePin.numbered(3).sha256, publicKeySHA256: nothing)?.key == other)
        #expect(directory.device(pinning: CertificatePin.numbered(4).sha256, publicKeySHA256: nothing)?.key == key)
        #expect(try await fixture.show(key)?.pins.map(\.pin) == [1, 2, 4, 5].map { .numbered($0) })
        let twice = DeviceRecord(key: DeviceKey("meter-3"), pins: [PinRecord(.numbered(4))])
        #expect(await fixture.refusal(.add(device: twice, passwordHash: nil))?.code == .pinTaken)
        #expect(await fixture.registry.directory.count == 2)
    }

    @Test func changesWhatItIsTold() async throws {
        let fixture = try await RegistryFixture()
        var overrides = DeviceOverrides()
        overrides.packetBytesMax = 1_024
        overrides.subscriptionsMax = 3
        try await fixture.add(
            DeviceRecord(key: key, profile: "a", attributes: ["x": "1", "y": "2"], overrides: overrides, note: "n"))
        fixture.clock.set(2_000)
        var more = DeviceOverrides()
        more.connectionsMax = 2
        let changed = try await fixture.apply(
            .change(
                device: key,
                change: DeviceChange(
                    profile: "b", attributes: ["z": "3"], removedAttributes: ["x", "gone"], overrides: more,
                    removedOverrides: ["subscriptions"]))
        ).record
        #expect(changed?.profile == "b" && changed?.attributes == ["y": "2", "z": "3"] && changed?.note == "n")
        #expect(changed?.overrides.packetBytesMax == 1_024 && changed?.overrides.connectionsMax == 2)
        #expect(changed?.overrides.subscriptionsMax == nil && changed?.changedAt == 2_000)
        #expect(try await fixture.show(key) == changed)
        #expect(await fixture.registry.directory.entry(key)?.profile == "b")
        try await fixture.apply(.setPassword(device: key, hash: cheapHash))
        #expect(await fixture.registry.directory.entry(key)?.passwordHash == cheapHash)
        try await fixture.apply(.setPassword(device: key, hash: nil))
        #expect(await fixture.registry.directory.entry(key)?.hasPassword == false)
        try await fixture.apply(.remove(device: key))
        #expect(await fixture.refusal(.show(device: key))?.code == .notFound)
        #expect(await fixture.registry.directory.count == 0)
        #expect(
            try await fixture.apply(.history(device: key, limit: 10)).history.map(\.action)
                == ["remove", "set-password", "set-password", "change", "add"])
        // Its pins and names are free again.
        try await fixture.add(DeviceRecord(key: key))
    }

    static let badKey = DeviceKey(tenant: "t", deviceID: "#")

    @Test(
        arguments: [
            (.add(device: DeviceRecord(key: badKey), passwordHash: nil), ["device"]),
            (
                .add(device: DeviceRecord(key: badKey, profile: "!", note: "\u{0}"), passwordHash: "x"),
                ["device", "profile", "note", "password-hash"]
            ),
            (
                .add(
                    device: DeviceRecord(key: DeviceKey("d"), note: String(repeating: "n", count: 1_025)),
                    passwordHash: nil), ["note"]
            ),
            (.add(device: DeviceRecord(key: DeviceKey("d"), stateReason: "a\nb"), passwordHash: nil), ["reason"]),
            (
                .add(
                    device: DeviceRecord(key: DeviceKey("d")),
                    passwordHash: "$scrypt$ln=30,r=8,p=1$c2FsdHNhbHQ$c2FsdHNhbHRzYWx0c2FsdA"),
                ["password-hash"]
            ),
            (.show(device: badKey), ["device"]), (.remove(device: badKey), ["device"]),
            (.history(device: badKey, limit: 0), ["device", "limit"]),
            (.list(query: DeviceQuery(limit: 0)), ["limit"]), (.list(query: DeviceQuery(limit: 1_001)), ["limit"]),
            (
                .list(query: DeviceQuery(tenant: "/", profile: "!", containing: "")),
                ["tenant", "profile", "containing"]
            ),
            (.setState(device: badKey, state: .pending, reason: "\u{7}", force: false), ["device", "reason", "state"]),
            (.retire(device: DeviceKey("d"), reason: String(repeating: "r", count: 257)), ["reason"]),
            (.setPassword(device: DeviceKey("d"), hash: ""), ["password-hash"]),
            (.setPassword(device: DeviceKey("d"), hash: "secret"), ["password-hash"]),
            (.pin(device: badKey, pin: .numbered(1)), ["device"]),
            (
                .change(
                    device: DeviceKey("d"),
                    change: DeviceChange(
                        profile: "A", attributes: ["B": "x"], removedAttributes: ["C"], removedOverrides: ["d"])),
                ["profile", "attribute.B", "attribute.C", "override.d"]
            ),
            (
                .change(device: DeviceKey("d"), change: DeviceChange(attributes: ["b": "x"], removedAttributes: ["b"])),
                ["attribute.b"]
            ),
        ] as [(RegistryCommand, [String])])
    func refusesWhatIsWrongInItself(_ command: RegistryCommand, _ fields: [String]) async throws {
        let fixture = try await RegistryFixture()
        let refusal = await fixture.refusal(command)
        #expect(refusal?.code == .invalidCommand)
        #expect(refusal?.mistakes.map(\.field) == fields)
    }

    @Test(
        arguments: [
            (.setState(device: DeviceKey("d"), state: .suspended, reason: "stolen", force: false), .suspended),
            (.retire(device: DeviceKey("d"), reason: "stolen"), .retired),
        ] as [(RegistryCommand, DeviceState)])
    func aDeviceWithoutARecordCanBeKeptOut(_ command: RegistryCommand, _ state: DeviceState) async throws {
        let fixture = try await RegistryFixture()
        let answer = try await fixture.registry.apply(command, by: "test")
        guard case .device(let record) = answer else {
            Issue.record("\(answer)")
            return
        }
        #expect(record.state == state && record.stateReason == "stolen")
        #expect(await fixture.registry.directory.device(DeviceKey("d"))?.state == state)
    }

    @Test func everyChangeNeedsItsDevice() async throws {
        let fixture = try await RegistryFixture()
        for command: RegistryCommand in [
            .show(device: key), .remove(device: key), .approve(device: key, reason: ""),
            .setState(device: key, state: .active, reason: "", force: true),
            .pin(device: key, pin: .numbered(1)), .unpin(device: key, pin: .numbered(1)),
            .setPassword(device: key, hash: nil), .change(device: key, change: DeviceChange(note: "x")),
        ] {
            #expect(await fixture.refusal(command)?.code == .notFound)
        }
        try await fixture.add(DeviceRecord(key: key))
        #expect(await fixture.refusal(.add(device: DeviceRecord(key: key), passwordHash: nil))?.code == .alreadyExists)
        for actor in ["", "a\nb", String(repeating: "a", count: 129)] {
            await #expect(throws: RegistryError.self) {
                try await fixture.registry.apply(.remove(device: key), by: actor)
            }
        }
        #expect(await fixture.registry.directory.count == 1)
    }

    @Test func listsInPagesAndByCondition() async throws {
        let fixture = try await RegistryFixture()
        for number in 0..<25 {
            try await fixture.add(
                DeviceRecord(
                    key: DeviceKey(tenant: number % 5 == 0 ? "t-x" : "t", deviceID: "d%_\(number)"),
                    state: number % 2 == 0 ? .active : .pending, profile: number < 10 ? "a" : ""))
        }
        var query = DeviceQuery(limit: 7)
        var keys: [DeviceKey] = []
        while case .devices(let page, let next) = try await fixture.apply(.list(query: query)) {
            #expect(page.count <= 7)
            keys += page.map(\.key)
            guard let next else { break }
            query.after = next
        }
        #expect(keys.count == 25 && keys == keys.sorted())
        func count(_ query: DeviceQuery) async throws -> Int? { try await fixture.apply(.count(query: query)).count }
        #expect(try await count(DeviceQuery(limit: 1)) == 25)
        #expect(try await count(DeviceQuery(tenant: "t")) == 20)
        #expect(try await count(DeviceQuery(tenant: "t-x")) == 5)
        #expect(try await count(DeviceQuery(state: .pending)) == 12)
        #expect(try await count(DeviceQuery(profile: "a")) == 10)
        #expect(try await count(DeviceQuery(containing: "%_1")) == 11)
        #expect(try await count(DeviceQuery(containing: "D%_24")) == 1)
        #expect(try await count(DeviceQuery(containing: "t-x")) == 0)
        #expect(try await count(DeviceQuery(containing: "'; DROP TABLE device; --")) == 0)
        #expect(try await count(DeviceQuery(notSeenSince: 5)) == 25)
        #expect(
            try await fixture.apply(.list(query: DeviceQuery(tenant: "t", state: .active, profile: "a"))).records.count
                == 4)
    }
}

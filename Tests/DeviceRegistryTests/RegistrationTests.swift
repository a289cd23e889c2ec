import FleetPolicy
import Testing

@testable import DeviceRegistry

@Suite struct RegistrationTests {
    private func need(
        _ name: String, profile: String = "meter", state: DeviceState = .active, quota: Int? = 10
    ) -> RegistrationNeed {
        RegistrationNeed(key: DeviceKey(name), profile: profile, state: state, quota: quota)
    }

    private let certificate = SeenCertificate(
        sha256: Array(repeating: 7, count: 32), subject: "CN=meter", notAfter: 9_000, der: [1, 2, 3])

    @Test func manyAtOnceStayWithinTheQuota() async throws {
        let fixture = try await RegistryFixture()
        try await fixture.add(DeviceRecord(key: DeviceKey("known"), profile: "meter"))
        #expect(
            await fixture.registry.register(need("old"), certificate: nil, address: "") == .registered)
        try await fixture.apply(.retire(device: DeviceKey("old"), reason: ""))
        let registry = fixture.registry
        let outcomes = await withTaskGroup(of: RegistrationOutcome.self) { group in
            for number in 0..<500 {
                let profile = number % 2 == 0 ? "meter" : "lamp"
                let need = need("d\(number)", profile: profile, quota: profile == "meter" ? 100 : 7)
                group.addTask { await registry.register(need, certificate: nil, address: "192.0.2.1") }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        // One of the hundred is retired and counts still; the one that was added does not.
        #expect(outcomes.count { $0 == .registered } == 99 + 7)
        #expect(outcomes.count { $0 == .quotaExceeded } == 151 + 243)
        let directory = await registry.directory
        #expect(directory.selfRegisteredCount(ofProfile: "meter") == 100)
        #expect(directory.selfRegisteredCount(ofProfile: "lamp") == 7)
        let reopened = try await fixture.reopened()
        #expect(await reopened.directory.changes(since: directory).isEmpty)
    }

    @Test func twoGatewaysOnOneFileStayWithinTheQuota() async throws {
        let fixture = try await RegistryFixture()
        let registries = [fixture.registry, try await fixture.reopened()]
        let registered = await withTaskGroup(of: RegistrationOutcome.self) { group in
            for number in 0..<60 {
                let need = need("d\(number)", quota: 20)
                group.addTask { await registries[number % 2].register(need, certificate: nil, address: "") }
            }
            return await group.reduce(into: 0) { $0 += $1 == .registered ? 1 : 0 }
        }
        #expect(registered == 20)
        #expect(try await fixture.apply(.count(query: DeviceQuery())).count == 20)
    }

    @Test func writesDownWhoCame() async throws {
        let fixture = try await RegistryFixture()
        #expect(
            await fixture.registry.register(need("d"), certificate: certificate, address: "192.0.2.1") == .registered)
        let record = try #require(try await fixture.show(DeviceKey("d")))
        #expect(record.profile == "meter" && record.state == .active && record.createdAt == 1_000)
        #expect(record.firstSeen == 1_000 && record.lastSeen == 1_000 && record.lastAddress == "192.0.2.1")
        #expect(record.lastCertificate == certificate)
        let history = try await fixture.apply(.history(device: DeviceKey("d"), limit: 5)).history
        #expect(history.map(\.action) == ["register"] && history[0].actor == "gateway")
    }

    @Test func isTheSameASecondTime() async throws {
        let fixture = try await RegistryFixture()
        let registry = fixture.registry
        #expect(await registry.register(need("p", state: .pending), certificate: nil, address: "") == .pending)
        #expect(await registry.register(need("p", state: .pending), certificate: nil, address: "") == .pending)
        // The profile wants no approval any more, but nobody has approved this one.
        #expect(await registry.register(need("p"), certificate: nil, address: "") == .pending)
        try await fixture.apply(.approve(device: DeviceKey("p"), reason: ""))
        #expect(
            await registry.register(need("p", state: .pending, quota: 0), certificate: nil, address: "") == .registered)
        for state in [DeviceState.suspended, .retired] {
            try await fixture.add(DeviceRecord(key: DeviceKey(state.rawValue), state: state))
            guard case .failed(let error) = await registry.register(need(state.rawValue), certificate: nil, address: "")
            else {
                Issue.record("a \(state) device was registered")
                continue
            }
            #expect(error.code == .wrongState)
        }
        #expect(await registry.directory.count == 3)
    }

    @Test func takesOverWhatAnotherProcessRegistered() async throws {
        let fixture = try await RegistryFixture()
        let other = try await fixture.reopened()
        try await fixture.add(DeviceRecord(key: DeviceKey("d"), state: .pending, attributes: ["a": "b"]))
        #expect(await other.register(need("d", quota: 0), certificate: nil, address: "") == .pending)
        #expect(await other.directory.device(DeviceKey("d"))?.attributes == ["a": "b"])
    }

    @Test(arguments: [0, 1, 3])
    func theQuotaIsExact(_ quota: Int) async throws {
        let fixture = try await RegistryFixture()
        for number in 0..<5 {
            let outcome = await fixture.registry.register(
                need("d\(number)", quota: quota), certificate: nil, address: "")
            #expect(outcome == (number < quota ? .registered : .quotaExceeded))
        }
        #expect(await fixture.registry.register(need("x", quota: nil), certificate: nil, address: "") == .registered)
    }

    @Test func aProfileThatChangedOrWentIsCountedNoMore() async throws {
        let fixture = try await RegistryFixture()
        for name in ["a", "b"] {
            #expect(await fixture.registry.register(need(name, quota: 2), certificate: nil, address: "") == .registered)
        }
        #expect(await fixture.registry.register(need("c", quota: 2), certificate: nil, address: "") == .quotaExceeded)
        try await fixture.apply(.change(device: DeviceKey("a"), change: DeviceChange(profile: "other")))
        try await fixture.apply(.remove(device: DeviceKey("b")))
        for name in ["c", "d"] {
            #expect(await fixture.registry.register(need(name, quota: 2), certificate: nil, address: "") == .registered)
        }
    }

    @Test func importedAndAddedDevicesUseUpNothing() async throws {
        let fixture = try await RegistryFixture()
        let rows = (0..<50).map { "t/i\($0),meter\n" }.joined()
        _ = try await fixture.importing("device,profile\n" + rows)
        // What the caller of a command says about it does not count.
        try await fixture.add(DeviceRecord(key: DeviceKey("a"), profile: "meter", isSelfRegistered: true))
        #expect(try await fixture.show(DeviceKey("a"))?.isSelfRegistered == false)
        #expect(await fixture.registry.register(need("d", quota: 1), certificate: nil, address: "") == .registered)
        #expect(await fixture.registry.register(need("e", quota: 1), certificate: nil, address: "") == .quotaExceeded)
        // One that goes makes no room unless it had taken some.
        try await fixture.apply(.remove(device: DeviceKey("a")))
        try await fixture.apply(.change(device: DeviceKey("i1"), change: DeviceChange(profile: "other")))
        #expect(await fixture.registry.register(need("e", quota: 1), certificate: nil, address: "") == .quotaExceeded)
        try await fixture.apply(.remove(device: DeviceKey("d")))
        #expect(await fixture.registry.register(need("e", quota: 1), certificate: nil, address: "") == .registered)
    }

    @Test func thatItCameByItselfStays() async throws {
        let fixture = try await RegistryFixture()
        let key = DeviceKey("d")
        #expect(await fixture.registry.register(need("d", state: .pending), certificate: nil, address: "") == .pending)
        let commands: [RegistryCommand] = [
            .approve(device: key, reason: ""), .setState(device: key, state: .suspended, reason: "", force: false),
            .setState(device: key, state: .active, reason: "", force: false),
            .setPassword(device: key, hash: cheapHash),
            .pin(device: key, pin: .numbered(1)),
            .change(device: key, change: DeviceChange(profile: "lamp", note: "n")),
            .retire(device: key, reason: ""),
        ]
        for command in commands {
            #expect(try await fixture.apply(command).record?.isSelfRegistered == true)
            #expect(await fixture.registry.directory.entry(key)?.isSelfRegistered == true)
        }
        _ = try await fixture.importing("device,note\nt/d,m\n", .csv, .update)
        #expect(try await fixture.show(key)?.isSelfRegistered == true)
        let reopened = try await fixture.reopened().directory
        #expect(reopened.device(key)?.isSelfRegistered == true)
        #expect(reopened.selfRegisteredCount(ofProfile: "meter") == 0)
        #expect(reopened.selfRegisteredCount(ofProfile: "lamp") == 1)
        #expect(
            await fixture.registry.register(need("e", profile: "lamp", quota: 1), certificate: nil, address: "")
                == .quotaExceeded)
    }

    @Test(arguments: ["", "#", "a/b", "$x", "a\u{0}"])
    func refusesNamesThatNoDeviceHas(_ name: String) async throws {
        let fixture = try await RegistryFixture()
        guard case .failed(let error) = await fixture.registry.register(need(name), certificate: nil, address: "")
        else {
            Issue.record("registered")
            return
        }
        #expect(error.code == .invalidCommand)
        #expect(await fixture.registry.directory.count == 0)
    }
}

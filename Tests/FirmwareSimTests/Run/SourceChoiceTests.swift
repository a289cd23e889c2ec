import NIOCore
import Testing

@testable import FirmwareSim

@Suite struct SourceChoiceTests {
    private func chosen(_ given: String?, _ connections: Int, _ target: String) throws -> (SourceAddresses, String?) {
        let addresses = try given.map { try SourceAddresses(option: $0) }
        let choice = try SourceAddresses.chosen(
            addresses, for: connections, ofAll: connections, to: try SocketAddress(ipAddress: target, port: 8883))
        return (choice.addresses, choice.notice)
    }

    @Test func theSystemChoosesWhereItsPortsAreEnough() throws {
        let (addresses, notice) = try chosen(nil, 25_000, "127.0.0.1")
        #expect(addresses == .systemChoice && notice == nil)
    }

    @Test(arguments: [(25_001, 2, "127.0.0.3"), (75_000, 3, "127.0.0.4"), (1_000_000, 40, "127.0.0.41")])
    func aLoopbackTargetGetsSeveral(connections: Int, count: Int, last: String) throws {
        let (addresses, notice) = try chosen(nil, connections, "127.0.0.1")
        #expect(addresses.addresses.count == count)
        #expect(addresses.addresses.first?.ipAddress == "127.0.0.2")
        #expect(addresses.addresses.last?.ipAddress == last)
        #expect(notice?.contains("127.0.0.2 to \(last)") == true)
    }

    @Test func shardsOnOneHostShareItsPorts() throws {
        let target = try SocketAddress(ipAddress: "127.0.0.1", port: 8883)
        let choice = try SourceAddresses.chosen(nil, for: 20_000, ofAll: 80_000, to: target)
        #expect(choice.addresses.addresses.count == 4)
        let far = try SocketAddress(ipAddress: "192.0.2.7", port: 8883)
        #expect(try SourceAddresses.chosen(nil, for: 20_000, ofAll: 80_000, to: far).addresses == .systemChoice)
    }

    @Test(arguments: 1...4)
    func everyShardUsesAllAddressesEvenly(index: Int) throws {
        var plan = ScenarioPlans.plan(
            fleets: [try ScenarioPlans.fleet(count: 32)], stages: [], shard: try Shard(index: index, count: 4))
        plan.mode = .stay(duration: nil)
        let devices = try SimulatedDevice.all(of: plan.fleets)
        let material = RunMaterial(
            plan: plan, outline: [], devices: devices, target: try SocketAddress(ipAddress: "127.0.0.1", port: 1),
            sources: try SourceAddresses(option: "127.0.0.2-127.0.0.5"), lapTime: .zero, renew: nil)
        let used = LoadRun.ownDevices(of: plan, in: devices).compactMap { material.source(of: $0)?.ipAddress }
        #expect(Dictionary(grouping: used, by: \.self).mapValues(\.count).values.allSatisfy { $0 == 2 })
        #expect(Set(used).count == 4)
    }

    @Test(arguments: ["192.0.2.7", "::1", "2001:db8::1"])
    func anyOtherTargetNeedsThemNamed(target: String) {
        #expect {
            _ = try chosen(nil, 30_000, target)
        } throws: {
            let error = $0 as? SimulatorError
            return error?.code == "too-few-ports" && error?.explanation.contains("--source-addresses") == true
                && error?.explanation.contains("need 2 ") == true
        }
    }

    @Test func whatIsGivenMustBeEnough() throws {
        #expect(try chosen("127.0.0.9", 25_000, "127.0.0.1").0.addresses.count == 1)
        #expect(throws: SimulatorError.self) { try chosen("127.0.0.9", 25_001, "127.0.0.1") }
    }

    @Test func theLimitOfFilesIsExplained() {
        let text = DescriptorLimit.explanation(connections: 30_000, needed: 30_072, limit: 20_000)
        #expect(text.contains("ulimit -Hn 30072"))
        #expect(text.contains("may have 20000"))
        // What the run needs beside its connections, it needs for fewer of them too.
        #expect(text.contains("at most 19928 devices"))
    }
}

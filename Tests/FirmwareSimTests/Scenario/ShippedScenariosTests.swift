import Foundation
import MQTTCodec
import NIOCore
import Testing

@testable import FirmwareSim

/// The files under `Firmware-sim/Scenarios`.
@Suite struct ShippedScenariosTests {
    static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Firmware-sim/Scenarios")

    @Test(arguments: ScenarioLibrary.names)
    func isReadWithoutAMistake(name: String) throws {
        let scenario = try ScenarioLibrary.scenario(named: name)
        #expect(scenario.name == name)
        #expect(!scenario.summary.isEmpty)
        #expect(!scenario.assertions.isEmpty)
        #expect((100...8_000).contains(scenario.fleets.reduce(0) { $0 + $1.specification.count }))
    }

    @Test func everyFileIsPartOfTheProgram() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
            .filter { $0.hasSuffix(".yaml") }
        #expect(Set(files) == Set(ScenarioLibrary.names.map { "\($0).yaml" }))
        for name in ScenarioLibrary.names {
            let text = try String(contentsOf: Self.folder.appendingPathComponent("\(name).yaml"), encoding: .utf8)
            #expect(ScenarioLibrary.text(named: name) == text)
            #expect(text.hasPrefix("# yaml-language-server: $schema=scenario.schema.json\n"))
        }
    }

    /// Client ids and subjects must not collide, and topics must be such that one can publish to them.
    @Test(arguments: ScenarioLibrary.names)
    func everyDeviceCanBeMade(name: String) throws {
        let fleets = try ScenarioLibrary.scenario(named: name).scaled(devices: 0.02, time: 1).fleets
        #expect(throws: Never.self) { _ = try devices(of: fleets) }
    }

    private func devices(of fleets: [ScenarioFleet]) throws -> [SimulatedDevice] {
        try SimulatedDevice.all(of: fleets)
    }

    @Test func reconnectStormIsWhatItSays() throws {
        let scenario = try ScenarioLibrary.scenario(named: "reconnect-storm")
        #expect(scenario.stages.map(\.name) == ["start", "calm", "outage", "storm", "after"])
        #expect(scenario.stages.map(\.isWarmUp) == [true, false, false, false, false])
        #expect(scenario.stages[2].actions == [.init(kind: .outage, fleets: ["meters"])])
        let start = Stage.Action(kind: .start(.rate(perSecond: 50, arrivals: .even)), fleets: [])
        #expect(scenario.stages[0].actions == [start])
        #expect(scenario.fleets[0].deviceClass == DeviceClassLibrary.deviceClass(named: "c3-m33-asm"))
        #expect(scenario.fleets[0].firmware.backoff == .fullJitter(base: .seconds(1), cap: .seconds(30)))
        #expect(scenario.fleets[1].firmware.telemetry.map(\.period) == [.seconds(2)])
        #expect(
            scenario.assertions.contains {
                $0.metric == .latency(.established, percentile: 99) && $0.stage == "storm" && $0.bound == 500_000
            })
    }

    @Test func herdsDifferInTheirBackoffOnly() throws {
        var plain = try ScenarioLibrary.scenario(named: "thundering-herd")
        let jitter = try ScenarioLibrary.scenario(named: "thundering-herd-jitter")
        #expect(plain.fleets[0].firmware.backoff == .fixed(.seconds(5)))
        plain.fleets[0].firmware.backoff = jitter.fleets[0].firmware.backoff
        #expect(plain.fleets == jitter.fleets)
        #expect(plain.stages == jitter.stages)
    }

    @Test func mixedFleetCommandsUpdatesSleepsAndRotates() throws {
        let scenario = try ScenarioLibrary.scenario(named: "mixed-fleet")
        let firmware = Dictionary(uniqueKeysWithValues: scenario.fleets.map { ($0.name, $0.firmware) })
        #expect(firmware["hubs"]?.commands?.fleet == "locks")
        #expect(firmware["locks"]?.answersCommands == true)
        #expect(firmware["locks"]?.subscriptions.count == 1)
        // Answers have to reach the one who commanded.
        let hub = try #require(firmware["hubs"])
        #expect(hub.subscriptions.map(\.topic) == [try #require(hub.commands).replyTopic])
        #expect(firmware["update-service"]?.updates?.totalBytes == 262_144)
        #expect(firmware["trackers"]?.sleep == SleepCycle(awake: .seconds(20), asleep: .seconds(40)))
        #expect(firmware["cameras"]?.rotation == .minutes(2))
        // Its class sleeps; its firmware forbids it.
        let meters = try #require(scenario.fleets.first { $0.name == "meters" })
        #expect(meters.deviceClass.sleep == nil)
        #expect(meters.firmware.sleep == nil)
        #expect(Set(scenario.fleets.map(\.deviceClass.name)).count >= 6)
    }

    @Test func hostileMixHasEveryKindOfIntruder() throws {
        let scenario = try ScenarioLibrary.scenario(named: "hostile-mix")
        #expect(scenario.mqtt == .v5)
        #expect(Set(scenario.fleets.map(\.credential)) == Set(CredentialKind.allCases))
        #expect(Set(scenario.fleets.map(\.conduct.conduct)) == Set(Conduct.allCases))
        for fleet in scenario.fleets {
            let isHonest = fleet.credential == .valid && fleet.conduct == .honest
            #expect((fleet.expectation == .accepted) == isHonest, "\(fleet.name)")
        }
        let expired = try #require(scenario.fleets.first { $0.credential == .expired })
        #expect(expired.expectation == .refused(reasons: ["*/alert-certificate-expired"]))
        let thieves = try #require(scenario.fleets.first { $0.conduct.conduct == .clientIDTheft })
        #expect(thieves.conduct.victims == "meters")
    }

    @Test func anUnknownNameGetsTheNearest() {
        let mistakes = #expect(throws: SourceMistakes.self) { try ScenarioLibrary.scenario(named: "hostilemix") }
        #expect(mistakes?.mistakes.map(\.code) == [.unreadable])
        #expect(mistakes?.mistakes.first?.hint == "did you mean 'hostile-mix'?")
    }
}

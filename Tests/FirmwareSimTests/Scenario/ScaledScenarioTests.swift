import NIOCore
import Testing

@testable import FirmwareSim

@Suite struct ScaledScenarioTests {
    private func scenario(_ name: String = "mixed-fleet") throws -> Scenario {
        try ScenarioLibrary.scenario(named: name)
    }

    @Test func oneIsNothing() throws {
        #expect(try scenario().scaled(devices: 1, time: 1) == scenario())
        #expect(try scenario().scaled(devices: 0, time: -1) == scenario())
        #expect(try scenario().scaled(devices: .nan, time: .infinity) == scenario())
    }

    @Test func everyFleetKeepsADevice() throws {
        let small = try scenario("hostile-mix").scaled(devices: 0.0001, time: 1)
        #expect(small.fleets.allSatisfy { $0.specification.count == 1 })
        let large = try scenario("soak").scaled(devices: 1e12, time: 1)
        #expect(large.fleets.allSatisfy { $0.specification.count == SimulatorLimits.devicesMax })
    }

    @Test func startsKeepTheirShareOfTheStage() throws {
        let original = try scenario("steady-fleet")
        let small = original.scaled(devices: 0.1, time: 0.5)
        guard case .start(.rate(let before, _)) = original.stages[0].actions[0].kind,
            case .start(.rate(let after, _)) = small.stages[0].actions[0].kind
        else { throw Failure() }
        #expect(abs(after - before * 0.1 / 0.5) < 1e-9)
        #expect(small.stages.map(\.duration) == [.seconds(30), .seconds(150)])
    }

    private struct Failure: Error {}

    @Test func noStageGetsShorterThanItMay() throws {
        let original = try scenario("hostile-mix")
        let short = original.scaled(devices: 1, time: 0.01)
        for (before, after) in zip(original.stages, short.stages) { #expect(after.duration >= before.shortest) }
        #expect(short.stages.first { $0.name == "attack" }?.duration == .seconds(45))
        #expect(short.connectTimeout == original.connectTimeout)
    }

    @Test func shorterHasFasterDevicesAndLongerHasNot() throws {
        let original = try scenario()
        let short = original.scaled(devices: 1, time: 0.1)
        let long = original.scaled(devices: 1, time: 10)
        let (before, after) = (original.fleets[0].deviceClass, short.fleets[0].deviceClass)
        #expect(after.handshake.full == .milliseconds(120))
        #expect(after.link?.roundTrip.p50 == .milliseconds(6))
        #expect(after.link?.upBitsPerSecond == 750_000)
        #expect(after.keepAlive == before.keepAlive)
        #expect(long.fleets[0].deviceClass == before)
        #expect(long.fleets[1].firmware.sleep == SleepCycle(awake: .seconds(200), asleep: .seconds(400)))
        #expect(short.fleets[1].firmware.sleep == SleepCycle(awake: .seconds(2), asleep: .seconds(4)))
        #expect(short.fleets[3].firmware.commands?.period == .milliseconds(200))
        #expect(short.fleets[3].firmware.commands?.timeout == .seconds(10))
        #expect(short.fleets[0].firmware.boot == .zero ... .milliseconds(500))
        #expect(short.fleets[0].firmware.backoff == .fullJitter(base: .milliseconds(100), cap: .seconds(6)))
        #expect(short.fleets[5].firmware.rotation == .seconds(12))
    }

    @Test func timesDoNotVanish() throws {
        let short = try scenario().scaled(devices: 1, time: 1e-9)
        for fleet in short.fleets {
            #expect(fleet.firmware.telemetry.allSatisfy { $0.period >= SimulatorLimits.scaledTimeMin })
        }
        #expect(short.stages.allSatisfy { $0.duration > .zero })
        let long = try scenario().scaled(devices: 1, time: 1e15)
        #expect(long.stages.allSatisfy { $0.duration <= .seconds(Int64(SimulatorLimits.durationSecondsMax)) })
    }

    @Test func boundsThatGrowWithTheExercise() throws {
        var original = try scenario("steady-fleet")
        original.assertions = try [
            "connected of meters >= 1000", "connected >= 99%", "handshakes/s>100", "p99 handshake < 2s",
            "time to 90% connected during start < 60s", "failures == 0",
        ].map { try Assertion($0) }
        let small = original.scaled(devices: 0.1, time: 0.5).assertions
        #expect(
            small.map(\.text) == [
                "connected of meters >= 100", "connected >= 99%", "handshakes/s> 20", "p99 handshake < 2s",
                "time to 90% connected during start < 60s", "failures == 0",
            ])
        // A report tells the text only: read again it must say the same.
        for assertion in small { #expect(try Assertion(assertion.text) == assertion) }
        let long = original.scaled(devices: 1, time: 2).assertions
        #expect(long[4].text == "time to 90% connected during start < 120000ms")
        #expect(try Assertion(long[4].text) == long[4])
    }
}

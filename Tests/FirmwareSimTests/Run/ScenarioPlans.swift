import NIOCore

@testable import FirmwareSim

/// Plans for tests of stages.
enum ScenarioPlans {
    static func fleet(
        _ name: String = "meter", count: Int = 4, period: String = "0", backoff: BackoffPolicy = .none,
        expectation: Expectation = .accepted
    ) throws -> ScenarioFleet {
        let defaults = FleetDefaults(
            count: count, subject: "CN={fleet}-{n:06}", topic: "t/{device}", clientID: "{device}",
            publishing: .init(
                period: try DurationText.parse(period, option: "period", allowingZero: true), payloadBytes: 16, qos: 1))
        var fleet = ScenarioFleet(of: try FleetSpecification(name: name, defaults: defaults), backoff: backoff)
        fleet.expectation = expectation
        return fleet
    }

    static func plan(
        port: Int = 1, fleets: [ScenarioFleet], stages: [Stage], seed: UInt64 = 1, shard: Shard? = nil,
        assertions: [Assertion] = []
    ) -> RunPlan {
        RunPlan(
            target: .init(host: "127.0.0.1", port: port, serverName: "localhost"), fleets: fleets, mode: .scenario,
            stages: stages, seed: seed, loops: 2, shard: shard,
            scenario: .init(name: "test", scale: 1, timeScale: 1), assertions: assertions)
    }

    static func stage(
        _ name: String, _ duration: TimeAmount, _ kinds: Stage.Kind..., fleets: [String] = [], isWarmUp: Bool = false
    ) -> Stage {
        Stage(
            name: name, duration: duration, actions: kinds.map { Stage.Action(kind: $0, fleets: fleets) },
            isWarmUp: isWarmUp)
    }
}

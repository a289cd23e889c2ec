import MQTTCodec
import NIOCore

extension RunPlan {
    /// What a scenario comes to, against that target.
    ///
    /// - Parameters:
    ///   - scenario: As written; scaled here.
    ///   - scale: What its numbers of devices are multiplied with.
    ///   - timeScale: What its times are multiplied with.
    /// - Throws: ``SimulatorError`` for options that cannot be, and for more than there may be.
    static func scenario(
        _ scenario: Scenario, generator: GeneratorOptions, target: TargetOptions, seed: UInt64, scale: Double = 1,
        timeScale: Double = 1
    ) throws(SimulatorError) -> RunPlan {
        let scaled = scale == 1 && timeScale == 1 ? scenario : scenario.scaled(devices: scale, time: timeScale)
        let plan = RunPlan(
            target: try target.endpoint(),
            tls: try target.tlsChoice(),
            mqtt: try target.mqttVersion() ?? scaled.mqtt,
            fleets: scaled.fleets,
            mode: .scenario,
            stages: scaled.stages,
            seed: seed,
            connectTimeout: scaled.connectTimeout,
            sourceAddresses: try target.sources(),
            loops: try generator.loopCount(),
            serverProcesses: try generator.serverProcesses(),
            shard: try generator.knownShard(),
            scenario: ScenarioOrigin(name: scaled.name, scale: scale, timeScale: timeScale),
            assertions: scaled.assertions,
            allowsFailures: generator.allowFailures)
        try plan.requireConsistency()
        return plan
    }
}

import ArgumentParser
import MQTTCodec
import NIOCore

/// `firmware-sim run`.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Connects a fleet at a given rate, lets it publish, and reports.",
        discussion: """
            Times are written 250ms, 5s, 2m or 1h. Latencies count from the moment a device was meant to act, so a \
            server (or a generator) that falls behind shows. The exit code is 0 only if every device connected at least \
            once and every QoS 1 publish was acknowledged with success, or with --allow-failures; 1 otherwise; 64 for \
            mistakes in the options.
            """
    )

    @OptionGroup(title: "Target") var target: TargetOptions
    @OptionGroup(title: "Certificates") var credentials: CredentialOptions
    @OptionGroup(title: "Devices") var fleet: FleetOptions
    @OptionGroup(title: "Traffic") var traffic: TrafficOptions
    @OptionGroup(title: "Generator") var generator: GeneratorOptions
    @OptionGroup(title: "Report") var report: ReportOptions

    func validate() throws {
        var mistakes = OptionMistakes()
        mistakes.check(target)
        mistakes.check(generator)
        mistakes.check(fleet.knownDeviceClass)
        mistakes.check(fleet.deviceCount)
        mistakes.check(traffic.publishing)
        mistakes.check(traffic.pace)
        mistakes.check(traffic.mode)
        mistakes.check(traffic.keepAliveTime)
        mistakes.check(traffic.connectTimeLimit)
        mistakes.check(traffic.backoff)
        // The rest follows from several options together.
        if mistakes.found.isEmpty { mistakes.check { () throws(SimulatorError) in try plan(seed: 0) } }
        mistakes.check(credentials)
        try mistakes.throwIfAny()
    }

    func run() async throws {
        try await RunExecution.exitingByVerdict {
            try await RunExecution.execute(
                plan: try plan(seed: generator.seedOrRandom), credentials: try credentials.supply(), output: report)
        }
    }

    /// One stage, and firmware made from the options.
    func plan(seed: UInt64) throws(SimulatorError) -> RunPlan {
        let deviceClass = try fleet.knownDeviceClass()
        let backoff = try traffic.backoff()
        let specifications = try fleet.specifications(publishing: try traffic.publishing())
        let plan = RunPlan(
            target: try target.endpoint(),
            tls: try target.tlsChoice(),
            mqtt: try target.mqttVersion() ?? .v3_1_1,
            fleets: specifications.map { specification in
                var fleet = ScenarioFleet(of: specification, backoff: backoff)
                fleet.deviceClass = deviceClass
                return fleet
            },
            mode: try traffic.mode(),
            pace: try traffic.pace(),
            seed: seed,
            connectTimeout: try traffic.connectTimeLimit(),
            keepAlive: try traffic.keepAliveTime(),
            sourceAddresses: try target.sources(),
            loops: try generator.loopCount(),
            serverProcesses: try generator.serverProcesses(),
            shard: try generator.knownShard(),
            allowsFailures: generator.allowFailures
        )
        try plan.requireConsistency()
        return plan
    }
}

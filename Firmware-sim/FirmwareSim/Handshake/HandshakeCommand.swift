import ArgumentParser
import Foundation
import NIOCore

/// `firmware-sim handshake`.
struct HandshakeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "handshake",
        abstract: "Makes nothing but TLS handshakes, to find a server's ceiling, or the cryptography's.",
        discussion: """
            Against a server (--target): devices shake hands, leave, and come again, and speak no MQTT. With \
            --server-pid its processor time gives handshakes per CPU-second, which holds even where this machine, not \
            the server, was the limit.

            With --loopback devices shake hands with a server in this process, in memory and without sockets: the \
            ceiling of the cryptography itself. Each side's processor time is measured apart.

            EXAMPLES
              firmware-sim handshake --loopback --tls 1.2 --resume 0.5
              firmware-sim handshake --target localhost:8883 --pki fleet-pki --concurrency 32 --duration 20s
              firmware-sim handshake --target localhost:8883 --pki fleet-pki --rate 500 --resume always
            """
    )

    @Flag(help: "Device against device in this process, without sockets.")
    var loopback = false

    @OptionGroup(title: "Handshakes") var handshakes: HandshakeOptions
    @OptionGroup(title: "Server") var server: HandshakeServerOptions
    @OptionGroup(title: "Certificates") var credentials: CredentialOptions
    @OptionGroup(title: "Loopback") var memory: LoopbackOptions
    @OptionGroup(title: "Generator") var generator: GeneratorOptions
    @OptionGroup(title: "Report") var report: ReportOptions

    func validate() throws {
        do throws(SimulatorError) {
            if loopback {
                _ = try loopbackPlan(seed: 0)
            } else {
                _ = try plan(seed: 0)
            }
        } catch {
            throw ValidationError(error.description)
        }
    }

    func run() async throws {
        guard loopback else {
            try await RunExecution.exitingByVerdict {
                try await RunExecution.execute(
                    plan: try plan(seed: generator.seedOrRandom), credentials: try credentials.supply(), output: report)
            }
            return
        }
        do {
            let interruption = Interruption()
            defer { interruption.cancel() }
            let request = interruption.request
            let plan = try loopbackPlan(seed: generator.seedOrRandom)
            try await LoopbackRun.run(plan, interruption: { request.isMade }).publish(json: report.json)
        } catch let error as SimulatorError {
            Output.error("firmware-sim: \(error)\n")
            throw error.fault == .options ? ExitCode.validationFailure : ExitCode.failure
        }
    }

    /// Against a server.
    func plan(seed: UInt64) throws(SimulatorError) -> RunPlan {
        let misplaced = memory.given
        guard misplaced.isEmpty else {
            throw .options("loopback-only", "\(misplaced.joined(separator: " and ")) only goes with --loopback")
        }
        guard let target = server.target else {
            throw .options("no-target", "give the server with --target HOST:PORT, or --loopback for none")
        }
        let fleet = ScenarioFleet(of: try server.specification(devices: handshakes.devices), backoff: .none)
        let plan = RunPlan(
            target: try RunPlan.Target(option: target, serverName: server.serverName),
            tls: try handshakes.tlsChoice(),
            fleets: [fleet],
            mode: .handshakeOnly(duration: try handshakes.time()),
            pace: try server.pace(),
            seed: seed,
            connectTimeout: try DurationText.parse(server.handshakeTimeout, option: "--handshake-timeout"),
            resumption: try ResumeOption(option: handshakes.resume).resumption,
            sourceAddresses: try server.sources(),
            loops: try generator.loopCount(),
            serverProcesses: try generator.serverProcesses(),
            shard: try generator.knownShard(),
            allowsFailures: generator.allowFailures)
        try plan.requireConsistency()
        return plan
    }

    /// In memory.
    func loopbackPlan(seed: UInt64) throws(SimulatorError) -> LoopbackPlan {
        let misplaced = server.given + (generator.serverPID.isEmpty ? [] : ["--server-pid"])
        guard misplaced.isEmpty else {
            throw .options("no-server", "with --loopback there is no server: \(misplaced.joined(separator: ", "))")
        }
        guard report.csv == nil, report.html == nil, report.metricsPort == nil, generator.shard == nil else {
            throw .options("loopback-report", "--loopback reports in text and with --json only, and has no shards")
        }
        guard (1...SimulatorLimits.loopbackDevicesMax).contains(handshakes.devices) else {
            throw .options("bad-devices", "--devices must be from 1 to \(SimulatorLimits.loopbackDevicesMax)")
        }
        let time = try handshakes.time()
        return LoopbackPlan(
            tls: try handshakes.tlsChoice(),
            resumeShare: try ResumeOption(option: handshakes.resume).share,
            loops: try generator.loopCount(),
            end: try memory.handshakeCount().map { .handshakes($0) } ?? .after(time),
            warmUp: try memory.warmUpTime(),
            devices: handshakes.devices,
            seed: seed)
    }
}

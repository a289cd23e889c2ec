import ArgumentParser
import Foundation
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
    @OptionGroup(title: "Devices") var fleet: FleetOptions
    @OptionGroup(title: "Traffic") var traffic: TrafficOptions
    @OptionGroup(title: "Generator and report") var generator: GeneratorOptions

    func validate() throws {
        do throws(SimulatorError) {
            _ = try plan(seed: 0)
        } catch {
            throw ValidationError(error.description)
        }
    }

    func run() async throws {
        let report: RunReport
        do {
            report = try await execute()
        } catch let error as SimulatorError {
            Output.error("firmware-sim: \(error)\n")
            throw error.fault == .options ? ExitCode.validationFailure : ExitCode.failure
        }
        guard report.verdict.passed else { throw ExitCode.failure }
    }

    private func execute() async throws -> RunReport {
        let seed = generator.seed ?? UInt64.random(in: 0...999_999_999)
        let plan = try plan(seed: seed)
        let serverAuthorities = try TextFile.read(target.ca)
        let authority = try CredentialIssuer.authority(
            certificateFile: target.issuer, keyFile: target.issuerKey,
            passphrase: ProcessInfo.processInfo.environment["FIRMWARE_SIM_ISSUER_PASSPHRASE"])
        let devices = try SimulatedDevice.all(of: plan.fleets)
        let cache = try fleet.cache.map { folder throws(SimulatorError) in
            try CredentialCache(folder: folder, issuer: authority)
        }
        let console = ProgressConsole(isQuiet: generator.quiet)
        let credentials = try await CredentialIssuer(
            authority: authority, cache: cache, validityDays: fleet.certificateDays
        ).credentials(for: devices) { console.show($0) }
        let interruption = Interruption()
        defer { interruption.cancel() }
        let request = interruption.request
        let report = try await LoadRun(
            plan: plan, devices: devices, credentials: credentials, serverAuthoritiesPEM: serverAuthorities
        ).run(interruption: { request.isMade }, observe: { console.show($0) })
        console.finish()
        try publish(report)
        return report
    }

    private func publish(_ report: RunReport) throws(SimulatorError) {
        let table = TableReport.render(report)
        guard let json = generator.json else {
            Output.standard(table)
            return
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        guard var data = try? encoder.encode(report) else {
            throw .machine("report-unencodable", "the report could not be written as JSON")
        }
        data.append(0x0A)
        guard json != "-" else {
            // Standard output is the document's alone.
            Output.error(table)
            Output.standard(String(decoding: data, as: UTF8.self))
            return
        }
        Output.standard(table)
        do {
            try data.write(to: URL(fileURLWithPath: json), options: .atomic)
        } catch {
            throw .file("file-unwritable", "cannot write the report to \(json)")
        }
    }

    func plan(seed: UInt64) throws(SimulatorError) -> RunPlan {
        guard let tls = RunPlan.TLSVersionChoice(rawValue: target.tls) else {
            throw .options("bad-tls", "--tls must be 1.2, 1.3 or newest")
        }
        guard DeviceTLS.supports(tls) else {
            throw .options("tls-1.3-unavailable", "--tls 1.3: this build's mbedTLS cannot do TLS 1.3 safely")
        }
        let versions: [String: MQTTProtocolVersion] = ["3.1.1": .v3_1_1, "5": .v5, "5.0": .v5]
        guard let mqtt = versions[target.mqtt] else {
            throw .options("bad-mqtt", "--mqtt must be 3.1.1 or 5")
        }
        let loops = generator.loops ?? ProcessInfo.processInfo.activeProcessorCount
        guard (1...SimulatorLimits.loopsMax).contains(loops) else {
            throw .options("bad-loops", "--loops must be from 1 to \(SimulatorLimits.loopsMax)")
        }
        guard generator.serverPID.allSatisfy({ $0 > 0 }) else {
            throw .options("bad-server-pid", "--server-pid must be a process id")
        }
        let plan = RunPlan(
            target: try RunPlan.Target(option: target.target, serverName: target.serverName),
            tls: tls,
            mqtt: mqtt,
            fleets: try fleet.specifications(publishing: try traffic.publishing()),
            schedule: try traffic.schedule(seed: seed),
            backoff: try BackoffPolicy(option: traffic.reconnect),
            connectTimeout: try DurationText.parse(traffic.connectTimeout, option: "--connect-timeout"),
            keepAlive: try traffic.keepAliveTime(),
            mode: try traffic.mode(),
            sourceAddresses: try target.sourceAddresses.map { text throws(SimulatorError) in
                try SourceAddresses(option: text)
            } ?? .systemChoice,
            loops: loops,
            serverProcesses: generator.serverPID,
            allowsFailures: generator.allowFailures
        )
        try plan.requireConsistency()
        return plan
    }
}

import ArgumentParser

/// From a plan to its report: what all commands that run something do.
enum RunExecution {
    /// Issues credentials, runs, shows progress, and publishes the report. Ctrl-C ends the run early, with a report.
    ///
    /// - Throws: ``SimulatorError`` if the run cannot begin or its report cannot be written.
    static func execute(
        plan: RunPlan, credentials supply: CredentialSupply, output: ReportOptions
    ) async throws -> RunReport {
        try plan.requireConsistency()
        var metrics: MetricsEndpoint?
        if let port = output.metricsPort {
            metrics = try await MetricsEndpoint.start(address: output.metricsAddress, port: port)
        }
        let report: RunReport
        do {
            report = try await run(plan, supply, output, metrics: metrics)
        } catch {
            await metrics?.stop()
            throw error
        }
        await metrics?.stop()
        try output.publish(report)
        return report
    }

    private static func run(
        _ plan: RunPlan, _ supply: CredentialSupply, _ output: ReportOptions, metrics: MetricsEndpoint?
    ) async throws -> RunReport {
        let devices = try SimulatedDevice.all(of: plan.fleets)
        let own = LoadRun.ownDevices(of: plan, in: devices)
        let notes: @Sendable (String) -> Void = { text in
            if !output.quiet { Output.error("firmware-sim: \(text)\n") }
        }
        if let metrics { notes("figures for Prometheus at http://\(output.metricsAddress):\(metrics.port)/metrics") }
        let console = ProgressConsole(isQuiet: output.quiet)
        let credentials = try await supply.issuer.credentials(for: own) { console.show($0) }
        let interruption = Interruption()
        defer { interruption.cancel() }
        let request = interruption.request
        let issuer = supply.issuer
        let report = try await LoadRun(
            plan: plan, devices: devices, credentials: credentials, serverAuthoritiesPEM: supply.serverAuthoritiesPEM,
            renew: { try issuer.renew($0) }
        ).run(
            interruption: { request.isMade }, notice: { console.notice("firmware-sim: \($0)") },
            observe: { progress in
                console.show(progress)
                metrics?.show(progress)
            })
        console.finish()
        return report
    }

    /// Runs a command's work and turns what comes of it into the exit code: 0 if the verdict is good, 1 otherwise, 64
    /// for mistakes in the options.
    static func exitingByVerdict(_ work: () async throws -> RunReport) async throws {
        let report: RunReport
        do {
            report = try await work()
        } catch let error as SimulatorError {
            Output.error("firmware-sim: \(error)\n")
            throw error.fault == .options ? ExitCode.validationFailure : ExitCode.failure
        }
        guard report.verdict.passed else { throw ExitCode.failure }
    }
}

import FleetPKI
import NIOPosix

/// Device against device in one process, without sockets: the ceiling of the cryptography.
enum LoopbackRun {
    /// Runs the plan on threads of its own.
    ///
    /// - Parameter interruption: Asked between handshakes; true ends the run early, with what was measured until then.
    /// - Throws: ``SimulatorError``.
    static func run(
        _ plan: LoopbackPlan, interruption: @escaping @Sendable () -> Bool = { false }
    ) async throws -> LoopbackReport {
        let authority: CertificateAuthority
        do throws(PKIError) {
            authority = try CertificateAuthority.makeDevelopmentRoot(commonName: "Loopback CA")
        } catch {
            throw SimulatorError.machine(error.code.rawValue, "no CA could be made: \(error.message)")
        }
        let threads = NIOThreadPool(numberOfThreads: plan.loops)
        threads.start()
        let tally: LoopbackTally
        do {
            tally = try await withThrowingTaskGroup(of: LoopbackTally.self) { group in
                for place in 0..<plan.loops {
                    group.addTask {
                        try await threads.runIfActive {
                            var worker = try LoopbackWorker(plan: plan, place: place, authority: authority)
                            return try worker.run(interruption: interruption)
                        }
                    }
                }
                var all = LoopbackTally()
                for try await part in group { all.merge(part) }
                return all
            }
        } catch {
            try? await threads.shutdownGracefully()
            throw error
        }
        try await threads.shutdownGracefully()
        return LoopbackReport(plan, tally)
    }
}

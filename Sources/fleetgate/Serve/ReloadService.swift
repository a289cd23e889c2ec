import FleetPolicy
import Gateway
import Logging
import NIOMbedTLS
import ServiceLifecycle
import UnixSignals

/// Reads the configuration again on SIGHUP. What it names is checked as a whole; only a whole without a mistake replaces
/// what is in force.
struct ReloadService: Service {
    let gateway: GatewayService
    /// What the gateway was started from: its fixed part stays in force whatever is loaded later.
    let started: LoadedConfiguration
    let environment: [String: String]
    let logger: Logger

    func run() async throws {
        let signals = await UnixSignalsSequence(trapping: .sighup)
        var revision: UInt64 = 1
        for await _ in signals.cancelOnGracefulShutdown() {
            revision += 1
            await self.reload(revision: revision)
        }
    }

    private func reload(revision: UInt64) async {
        switch LoadedConfiguration.load(
            self.started.configuration.file, revision: revision, environment: self.environment)
        {
        case .failure(let mistakes):
            for mistake in mistakes.mistakes { self.logger.error("\(CheckReport.Mistake(mistake).text)") }
            self.logger.log(
                .error, "not reloaded: everything stays as it was", fields: [.count: "\(mistakes.mistakes.count)"])
        case .success(let loaded):
            for warning in loaded.warnings { self.logger.warning("\(warning)") }
            do {
                try await self.gateway.reload(GatewaySnapshot(loaded))
                self.logger.log(
                    .info, "reloaded",
                    fields: [
                        .revision: "\(revision)",
                        .profiles: "\(loaded.profiles.profileNames.joined(separator: ", "))",
                    ])
                for section in RestartSections.differing(self.started, loaded) {
                    self.logger.log(
                        .warning, "changed, but takes a restart", fields: [.section: "\(section)"])
                }
            } catch {
                self.logger.error("not reloaded: everything stays as it was: \(error)")
            }
        }
    }
}

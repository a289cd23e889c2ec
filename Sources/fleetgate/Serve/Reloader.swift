import FleetPolicy
import Gateway
import Logging
import NIOMbedTLS

/// Reads the configuration again and has the gateway take it over: as a whole, or not at all.
actor Reloader {
    /// What was taken over.
    struct Outcome: Sendable, Codable {
        let revision: UInt64
        let profiles: Int
        let warnings: [String]
        /// Sections of the configuration that differ from what is in force and take a restart.
        let restart: [String]
    }

    private let publisher: SnapshotPublisher
    private let trust: TrustAssembly
    private let observation: ObservationAssembly?
    private let audit: AuditLog?
    /// What is in force: another reload begins with it, and a failed one goes back to it.
    private var current: LoadedConfiguration
    /// What the gateway was started from: its fixed part stays in force whatever is loaded later.
    private let started: LoadedConfiguration
    private let environment: [String: String]
    private let logger: Logger
    private var revision: UInt64 = 1
    /// The reload before; the next one waits for it, so that no older state of the files comes into force after a newer.
    private var last: Task<Outcome, any Error>?

    init(
        publisher: SnapshotPublisher, trust: TrustAssembly, observation: ObservationAssembly?, audit: AuditLog?,
        started: LoadedConfiguration, environment: [String: String], logger: Logger
    ) {
        self.publisher = publisher
        self.trust = trust
        self.observation = observation
        self.audit = audit
        self.current = started
        self.started = started
        self.environment = environment
        self.logger = logger
    }

    /// Reloads, and logs what came of it.
    ///
    /// - Parameter actor: Who wants it, for the audit log.
    /// - Throws: every mistake in the configuration and what it names, or the TLS layer's refusal; then everything is as
    ///   it was.
    func reload(by actor: String) async throws -> Outcome {
        let before = self.last
        let own = Task {
            _ = await before?.result
            return try await self.reloadInTurn(by: actor)
        }
        self.last = own
        return try await own.value
    }

    private func reloadInTurn(by actor: String) async throws -> Outcome {
        self.revision += 1
        do {
            let loaded = try LoadedConfiguration.load(
                self.started.configuration.file, revision: self.revision, environment: self.environment
            ).get()
            // What a running gateway keeps, profiles must not count on having changed.
            if let mistakes = loaded.namesMissing(in: self.started.configuration) { throw mistakes }
            try await self.adopt(loaded)
            let outcome = self.reloaded(loaded)
            self.audit?.append(
                AuditEntry.administration(
                    actor: actor, action: "reload", target: "", after: "revision \(self.revision)",
                    detail: outcome.restart.isEmpty
                        ? nil : "takes a restart: \(outcome.restart.joined(separator: ", "))"))
            return outcome
        } catch {
            self.refused(error)
            let count = (error as? OperatorMistakes).map { "\($0.mistakes.count) mistakes" }
            self.audit?.append(
                AuditEntry.administration(
                    actor: actor, action: "reload", target: "", detail: count,
                    outcome: .refused(reason: "not-reloaded")))
            throw error
        }
    }

    private func adopt(_ loaded: LoadedConfiguration) async throws {
        let (trust, current) = (self.trust, self.current)
        let held = await trust.store.held
        try await self.publisher.adopt(
            loaded, preparing: { await trust.adopt(loaded) },
            undoing: {
                await trust.adopt(current)
                await trust.store.restore(held)
            })
        self.current = loaded
        self.observation?.adopt(loaded)
    }

    private func reloaded(_ loaded: LoadedConfiguration) -> Outcome {
        let names = loaded.profiles.profileNames
        for warning in loaded.warnings { self.logger.warning("\(warning)") }
        self.logger.log(
            .info, "reloaded",
            fields: [
                .revision: "\(self.revision)", .count: "\(names.count)", .profiles: "\(ProfileNames.text(names))",
            ])
        let sections = RestartSections.differing(self.started, loaded)
        for section in sections {
            self.logger.log(.warning, "changed, but takes a restart", fields: [.section: "\(section)"])
        }
        return Outcome(
            revision: self.revision, profiles: names.count, warnings: loaded.warnings, restart: sections)
    }

    private func refused(_ error: any Error) {
        guard let mistakes = error as? OperatorMistakes else {
            self.logger.error("not reloaded: everything stays as it was: \(error)")
            return
        }
        for mistake in mistakes.mistakes { self.logger.error("\(CheckReport.Mistake(mistake).text)") }
        self.logger.log(
            .error, "not reloaded: everything stays as it was", fields: [.count: "\(mistakes.mistakes.count)"])
    }
}

/// The names of profiles for a log line: a fleet may have thousands.
enum ProfileNames {
    private static let shownMax = 20

    static func text(_ names: [String]) -> String {
        let shown = names.prefix(shownMax).joined(separator: ", ")
        return names.count > shownMax ? "\(shown) and \(names.count - shownMax) more" : shown
    }
}

public import FleetPolicy
internal import Logging

/// Registrations that wait for the next transaction.
struct RegistrationQueue {
    struct Waiting {
        let need: RegistrationNeed
        let sighting: Sighting
        let continuation: CheckedContinuation<RegistrationOutcome, Never>
    }

    /// Registrations that wait at a time. Each holds a connection that the gateway keeps open meanwhile.
    static let waitingMax = 20_000
    /// Registrations in one transaction, so that other writes get their turn.
    static let batchMax = 1_000

    var waiting: [Waiting] = []
    var isWorking = false

    mutating func takeBatch() -> [Waiting] {
        let batch = Array(waiting.prefix(Self.batchMax))
        waiting.removeFirst(batch.count)
        return batch
    }
}

extension DeviceRegistry {
    /// Writes down a device that connects for the first time.
    ///
    /// The quota is exact: it is counted in the transaction that registers. Everything that comes while one transaction
    /// is on its way goes into the next one together. For a device that is registered already it answers what it is.
    public func register(
        _ need: RegistrationNeed, certificate: SeenCertificate?, address: String
    ) async -> RegistrationOutcome {
        if let entry = directory.entry(need.key) { return Self.outcome(of: entry.state) }
        let mistakes = RegisteredDevice(key: need.key, profile: need.profile).mistakes
        guard mistakes.isEmpty else {
            return .failed(
                RegistryError(
                    .invalidCommand, "the device cannot be registered",
                    mistakes: mistakes.map { RegistryMistake(field: $0.field, message: $0.message) }))
        }
        guard registrations.waiting.count < RegistrationQueue.waitingMax else {
            return .failed(
                RegistryError(
                    .overloaded, "\(RegistrationQueue.waitingMax) devices wait to be registered already"))
        }
        let sighting = Sighting(key: need.key, at: now(), address: address, certificate: certificate).bounded
        return await withCheckedContinuation { continuation in
            registrations.waiting.append(.init(need: need, sighting: sighting, continuation: continuation))
            guard !registrations.isWorking else { return }
            registrations.isWorking = true
            // Not the caller's task: the others' registrations must not end with its cancellation.
            Task { await self.workOffRegistrations() }
        }
    }

    private func workOffRegistrations() async {
        while !registrations.waiting.isEmpty {
            do throws(RegistryError) {
                try await takeTurn()
            } catch {
                // More waits already than the store can do.
                for waiting in registrations.takeBatch() { waiting.continuation.resume(returning: .failed(error)) }
                continue
            }
            // Taken when the turn has come, so that it holds everything that came until then.
            let batch = registrations.takeBatch()
            let wanted = batch.map { ($0.need, $0.sighting) }
            let rules = CommandRules(actor: CommandRules.gatewayActor, now: now())
            do throws(RegistryError) {
                let outcomes = try await writeInTurn { writer throws(RegistryError) in
                    try rules.register(wanted, writer)
                }
                for (waiting, outcome) in zip(batch, outcomes) { waiting.continuation.resume(returning: outcome) }
            } catch {
                logger.error("devices could not be registered", metadata: ["reason": "\(error.code.rawValue)"])
                for waiting in batch { waiting.continuation.resume(returning: .failed(error)) }
            }
            endTurn()
        }
        registrations.isWorking = false
    }

    static func outcome(of state: DeviceState) -> RegistrationOutcome {
        switch state {
        case .active: .registered
        case .pending: .pending
        case .suspended, .retired: .failed(RegistryError(.wrongState, "the device is \(state.rawValue)"))
        }
    }
}

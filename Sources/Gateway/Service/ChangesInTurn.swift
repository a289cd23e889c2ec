/// Changes of what is in force, one after the other in the order in which they came: two at a time might leave the event
/// loops with different ones.
actor ChangesInTurn {
    private var last: Task<Void, Never>?

    /// Makes a change when those before it are done.
    func make<Outcome: Sendable>(
        _ change: @escaping @Sendable () async throws -> Outcome
    ) async throws -> Outcome {
        let before = self.last
        let own = Task {
            await before?.value
            return try await change()
        }
        self.last = Task { _ = await own.result }
        return try await own.value
    }
}

/// What a readiness check found.
public enum ReadinessState: Sendable, Hashable {
    case ready
    /// Why not, for the operator: no secrets, no identities.
    case notReady(String)
}

/// One condition for taking traffic, say "the broker answers".
public struct ReadinessCheck: Sendable {
    /// A word in lower case, the same for ever: monitoring looks for it.
    public let name: String
    /// Called on each request for `/readyz`, concurrently with the others. One that takes longer than the server's
    /// deadline counts as not ready and is cancelled; it has to end soon then, because the answer waits for it.
    public let state: @Sendable () async -> ReadinessState

    public init(name: String, state: @escaping @Sendable () async -> ReadinessState) {
        self.name = name
        self.state = state
    }
}

/// The answer to `/readyz`.
struct ReadinessReport: Sendable, Encodable {
    struct Check: Sendable, Encodable, Equatable {
        let name: String
        let ready: Bool
        let reason: String?
    }

    let ready: Bool
    let checks: [Check]

    /// Runs all checks at once; the report keeps their order.
    static func make(_ checks: [ReadinessCheck], deadline: Duration) async -> ReadinessReport {
        let results = await withTaskGroup(of: (Int, ReadinessState).self) { group in
            for (index, check) in checks.enumerated() {
                group.addTask { (index, await state(of: check, deadline: deadline)) }
            }
            return await group.reduce(into: [Int: ReadinessState]()) { $0[$1.0] = $1.1 }
        }
        let reported = checks.enumerated().map { index, check in
            switch results[index] {
            case .ready: Check(name: check.name, ready: true, reason: nil)
            case .notReady(let reason): Check(name: check.name, ready: false, reason: reason)
            case nil: Check(name: check.name, ready: false, reason: "no answer")
            }
        }
        return ReadinessReport(ready: reported.allSatisfy(\.ready), checks: reported)
    }

    private static func state(of check: ReadinessCheck, deadline: Duration) async -> ReadinessState {
        await withTaskGroup(of: ReadinessState?.self) { group in
            group.addTask { await check.state() }
            group.addTask {
                // Cancelled when the check answers first; then the result is not looked at.
                try? await Task.sleep(for: deadline)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first ?? .notReady("no answer within \(deadline)")
        }
    }
}

import AdminAPI
import FleetPolicy
import Foundation

extension ControlRoutes {
    /// The server's side of `fleetgate revoke` and `fleetgate crl status`.
    ///
    /// - Parameters:
    ///   - store: Of the running gateway. Sessions end through its change handler, which counts them.
    ///   - locals: The operator's own revocations.
    ///   - certificates: What a device is live with.
    ///   - changed: Called after each change that was made, for the audit.
    static func revocation(
        store: RevocationStore, locals: LocalRevocations,
        certificates: @escaping @Sendable (DeviceKey) async -> [LiveCertificate],
        changed:
            @escaping @Sendable (
                _ actor: String, _ command: RevocationExchange.Command, _ outcome: RevocationExchange.Outcome
            ) async -> Void = { _, _, _ in }
    ) -> [ControlRoute] {
        [
            ControlRoute(RevocationExchange.changeRoute) { request, _ in
                let command = try await request.decode(RevocationExchange.Command.self)
                let actor = OperatorName.name(of: request.peer)
                do throws(RevocationProblem) {
                    let revocations = try await locals.apply(
                        command, by: actor, at: Date(),
                        knowledge: RevocationKnowledge(
                            certificates: certificates, issuer: { await store.issuer(ofCertificate: $0) }))
                    // Also when nothing has changed: an earlier command may have got no further than the file.
                    let sessionsEnded = await store.adopt(locals)
                    let outcome = RevocationExchange.Outcome(changed: revocations, sessionsEnded: sessionsEnded)
                    await changed(actor, command, outcome)
                    return outcome
                } catch {
                    throw ControlFailure(error)
                }
            },
            ControlRoute(RevocationExchange.listRoute) { _, answer in
                for revocation in await locals.all { try await answer.item(revocation) }
                return ControlDone()
            },
            ControlRoute(RevocationExchange.statusRoute) { _, answer in
                for status in await store.statuses() {
                    try await answer.item(RevocationExchange.StatusItem.authority(status))
                }
                for status in await store.sourceStatuses() {
                    try await answer.item(RevocationExchange.StatusItem.source(status))
                }
                return RevocationStatus(authorities: [], sources: [], localRevocations: await locals.all.count)
            },
        ]
    }
}

extension ControlFailure {
    init(_ problem: RevocationProblem) {
        self.init(code: problem.reason, message: problem.description)
    }
}

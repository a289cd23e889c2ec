import AdminAPI
import FleetPolicy
import Gateway

/// The server's side of `fleetgate sessions`.
struct SessionRoutes: Sendable {
    let gateway: GatewayService
    let publisher: SnapshotPublisher
    /// Nil: no audit log is kept.
    let audit: AuditLog?

    var all: [ControlRoute] { [self.list, self.end] }

    private var list: ControlRoute {
        ControlRoute(SessionExchange.listRoute) { request, answer in
            let selection = try await request.decode(SessionExchange.Selection.self)
            let names = await self.publisher.anchorNames
            for part in try Self.parts(selection, names) {
                for session in await self.gateway.sessions(part) {
                    try await answer.item(SessionExchange.Row(session, anchors: names))
                }
            }
            return ControlDone()
        }
    }

    private var end: ControlRoute {
        ControlRoute(SessionExchange.endRoute) { request, _ in
            let end = try await request.decode(SessionExchange.End.self)
            guard end.selection.count == 1, end.reason.utf8.count <= SessionExchange.reasonBytesMax else {
                throw ControlFailure.badRequest("give one selection, and a short reason")
            }
            let names = await self.publisher.anchorNames
            var count = 0
            for part in try Self.parts(end.selection, names) {
                guard let part else { continue }
                count += await self.gateway.endSessions(
                    part, detail: end.reason.isEmpty ? "ended by the operator" : LogText.visible(end.reason))
            }
            self.audit?.append(
                AuditEntry.administration(
                    actor: OperatorName.name(of: request.peer), action: "sessions-end", target: end.selection.text,
                    after: "\(count) sessions ended", detail: end.reason.isEmpty ? nil : end.reason))
            return SessionExchange.Ended(sessions: count)
        }
    }

    private static func parts(
        _ selection: SessionExchange.Selection, _ names: [[UInt8]: String]
    ) throws(ControlFailure) -> [SessionSelection?] {
        do throws(SessionExchange.BadSelection) {
            return try selection.selections(anchors: names) ?? [nil]
        } catch {
            throw ControlFailure.badRequest(error.description)
        }
    }
}

extension SessionExchange.Selection {
    /// For a person.
    var text: String {
        if let device { return "\(device)" }
        if let tenant { return "tenant \(tenant)" }
        if let profile { return "profile \(profile)" }
        if let anchors { return "anchors \(anchors)" }
        if let fingerprint { return "certificate \(fingerprint)" }
        guard let issuer else { return "all" }
        return serial.map { "certificate \($0) of issuer \(issuer)" } ?? "issuer \(issuer)"
    }
}

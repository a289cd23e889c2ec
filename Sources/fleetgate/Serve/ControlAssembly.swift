import AdminAPI
import DeviceRegistry
import FleetPolicy
import Foundation
import Gateway
import NIOMbedTLS

/// The routes of the admin socket: what the commands of this program can ask the running gateway for.
struct ControlAssembly {
    let gateway: GatewayService
    let registry: StoredRegistry
    let publisher: SnapshotPublisher
    let reloader: Reloader
    let trust: TrustAssembly
    /// Nil: nothing is observed.
    let observation: ObservationAssembly?
    /// Nil: no audit log is kept.
    let audit: AuditLog?
    let listenerName: String

    var routes: [ControlRoute] {
        ControlRoutes.registry(self.operations, sessions: self.liveSessions) + self.revocation
            + (self.observation?.routes(self.audit) ?? []) + self.sessions.all
            + [self.reload, self.explain.route]
    }

    private var sessions: SessionRoutes {
        SessionRoutes(gateway: self.gateway, publisher: self.publisher, audit: self.audit)
    }

    private var operations: any RegistryOperations {
        guard let audit = self.audit else { return self.registry }
        return AuditedRegistry(base: self.registry, audit: audit)
    }

    private var revocation: [ControlRoute] {
        let (gateway, audit) = (self.gateway, self.audit)
        return ControlRoutes.revocation(
            store: self.trust.store, locals: self.trust.locals,
            certificates: { device in
                await gateway.sessions(of: device).map { session in
                    let certificate = try? PeerCertificate(identity: session.certificateIdentity)
                    return LiveCertificate(
                        fingerprint: session.certificateSHA256, certificate: session.certificateID,
                        subject: certificate?.subjectDescription ?? "")
                }
            },
            changed: { actor, command, outcome in
                for revocation in outcome.changed {
                    audit?.append(
                        AuditEntry.administration(
                            actor: actor, action: command.action.auditWord, target: revocation.certificateText,
                            after: command.action == .revoke ? command.reason : nil,
                            detail: outcome.sessionsEnded.map { "sessions ended: \($0)" }))
                }
            })
    }

    private var liveSessions: LiveSessions {
        LiveSessions(
            count: { await self.gateway.sessions(of: $0).count },
            judge: { await self.publisher.judge([$0]) }, settle: { await self.publisher.judge([]) })
    }

    private var reload: ControlRoute {
        ControlRoute("reload") { request, _ in
            do {
                return try await self.reloader.reload(by: OperatorName.name(of: request.peer))
            } catch let mistakes as OperatorMistakes {
                throw ControlFailure(mistakes)
            } catch {
                throw ControlFailure(code: "not-reloaded", message: "\(error)")
            }
        }
    }

    private var explain: ExplainRoute {
        ExplainRoute(
            snapshot: { await self.publisher.policy },
            tls: { await self.publisher.tls },
            listener: self.listenerName,
            sessions: { device in
                await self.gateway.sessions(of: device).map {
                    ExplainRoute.LiveSession(session: ExplainReport.Session($0), identity: $0.certificateIdentity)
                }
            },
            lastCertificate: { try await self.lastCertificate(of: $0) },
            now: { Int64(Date().timeIntervalSince1970) })
    }

    /// Ids that contain this one's text come with it: it is looked for among them.
    private func lastCertificate(of device: DeviceKey) async throws -> [UInt8]? {
        var query = DeviceQuery(tenant: device.tenant, containing: device.deviceID, limit: DeviceQuery.limitMax)
        repeat {
            let answer = try await self.registry.apply(.certificates(query: query), by: "explain")
            guard case .certificates(let found, let next) = answer else { return nil }
            if let match = found.first(where: { $0.device == device }) { return HexadecimalText.bytes(match.der) }
            query.after = next
        } while query.after != nil
        return nil
    }
}

extension ExplainReport.Session {
    init(_ session: LiveSession) {
        self.init(
            connection: session.connectionID, address: session.remoteAddress, since: session.since,
            clientID: session.clientID, profile: session.profile, quarantine: session.quarantine?.rawValue)
    }
}

extension ControlFailure {
    /// Everything that is wrong with what was to be reloaded.
    init(_ mistakes: OperatorMistakes) {
        self.init(
            code: "not-reloaded", message: "not reloaded: everything stays as it was",
            mistakes: mistakes.mistakes.map {
                Mistake(
                    file: $0.location.file, line: $0.location.line, column: $0.location.column, key: $0.key,
                    code: $0.code.description, message: $0.message, hint: $0.hint)
            })
    }
}

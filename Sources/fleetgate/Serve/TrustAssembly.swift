import FleetPKI
import FleetPolicy
import Gateway
import Logging
import NIOMbedTLS

/// What finds out which certificates are revoked, put together from a configuration.
struct TrustAssembly: Sendable {
    let store: RevocationStore
    let locals: LocalRevocations
    let ocsp: OCSPClient
    let logger: Logger

    /// Reads everything that is on this machine: lists, the cache of lists, the operator's own revocations. So the
    /// gateway's first snapshot already knows them.
    ///
    /// - Throws: ``CommandFailure`` when the operator's revocations cannot be read: without them somebody would be let in
    ///   who has been shut out.
    static func start(_ loaded: LoadedConfiguration, logger: Logger) async throws -> TrustAssembly {
        let path = LocalRevocations.path(besideRegistry: loaded.configuration.registry.value)
        let locals: LocalRevocations
        do throws(RevocationProblem) {
            locals = try LocalRevocations(path: path, isExclusive: true)
        } catch {
            throw CommandFailure("the revocations \(path): \(error.description)")
        }
        let assembly = TrustAssembly(
            store: RevocationStore(logger: logger), locals: locals, ocsp: OCSPClient(logger: logger), logger: logger)
        await assembly.adopt(loaded)
        await assembly.store.adopt(locals)
        return assembly
    }

    /// Takes over CAs and settings of a configuration.
    func adopt(_ loaded: LoadedConfiguration) async {
        let authorities = loaded.trust.authorities
        await self.store.adopt(authorities: authorities, settings: loaded.trust.settings.revocation)
        await self.ocsp.adopt(
            loaded.trust.settings.ocsp, anchors: loaded.trust.bundleNames, authorities: authorities.map(\.der))
    }

    /// What is known now, under the rules of a configuration.
    func parts(_ loaded: LoadedConfiguration) async -> TrustParts {
        let known = await self.store.parts
        var parts = TrustParts(anchors: loaded.trust.rules)
        parts.lists = known.lists
        parts.revoked = known.revoked
        parts.revokedFingerprints = known.revokedFingerprints
        return parts
    }

    /// Hands changes to the publisher from now on. Which list came into force, or is there no more, is in the audit log.
    func connect(to publisher: SnapshotPublisher, audit: AuditLog?) async {
        let ocsp = self.ocsp
        let store = self.store
        await ocsp.adopt(trust: await publisher.trust)
        await self.store.observe { change in
            let ended = await publisher.adopt(TrustChange.all(of: change)) { parts in
                parts.lists = change.lists
                parts.revoked = change.revoked
                parts.revokedFingerprints = change.revokedFingerprints
            }
            await ocsp.adopt(trust: await publisher.trust)
            for authority in change.authorities {
                audit?.append(
                    AuditEntry.administration(
                        actor: "gateway", action: "crl-change", target: await store.label(of: authority),
                        after: change.lists[authority].map {
                            "of \(RevocationTimes.text($0.thisUpdate)), with \($0.entries.count) certificates"
                        } ?? "no list",
                        detail: "sessions ended: \(ended)"))
            }
            return ended
        }
    }

    /// Asks responders again for sessions that live, and hands on what they say.
    func responderService(_ gateway: GatewayService, _ publisher: SnapshotPublisher) -> OCSPService {
        OCSPService(
            client: self.ocsp, sessions: { await gateway.sessions() },
            onRevoked: { certificate, revocation in
                await publisher.adopt([.certificates([certificate])]) { $0.add(revocation, of: certificate) }
            },
            onReinstated: { certificate in
                await publisher.adopt([.certificates([certificate])]) { $0.respondersRevoked[certificate] = nil }
            },
            logger: self.logger)
    }

    /// A verified chain named CAs: where they publish lists may stand in the certificates below them.
    func saw(chain: [PeerCertificate], under anchorSHA256: [UInt8]) async {
        let follows: Bool
        switch await self.store.interest(inChainsUnder: anchorSHA256) {
        case .none: return
        case .authorities: follows = false
        case .distributionPoints: follows = true
        }
        for (certificate, issuer) in zip(chain, chain.dropFirst()) {
            let points = follows ? (try? CertificateInspection(der: certificate.der))?.crlDistributionPoints : nil
            await self.store.saw(authority: issuer.der, distributionPoints: points ?? [], under: anchorSHA256)
        }
    }
}

extension TrustChange {
    /// What a change of the lists and of the operator's revocations concerns.
    static func all(of change: RevocationChange) -> [TrustChange] {
        var all: [TrustChange] = []
        if !change.authorities.isEmpty { all.append(.authorities(change.authorities)) }
        if !change.certificates.isEmpty { all.append(.certificates(change.certificates)) }
        if !change.fingerprints.isEmpty { all.append(.fingerprints(change.fingerprints)) }
        return all
    }
}

import FleetPKI
import FleetPolicy
import Foundation
import Gateway
import Logging
import NIOMbedTLS

/// What an explanation away from the gateway is made from: the configuration's CAs, its profiles as they are on disk
/// now, and its registry. The gateway's private key is neither needed nor read.
struct ExplainSetting {
    /// By the name of the listener.
    let contexts: [String: TLSContext]
    let trust: LoadedTrust
    let profiles: ProfileSet
    let configuration: FleetGateConfiguration

    /// Those of all listeners, in the order of the file.
    var trustAnchors: [TLSTrustAnchor] {
        configuration.listeners.flatMap { contexts[$0.name]?.trustAnchors ?? [] }
    }

    /// - Parameter profiles: A folder to take instead of the configuration's.
    /// - Throws: ``ProfileMistakes``.
    static func load(_ path: String, profiles folder: String? = nil, now: Date = Date()) throws -> ExplainSetting {
        let mistakes = MistakeCollector()
        let loaded = try load(path, profiles: folder, now: now, reporting: mistakes)
        guard let loaded, mistakes.mistakes.isEmpty else {
            throw ProfileMistakes(mistakes: OperatorMistakes(mistakes.mistakes)?.mistakes ?? [])
        }
        return loaded
    }

    /// What is known against certificates without a gateway: the lists in files, folders and the cache, and the operator's
    /// own revocations. Nothing is fetched.
    ///
    /// - Throws: ``CommandFailure``.
    func knownTrust() async throws -> TrustSnapshot {
        let store = RevocationStore(logger: Logger(label: "fleetgate") { _ in SwiftLogNoOpLogHandler() })
        await store.adopt(authorities: trust.authorities, settings: trust.settings.revocation)
        let path = LocalRevocations.path(besideRegistry: configuration.registry.value)
        do throws(RevocationProblem) {
            await store.adopt(try LocalRevocations(path: path))
        } catch {
            throw CommandFailure("the revocations \(path): \(error.description)")
        }
        let known = await store.parts
        return TrustSnapshot(
            anchors: trust.rules, lists: known.lists, revoked: known.revoked,
            revokedFingerprints: known.revokedFingerprints)
    }

    private static func load(
        _ path: String, profiles folder: String?, now: Date, reporting mistakes: MistakeCollector
    ) throws -> ExplainSetting? {
        guard let node = YAMLDocument.read(path, reporting: mistakes) else { return nil }
        let (configuration, named) = ConfigurationReader.read(node, file: path, reporting: mistakes)
        let files = MaterialReader(environment: [:], now: now, mistakes: mistakes)
        let trust = named.trust.flatMap {
            TrustLoader(files: files, publicAuthorities: .system, mistakes: mistakes).load($0)
        }
        let place = folder.map { Located($0, location: SourceLocation(file: $0, line: 1, column: 1), key: "") }
        let profiles = (place ?? named.profiles).flatMap {
            ProfileFolder.load($0, revision: 1, reporting: mistakes)
        }
        guard let configuration, let settings = named.tls, let trust, let profiles else { return nil }
        let trial = TLSTrial(mistakes: mistakes)
        let listeners = configuration.listeners.map(\.name)
        guard let tls = trial.servers(settings, trust, listeners: listeners, identity: try standIn()) else {
            return nil
        }
        return ExplainSetting(
            contexts: try tls.mapValues { try TLSContext($0) }, trust: trust, profiles: profiles,
            configuration: configuration)
    }

    /// A server's identity for a TLS side that nobody will connect to: how it judges clients does not depend on its own
    /// certificate.
    private static func standIn() throws -> CertificateMaterial {
        let root = try CertificateAuthority.makeDevelopmentRoot()
        let server = try root.issue(CertificateTemplate(subject: [("CN", "localhost")], purpose: .server))
        return CertificateMaterial(
            chainPEM: server.chainPEM, privateKeyPEM: server.privateKeyPEM, certificates: [])
    }
}

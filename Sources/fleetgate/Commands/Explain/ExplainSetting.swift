import FleetPKI
import FleetPolicy
import Foundation
import Gateway
import NIOMbedTLS

/// What an explanation away from the gateway is made from: the configuration's CAs, its profiles as they are on disk
/// now, and its registry. The gateway's private key is neither needed nor read.
struct ExplainSetting {
    let context: TLSContext
    let profiles: ProfileSet
    let configuration: FleetGateConfiguration

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

    private static func load(
        _ path: String, profiles folder: String?, now: Date, reporting mistakes: MistakeCollector
    ) throws -> ExplainSetting? {
        guard let node = YAMLDocument.read(path, reporting: mistakes) else { return nil }
        let (configuration, named) = ConfigurationReader.read(node, file: path, reporting: mistakes)
        let files = MaterialReader(environment: [:], now: now, mistakes: mistakes)
        let clientCAs = named.clientCA.compactMap { files.authorities($0) }
        let place = folder.map { Located($0, location: SourceLocation(file: $0, line: 1, column: 1), key: "") }
        let profiles = (place ?? named.profiles).flatMap {
            ProfileFolder.load($0, revision: 1, reporting: mistakes)
        }
        guard let configuration, let settings = named.tls, clientCAs.count == settings.clientCA.count, let profiles
        else { return nil }
        let trial = TLSTrial(mistakes: mistakes)
        guard let tls = trial.server(settings, identity: try standIn(), clientCAs: clientCAs.map(\.pem)) else {
            return nil
        }
        return ExplainSetting(context: try TLSContext(tls), profiles: profiles, configuration: configuration)
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

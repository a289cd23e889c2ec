import FleetPKI
import FleetPolicy
import Foundation

/// A configuration together with everything it names, read and checked: what the gateway can be started from, or be
/// reloaded with.
struct LoadedConfiguration: Sendable {
    let configuration: FleetGateConfiguration
    let server: CertificateMaterial
    /// Certificates of the CAs that devices come from, in PEM.
    let clientCAPEM: String
    let clientCAs: [CertificateInspection]
    let profiles: ProfileSet
    let upstream: UpstreamMaterial
    /// What works now and will not for long, or what the operator may not know.
    let warnings: [String]

    /// Reads the configuration and all it names.
    ///
    /// - Parameters:
    ///   - path: The configuration file.
    ///   - revision: Of the profile set; whoever reloads counts it up.
    ///   - environment: For pass phrases.
    ///   - now: For expiry.
    /// - Returns: The whole, or every mistake in it.
    static func load(
        _ path: String, revision: UInt64 = 1, environment: [String: String], now: Date = Date()
    ) -> Result<LoadedConfiguration, OperatorMistakes> {
        let mistakes = MistakeCollector()
        let loaded = load(path, revision: revision, environment: environment, now: now, reporting: mistakes)
        if let loaded, mistakes.mistakes.isEmpty { return .success(loaded) }
        if mistakes.mistakes.isEmpty {
            // Every way to nothing reports; should one not, the operator still gets an answer.
            let place = SourceLocation(file: path, line: 1, column: 1)
            mistakes.report(.badFile, at: place, key: "", "the configuration cannot be used")
        }
        guard let all = OperatorMistakes(mistakes.mistakes) else {
            preconditionFailure("there is at least one mistake: the lines above saw to it")
        }
        return .failure(all)
    }

    private static func load(
        _ path: String, revision: UInt64, environment: [String: String], now: Date,
        reporting mistakes: MistakeCollector
    ) -> LoadedConfiguration? {
        guard let node = YAMLDocument.read(path, reporting: mistakes),
            let configuration = ConfigurationReader.read(node, file: path, reporting: mistakes)
        else { return nil }
        let files = MaterialReader(environment: environment, now: now, mistakes: mistakes)
        let server = files.identity(
            certificate: configuration.tls.certificate, key: configuration.tls.key, for: .server)
        let clientCAs = configuration.tls.clientCA.compactMap { files.authorities($0) }
        let profiles = ProfileFolder.load(configuration.profiles, revision: revision, reporting: mistakes)
        let upstream = files.upstream(configuration.upstream)
        guard let server, let profiles, let upstream, clientCAs.count == configuration.tls.clientCA.count else {
            return nil
        }
        return LoadedConfiguration(
            configuration: configuration, server: server,
            clientCAPEM: clientCAs.map(\.pem).joined(separator: "\n"),
            clientCAs: clientCAs.flatMap(\.certificates), profiles: profiles, upstream: upstream,
            warnings: files.warnings)
    }
}

import FleetPKI
import FleetPolicy
import Foundation
import NIOMbedTLS

/// A configuration together with everything it names, read and checked: what the gateway can be started from, or be
/// reloaded with.
struct LoadedConfiguration: Sendable {
    let configuration: FleetGateConfiguration
    let server: CertificateMaterial
    /// The CAs that devices come from.
    let trust: LoadedTrust
    let profiles: ProfileSet
    let upstream: LoadedUpstream
    /// The brokers that profiles name.
    let upstreams: [String: LoadedUpstream]
    /// The TLS side that devices see, by the name of the listener: the TLS layer has accepted it. Without keys for
    /// tickets.
    let serverTLS: [String: TLSConfiguration]
    /// What works now and will not for long, or what the operator may not know.
    let warnings: [String]

    /// Reads the configuration and all it names.
    ///
    /// - Parameters:
    ///   - path: The configuration file.
    ///   - revision: Of the profile set; whoever reloads counts it up.
    ///   - environment: For pass phrases.
    ///   - now: For expiry.
    ///   - publicAuthorities: CAs that are refused as trust anchors.
    /// - Returns: The whole, or every mistake in it.
    static func load(
        _ path: String, revision: UInt64 = 1, environment: [String: String], now: Date = Date(),
        publicAuthorities: PublicAuthorities = .system
    ) -> Result<LoadedConfiguration, OperatorMistakes> {
        let mistakes = MistakeCollector()
        let loaded = load(
            path, revision: revision, environment: environment, now: now, publicAuthorities: publicAuthorities,
            reporting: mistakes)
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
        publicAuthorities: PublicAuthorities, reporting mistakes: MistakeCollector
    ) -> LoadedConfiguration? {
        guard let node = YAMLDocument.read(path, reporting: mistakes) else { return nil }
        let (configuration, named) = ConfigurationReader.read(node, file: path, reporting: mistakes)
        let files = MaterialReader(environment: environment, now: now, mistakes: mistakes)
        let server = files.identity(certificate: named.certificate, key: named.key, for: .server)
        let trust = named.trust.flatMap {
            TrustLoader(files: files, publicAuthorities: publicAuthorities, mistakes: mistakes).load($0)
        }
        let profiles = named.profiles.flatMap { ProfileFolder.load($0, revision: revision, reporting: mistakes) }

        let trial = TLSTrial(mistakes: mistakes)
        var serverTLS: [String: TLSConfiguration]?
        if let server, let settings = named.tls, let trust {
            serverTLS = trial.servers(settings, trust, listeners: named.listeners, identity: server)
        }
        if let tickets = named.tickets { TicketKeyFile.check(tickets, now: now, reporting: mistakes) }
        let upstream = LoadedUpstream(named.upstream, files, trial)
        let upstreams = named.upstreams.compactMapValues { LoadedUpstream($0, files, trial) }
        if let configuration, let profiles {
            ConfiguredNames(configuration).check(profiles, reporting: mistakes)
        }
        guard let configuration, let server, let trust, let profiles, let upstream, let serverTLS,
            upstreams.count == configuration.upstreams.count
        else { return nil }
        return LoadedConfiguration(
            configuration: configuration, server: server,
            trust: trust, profiles: profiles, upstream: upstream,
            upstreams: upstreams, serverTLS: serverTLS, warnings: files.warnings + trial.warnings)
    }

    /// The profiles that count on brokers or a listener that a running gateway does not have, and gets only by a restart.
    func namesMissing(in running: FleetGateConfiguration) -> OperatorMistakes? {
        let mistakes = MistakeCollector()
        ConfiguredNames(running).check(profiles, reporting: mistakes)
        return OperatorMistakes(mistakes.mistakes)
    }
}

/// What one broker's section names, read and tried.
struct LoadedUpstream: Sendable, Equatable {
    let material: UpstreamMaterial
    /// For a `tls://` broker, accepted by the TLS layer; nil for others.
    let tls: TLSConfiguration?

    /// Nil when a part is missing or wrong, which has been reported.
    init?(_ named: NamedUpstreamFiles, _ files: MaterialReader, _ trial: TLSTrial) {
        guard let material = files.upstream(named) else { return nil }
        self.material = material
        guard let settings = named.tls else {
            self.tls = nil
            return
        }
        guard let tls = trial.upstream(settings, material: material) else { return nil }
        self.tls = tls
    }

    /// The TLS settings follow from the material and the configuration.
    static func == (left: Self, right: Self) -> Bool { left.material == right.material }
}

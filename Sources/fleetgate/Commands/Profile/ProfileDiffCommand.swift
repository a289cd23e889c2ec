import ArgumentParser
import DeviceRegistry
import FleetPolicy
import Foundation
import NIOMbedTLS

/// `fleetgate profile diff`.
struct ProfileDiffCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Say which devices would change profile, topics or limits.",
        discussion: """
            Judges every certificate by both sets of profiles, and shows those for which something changes: who gains \
            or loses access, gets another profile or another device id, gains or loses entries of topics, has other \
            limits.

            --against certs/ takes the certificates of a folder and the folders in it (.pem, .crt, .cer, .der). \
            --against registry takes the certificate that each registered device was last seen with, from the running \
            gateway or else from the registry's file. Chains are not verified: each certificate is taken as one that a \
            CA of the configuration has issued. With --config, what the registry knows of the devices (states, pins, \
            attributes) counts on both sides.

            EXAMPLES
              fleetgate profile diff gate/profiles new-profiles --against certs/
              fleetgate profile diff gate/profiles new-profiles --against registry \\
                --config gate/fleetgate.yaml
              fleetgate profile diff old new --against certs/ --json | jq .summary

            EXIT STATUS
              0   nothing changes for any certificate
              1   the command failed
              2   something changes
            """)

    @Argument(help: "The present profiles: a folder or a file.", completion: .directory)
    var old: String

    @Argument(help: "The new profiles: a folder or a file.", completion: .directory)
    var new: String

    @Option(
        help: ArgumentHelp("A folder of certificates, one certificate, or `registry`.", valueName: "what"),
        completion: .directory)
    var against: String

    @Option(
        name: .shortAndLong, help: ArgumentHelp("The gateway's configuration file.", valueName: "file"),
        completion: .file(extensions: ["yaml", "yml"]))
    var config: String?

    @Option(help: ArgumentHelp("The most certificates to show.", valueName: "number"))
    var rows = 50

    @Flag(help: "Print one JSON object with all changes instead of text.")
    var json = false

    func validate() throws {
        guard against != "registry" || config != nil else {
            throw ValidationError("--against registry needs --config, which says where the registry is")
        }
        guard rows >= 0 else { throw ValidationError("--rows is 0 or more") }
    }

    func run() async throws {
        let sets = (try ProfileSources.read([old]).compiled(), try ProfileSources.read([new]).compiled())
        let setting = try config.map { try ProfileSetting.read($0) }
        let registry = setting.map { RegistryView(location: $0.control) }
        let directory = try await registry?.directory() ?? .empty
        let assumption = AssumedCircumstances(
            anchors: try config.map { try ExplainSetting.load($0).trustAnchors } ?? [],
            listener: setting?.configuration.listener.name ?? ListenerSettings.defaultName,
            now: Int64(Date().timeIntervalSince1970))
        let snapshots = (
            PolicySnapshot(profiles: sets.0, directory: directory),
            PolicySnapshot(profiles: sets.1, directory: directory)
        )
        let comparison: ProfileComparison
        if against == "registry", let registry {
            comparison = try await ProfileComparison.compare(
                snapshots.0, snapshots.1, on: try await registry.certificates(), circumstances: assumption.of)
        } else {
            comparison = try await ProfileComparison.compare(
                snapshots.0, snapshots.1, on: CertificateFolder(path: against), circumstances: assumption.of)
        }
        print(json ? try JSONText.encode(comparison) : comparison.text(rowsMax: rows))
        if !comparison.isEqual { throw ExitCode(2) }
    }
}

/// How certificates would be presented, where only they are known.
struct AssumedCircumstances {
    /// Those of the configuration; empty: not known.
    let anchors: [TLSTrustAnchor]
    let listener: String
    /// Seconds since 1970-01-01T00:00:00Z.
    let now: Int64

    /// TLS 1.3, no SNI, and the anchor that has the name of the issuer at the top of what came with the certificate;
    /// where there is none, one of that name alone.
    func of(_ sample: SampleCertificate) -> ConnectionCircumstances {
        let chain = [sample.leaf] + sample.issuers
        let known = chain.reversed().lazy.compactMap { certificate in
            anchors.first {
                $0.subject == certificate.issuer || $0.sha256Fingerprint == certificate.sha256Fingerprint
            }
        }.first
        let anchor =
            known
            ?? TLSTrustAnchor(
                subject: chain.last?.issuer ?? [], sha256Fingerprint: chain.last?.sha256Fingerprint ?? [])
        return ConnectionCircumstances(
            now: now, listener: listener, trustAnchor: ConnectionCircumstances.TrustAnchor(anchor))
    }
}

import ArgumentParser
import Foundation
import NIOCore

/// `firmware-sim pki issue`.
struct PKIIssueCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "issue",
        abstract: "Makes a fleet's keys, certificates and revocation list ahead of a run.",
        discussion: """
            A run makes what is missing by itself. Do it ahead for two reasons: a server has to read the revocation list \
            before it can refuse a revoked device, and many keys take their time (thousands a second with elliptic \
            curves, but only some ten with RSA). What is in the folder already and still right is kept.

            The devices are those of a scenario, or of --fleet options with one --kind and --key-type for all of them. \
            Kinds: valid, expired, not-yet-valid, revoked (in crl.pem), wrong-ca (issued by a CA of the same name that \
            no server knows), wrong-eku (for servers only), self-signed, none.

            EXAMPLES
              firmware-sim pki issue fleet-pki --scenario hostile-mix --scale 0.1
              firmware-sim pki issue fleet-pki --fleet 'name=stolen' --kind revoked
              firmware-sim pki issue --issuer ca.pem --issuer-key ca.key --cache made \\
                --scenario mixed-fleet
            """
    )

    @Argument(help: ArgumentHelp("The PKI's folder, as --pki.", valueName: "dir"))
    var folder: String?

    @OptionGroup(title: "Issuer") var issuerOptions: IssuerOptions

    @Option(
        help: ArgumentHelp(
            "A scenario that ships (see 'scenario list'), or the path of a scenario's file: its fleets.",
            valueName: "name"))
    var scenario: String?

    @Option(
        help: ArgumentHelp(
            "Multiply the scenario's numbers of devices; as in the run that follows. Default: 1.", valueName: "factor"))
    var scale: Double?

    @Option(
        help: ArgumentHelp(
            "A fleet, such as 'name=meters;count=120;subject=O=Elbe Netz,CN=meter-{n:06};san=uri:urn:meter:{n}'; may be "
                + "repeated. The keys of 'run --fleet' are all taken.", valueName: "spec"))
    var fleet: [String] = []

    @Option(help: ArgumentHelp("The kind of the certificates of --fleet. Default: valid.", valueName: "kind"))
    var kind: String?

    @Option(
        help: ArgumentHelp(
            "The kind of the keys of --fleet: p256, p384 or rsa-2048. Default: p256.", valueName: "type"))
    var keyType: String?

    @Flag(name: .shortAndLong, help: "No progress, no summary.")
    var quiet = false

    /// The issuer's options with the folder taken for `--pki`.
    private func issuer() -> IssuerOptions {
        var options = issuerOptions
        options.pki = options.pki ?? folder
        return options
    }

    private func issuerMistakes(_ options: IssuerOptions) -> [SimulatorError] {
        var mistakes = options.mistakes()
        if let folder, let pki = issuerOptions.pki {
            mistakes.append(.options("issuer-twice", "two PKI folders are given, \(folder) and --pki \(pki)"))
        }
        if options.pki == nil, options.issuer != nil, options.cache == nil {
            mistakes.append(
                .options(
                    "cache-missing", "certificates made ahead must be kept somewhere: with --issuer give --cache DIR"))
        }
        return mistakes
    }

    /// What is to be made.
    ///
    /// - Parameter others: Mistakes found elsewhere, to be told together with these.
    /// - Throws: ``SimulatorError`` with all mistakes of the options at once, or ``SourceMistakes`` with all those of the
    ///   scenario.
    func fleets(alongside others: [SimulatorError] = []) throws -> [CredentialFleet] {
        var mistakes = others + scenarioMistakes()
        let kind = parsed(self.kind, default: CredentialKind.valid, option: "--kind", "bad-kind", &mistakes)
        let keyType = parsed(self.keyType, default: DeviceKeyType.p256, option: "--key-type", "bad-key-type", &mistakes)
        var fleets: [CredentialFleet] = []
        var names: Set<String> = []
        for option in fleet {
            do {
                let specification = try FleetSpecification(option: option, defaults: Self.defaults)
                if !names.insert(specification.name).inserted {
                    mistakes.append(.options("fleet-twice", "two fleets are called \(specification.name)"))
                }
                fleets.append(CredentialFleet(specification: specification, kind: kind, keyType: keyType))
            } catch {
                mistakes.append(error)
            }
        }
        if let mistake = SimulatorError.all(of: mistakes) { throw mistake }
        guard let scenario else { return fleets }
        return try ScenarioLibrary.scenario(named: scenario).scaled(devices: scale ?? 1, time: 1).fleets.map {
            CredentialFleet($0)
        }
    }

    /// What does not go together.
    private func scenarioMistakes() -> [SimulatorError] {
        var mistakes: [SimulatorError] = []
        if scenario == nil, fleet.isEmpty {
            mistakes.append(.options("nothing-to-issue", "no devices: give --scenario NAME or --fleet SPEC"))
        }
        if scenario != nil, !fleet.isEmpty {
            mistakes.append(.options("fleets-twice", "--scenario and --fleet both name the devices; leave one out"))
        }
        if scenario != nil, kind != nil || keyType != nil {
            mistakes.append(
                .options(
                    "kind-of-scenario",
                    "--kind and --key-type are for --fleet; a scenario says them for each of its fleets"))
        }
        if let scale {
            if scenario == nil { mistakes.append(.options("scale-without-scenario", "--scale is for --scenario")) }
            if !Self.scaleRange.contains(scale) {
                mistakes.append(.options("bad-scale", "--scale \(scale) is not from 0.0001 to 1000"))
            }
        }
        return mistakes
    }

    private func parsed<Value: RawRepresentable<String> & CaseIterable>(
        _ text: String?, default value: Value, option: String, _ code: String, _ mistakes: inout [SimulatorError]
    ) -> Value {
        guard let text else { return value }
        if let parsed = Value(rawValue: text) { return parsed }
        let known = Value.allCases.map(\.rawValue).joined(separator: ", ")
        mistakes.append(.options(code, "\(option) '\(text)' is none of \(known)"))
        return value
    }

    /// Beyond it a scenario has a single device a fleet, or more than any process holds.
    private static let scaleRange = 0.0001...1_000

    func run() async throws {
        try await PKICommand.reporting {
            let options = issuer()
            let requests = try CredentialRequest.all(of: fleets(alongside: issuerMistakes(options)))
            let issuer = try options.credentialIssuer()
            let console = ProgressConsole(isQuiet: quiet)
            _ = try await issuer.credentials(for: requests) { console.show($0) }
            guard !quiet else { return }
            Output.standard(Self.summary(of: requests, issuer: issuer))
        }
    }

    static func summary(of requests: [CredentialRequest], issuer: CredentialIssuer) -> String {
        var counts: [CredentialKind: Int] = [:]
        for request in requests { counts[request.kind, default: 0] += 1 }
        var text = CredentialKind.allCases.compactMap { kind in
            counts[kind].map { "\(kind.rawValue): \(LatencyText.grouped($0))\n" }
        }.joined()
        if let cache = issuer.cache { text += "kept in \(cache.folder)\n" }
        if counts[.revoked] != nil, let list = issuer.pki.revocations {
            text += "revocation list: \(list.path) (the server must read it before the run)\n"
        }
        return text
    }

    /// What a fleet is where its option does not say otherwise. Traffic plays no part in a certificate.
    private static let defaults = FleetDefaults(
        count: 100, subject: FleetSpecification.defaultSubject, topic: FleetSpecification.defaultTopic,
        clientID: FleetSpecification.defaultClientID,
        publishing: .init(period: .zero, payloadBytes: 0, qos: 0))
}

import ArgumentParser
import FleetPolicy
import Foundation
import NIOMbedTLS

/// `fleetgate explain`.
struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Say what a certificate gets, and why.",
        discussion: """
            With --cert, judges a certificate by the files that the configuration names as they are now: the trust \
            anchors, the revocation lists, the profiles, the registry. Nothing has to run, and the gateway's private key is not read. Shown are \
            the result of the chain, the trust anchor, every profile that was tried and the conditions that did not \
            hold, what the registry knows, the grant, and for a topic the line of the profile that decides. It is \
            the same code that decides in the gateway.

            With --device, asks the running gateway about a device: the certificate that it is connected with, or was \
            last seen with, judged by what the gateway has in force.

            EXAMPLES
              fleetgate explain --config gate/fleetgate.yaml --cert device.pem
              fleetgate explain --config gate/fleetgate.yaml --cert device.pem \\
                --topic meters/hamburg-nord/meter-4711/reading --action publish \\
                --qos 1 --retain
              fleetgate explain --config gate/fleetgate.yaml --cert device.pem \\
                --profiles new-profiles --client-id meter-4711
              fleetgate explain --config gate/fleetgate.yaml \\
                --device hamburg-nord/meter-4711
              fleetgate explain --config gate/fleetgate.yaml --cert device.pem --json |
                jq -r .decision.outcome.code

            EXIT STATUS
              0   the device would get in, and all that was asked about is permitted
              1   it would not, or something is not permitted, or the command failed
              64  the command line is wrong
            """)

    @Option(
        name: .shortAndLong, help: ArgumentHelp("The configuration file.", valueName: "file"),
        completion: .file(extensions: ["yaml", "yml"]))
    var config: String

    @Option(
        help: ArgumentHelp(
            "The device's certificate, PEM with its chain behind it or DER; - is standard input.", valueName: "file"),
        completion: .file(extensions: ["pem", "crt", "cer", "der"]))
    var cert: String?

    @Option(help: ArgumentHelp("A device, as tenant/device, to ask the running gateway about.", valueName: "id"))
    var device: String?

    @Option(
        help: ArgumentHelp("With --cert: a folder of profiles in place of the configuration's.", valueName: "folder"),
        completion: .directory)
    var profiles: String?

    @Option(
        help: ArgumentHelp(
            "A topic or filter to ask about, as the device writes it; may be repeated.", valueName: "topic"))
    var topic: [String] = []

    @Option(
        help: ArgumentHelp("What the device does with the topics: publish, subscribe or will.", valueName: "action"),
        completion: .list(["publish", "subscribe", "will"]))
    var action = "publish"

    @Option(help: ArgumentHelp("The QoS that it asks for, 0 to 2.", valueName: "number"))
    var qos: UInt8 = 0

    @Flag(help: "The message or will is to be retained.")
    var retain = false

    @Option(help: ArgumentHelp("The client identifier of its CONNECT.", valueName: "text"))
    var clientID: String?

    @Option(
        help: ArgumentHelp("The version of TLS, 1.2 or 1.3.", valueName: "version"),
        completion: .list(["1.2", "1.3"]))
    var tlsVersion = "1.3"

    @Option(help: ArgumentHelp("The host name that the device asks for (SNI).", valueName: "host"))
    var sni: String?

    @Option(help: ArgumentHelp("The listener that it connects to. Default: the configuration's.", valueName: "name"))
    var listener: String?

    @Flag(help: "List every profile that was tried.")
    var verbose = false

    @Flag(help: "Print one JSON object instead of text.")
    var json = false

    func validate() throws {
        guard (cert == nil) != (device == nil) else {
            throw ValidationError("give --cert or --device, and not both")
        }
        guard device.map({ DeviceKey(parsing: $0) != nil }) ?? true else {
            throw ValidationError("--device takes tenant/device, or a device of the tenant default")
        }
        guard device == nil || profiles == nil else {
            throw ValidationError("--profiles is for --cert: the gateway answers by what it has in force")
        }
        guard TopicExplanation.Action(rawValue: action) != nil else {
            throw ValidationError("--action is publish, subscribe or will")
        }
        guard qos <= 2 else { throw ValidationError("--qos is 0, 1 or 2") }
        guard ConnectionCircumstances.TLSVersion(rawValue: tlsVersion) != nil else {
            throw ValidationError("--tls-version is 1.2 or 1.3")
        }
        guard topic.count <= ExplainQuestions.topicsMax else {
            throw ValidationError("at most \(ExplainQuestions.topicsMax) topics")
        }
    }

    func run() async throws {
        let report = try await explain()
        if json {
            print(try JSONText.encode(report))
        } else {
            print(ExplainText(report: report, hasColour: Terminal.hasColour, isVerbose: verbose).text)
        }
        if !report.isPermitted { throw ExitCode(1) }
    }

    private var circumstances: ExplainCircumstances {
        ExplainCircumstances(
            tlsVersion: ConnectionCircumstances.TLSVersion(rawValue: tlsVersion) ?? .tls13, serverName: sni,
            listener: listener)
    }

    private var questions: ExplainQuestions {
        let action = TopicExplanation.Action(rawValue: action) ?? .publish
        return ExplainQuestions(
            topics: topic.map { ExplainQuestions.Topic(action: action, topic: $0, qos: qos, retain: retain) },
            clientID: clientID)
    }

    private func explain() async throws -> ExplainReport {
        if let device = device.flatMap({ DeviceKey(parsing: $0) }) {
            let location = try ProfileSetting.read(config).control
            return try await ControlClient(socketPath: location.socketPath).call(
                ExplainRequest.route,
                ExplainRequest(device: device, circumstances: circumstances, questions: questions))
        }
        let chain = try CertificateFiles.chain(cert ?? "-")
        guard let leaf = chain.first else { throw CommandFailure("no certificate to explain") }
        let setting = try ExplainSetting.load(config, profiles: profiles)
        let registry = RegistryView(location: ProfileSetting(configuration: setting.configuration).control)
        let name = listener ?? setting.configuration.listener.name
        guard let context = setting.contexts[name] else {
            let names = setting.configuration.listeners.map(\.name).joined(separator: ", ")
            throw CommandFailure("there is no listener `\(name)`; there is \(names)")
        }
        let engine = ExplainEngine(
            context: context,
            snapshot: PolicySnapshot(
                profiles: setting.profiles, directory: try await registry.directory(),
                trust: try await setting.knownTrust()),
            listener: name, now: Int64(Date().timeIntervalSince1970),
            configurationFile: config)
        return engine.report(leaf, issuers: Array(chain.dropFirst()), circumstances, questions)
    }
}

extension Terminal {
    /// Whether standard output is a terminal that shows colours (https://no-color.org).
    static var hasColour: Bool {
        let environment = ProcessInfo.processInfo.environment
        return isatty(STDOUT_FILENO) == 1 && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
    }
}

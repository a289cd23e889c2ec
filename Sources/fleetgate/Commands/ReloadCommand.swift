import AdminAPI
import ArgumentParser

/// `fleetgate reload`.
struct ReloadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Have the running gateway read its configuration, profiles and certificates again.",
        discussion: """
            What SIGHUP does, with an answer: every mistake is shown here, and the gateway keeps what it had. Profiles, \
            and the sections tls and trust with all their files, are taken over at once; live sessions are judged again, and \
            those whose grant is the same carry on. Sections that take a restart are named.

            EXAMPLES
              fleetgate reload --config gate/fleetgate.yaml

            EXIT STATUS
              0   taken over
              1   not taken over, or the gateway is not running
              64  the command line is wrong
            """)

    @OptionGroup var gateway: GatewayOptions

    @Flag(help: "Print one JSON object instead of text.")
    var json = false

    func run() async throws {
        let client = ControlClient(socketPath: try gateway.location().socketPath)
        do {
            let outcome = try await client.call("reload", ControlDone(), as: Reloader.Outcome.self)
            if json {
                print(try JSONText.encode(outcome))
            } else {
                print("reloaded: \(outcome.profiles == 1 ? "1 profile" : "\(outcome.profiles) profiles") in force")
                for warning in outcome.warnings { Terminal.printError(LogText.visible("warning: \(warning)")) }
                for section in outcome.restart { Terminal.printError("`\(section)` has changed, but takes a restart") }
            }
        } catch let failure as ControlFailure {
            for mistake in failure.mistakes ?? [] { Terminal.printError(CheckReport.Mistake(mistake).text) }
            throw CommandFailure(failure.message)
        }
    }
}

extension CheckReport.Mistake {
    /// A mistake that the gateway found.
    init(_ mistake: ControlFailure.Mistake) {
        self.init(
            file: mistake.file ?? "", line: mistake.line, column: mistake.column ?? 1, key: mistake.key ?? "",
            code: mistake.code ?? "", message: mistake.message, hint: mistake.hint)
    }
}

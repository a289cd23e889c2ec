import ArgumentParser
import FleetPolicy
import Foundation
import Logging

/// `fleetgate serve`.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run the gateway.",
        discussion: """
            Reads the configuration and everything it names, starts the embedded broker if the configuration asks for \
            it, and serves devices until it is told to stop. A configuration with a mistake is not served; `check` \
            shows the same mistakes.

            SIGNALS
              SIGHUP
                Read profiles, and the sections tls and trust with their files, again.
                Everything is checked as a whole first: with any mistake, everything
                stays as it was. Sessions whose grant has not changed carry on.
              SIGTERM, SIGINT
                Stop accepting, send MQTT 5 devices a DISCONNECT (0x8B), write out
                what is under way within limits.shutdown-deadline, and exit.

            EXAMPLES
              fleetgate serve --config gate/fleetgate.yaml
              kill -HUP "$(pidof fleetgate)"
            """)

    @Option(name: .shortAndLong, help: ArgumentHelp("The configuration file.", valueName: "file"))
    var config: String

    func run() async throws {
        // SIGHUP's own action ends the process. Until `ReloadService` takes the signal over, one that comes early has
        // nothing to reload: the files are being read.
        _ = signal(SIGHUP, SIG_IGN)
        let environment = ProcessInfo.processInfo.environment
        switch LoadedConfiguration.load(config, environment: environment) {
        case .failure(let mistakes):
            for mistake in mistakes.mistakes { Terminal.printError(CheckReport.Mistake(mistake).text) }
            throw ExitCode.failure
        case .success(let loaded):
            LogBootstrap.start(loaded.configuration.log)
            do {
                try await GatewayAssembly(loaded: loaded, environment: environment).run()
            } catch {
                Terminal.printError(FailureText.text(of: error))
                throw ExitCode.failure
            }
        }
    }
}

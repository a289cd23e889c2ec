import ArgumentParser
import FleetPolicy
import Foundation

/// `fleetgate tickets`.
struct TicketsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tickets",
        abstract: "The keys that session tickets are sealed with.",
        discussion: """
            A device that brings back a session ticket resumes its TLS session without a new signature and without \
            sending its certificate. Tickets are sealed with keys of a file, which the gateway rotates by itself \
            unless tickets.rotation is external. Gateways that share the file resume each other's sessions. The file \
            is secret: whoever has it can pass for every device that was given a ticket.

            EXAMPLES
              fleetgate tickets list --config gate/fleetgate.yaml
              fleetgate tickets rotate --file /shared/tickets.keys
            """,
        subcommands: [TicketsListCommand.self, TicketsRotateCommand.self])
}

/// Which file of ticket keys is meant, and by which times its keys are made.
struct TicketFileOptions: ParsableArguments {
    @Option(
        name: .shortAndLong, help: ArgumentHelp("The gateway's configuration file.", valueName: "file"),
        completion: .file(extensions: ["yaml", "yml"]))
    var config: String?

    @Option(
        help: ArgumentHelp("The file of keys. Default: the configuration's tickets.keys.", valueName: "file"),
        completion: .file())
    var file: String?

    func validate() throws {
        guard config != nil || file != nil else {
            throw ValidationError("--config or --file has to say which keys are meant")
        }
    }

    /// - Throws: ``ProfileMistakes``, ``CommandFailure``.
    func settings() throws -> (file: TicketKeyFile, tickets: TicketSettings?) {
        let tickets = try config.map { try ProfileSetting.read($0).configuration.tickets }
        guard let path = file ?? tickets?.file?.value else {
            throw CommandFailure("tickets are switched off in \(config ?? "the configuration")")
        }
        return (TicketKeyFile(path: path), tickets)
    }
}

extension CommandFailure {
    init(_ error: TicketKeyFileError) {
        self.init(error.hint.map { "\(error.description); \($0)" } ?? error.description)
    }
}

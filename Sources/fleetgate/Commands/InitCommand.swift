import ArgumentParser
import FleetPKI

/// `fleetgate init`.
struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract:
            "Make a folder with everything to start: configuration, development CA, server certificate, profiles.",
        discussion: """
            The folder is made whole or not at all, and never over an existing one. Only its owner can read it. The CA \
            is for development: in production, devices bring certificates from your own PKI.

            EXAMPLES
              fleetgate init gate
              fleetgate init gate --name gate.example.org --address 192.0.2.10
              fleetgate init gate --listen 127.0.0.1:18883 --admin 127.0.0.1:19464
            """)

    @Argument(help: "The folder to make.", completion: .directory)
    var directory: String

    @Option(name: .long, help: ArgumentHelp("A host name that devices use; may be repeated.", valueName: "host"))
    var name: [String] = []

    @Option(name: .long, help: ArgumentHelp("An IP address that devices use; may be repeated.", valueName: "ip"))
    var address: [String] = []

    @Option(help: ArgumentHelp("Where the gateway listens for devices.", valueName: "ip:port"))
    var listen = "0.0.0.0:8883"

    @Option(help: ArgumentHelp("Where the gateway listens for monitoring.", valueName: "ip:port"))
    var admin = "127.0.0.1:9464"

    func run() throws {
        let setup = try DevelopmentSetup(
            names: name, addresses: address, listen: listen, admin: admin)
        try setup.write(to: directory)
        let folder = shellQuoted(directory)
        print(
            """
            Made \(directory):
              fleetgate.yaml   the configuration
              ca/              the development CA
              server.pem       the gateway's certificate, for \(setup.hostNames.joined(separator: ", "))
              profiles/        device profiles
              README.md        what to do next

            Next:
              fleetgate check --config \(folder)/fleetgate.yaml
              fleetgate serve --config \(folder)/fleetgate.yaml
            """)
    }

    func validate() throws {
        do {
            _ = try DevelopmentSetup(names: name, addresses: address, listen: listen, admin: admin)
        } catch {
            throw ValidationError("\(error)")
        }
    }
}

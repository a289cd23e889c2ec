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

            With --ca no CA is made: that of `fleetgate ca init` issues the gateway's certificate and is trusted for \
            devices, and its revocation list is required.

            EXAMPLES
              fleetgate init gate
              fleetgate init gate --name gate.example.org --address 192.0.2.10
              fleetgate init gate --listen 127.0.0.1:18883 --admin 127.0.0.1:19464
              fleetgate init gate --ca pki
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

    @Option(
        help: ArgumentHelp("The folder of a CA to use, made by `ca init`. Default: one is made.", valueName: "folder"),
        completion: .directory)
    var ca: String?

    @Option(
        help: ArgumentHelp("With --ca: a file whose first line is the pass phrase of its key.", valueName: "file"),
        completion: .file())
    var caPassphraseFile: String?

    func run() throws {
        let setup = try DevelopmentSetup(
            names: name, addresses: address, listen: listen, admin: admin)
        if let ca {
            let passphrase = try caPassphraseFile.map { try BoundedFile.readSecretLine($0) }
            try setup.write(
                to: directory, issuance: CertificateIssuance(folder: CAFolder(at: ca), passphrase: passphrase))
        } else {
            try setup.write(to: directory)
        }
        let folder = shellQuoted(directory)
        let authority = ca.map { "(the CA is in \($0))" } ?? "ca/              the development CA"
        print(
            """
            Made \(directory):
              fleetgate.yaml   the configuration
              \(authority)
              server.pem       the gateway's certificate, for \(setup.hostNames.joined(separator: ", "))
              profiles/        device profiles
              README.md        what to do next

            Next:
              fleetgate check --config \(folder)/fleetgate.yaml
              fleetgate serve --config \(folder)/fleetgate.yaml
            """)
    }

    func validate() throws {
        if caPassphraseFile != nil, ca == nil { throw ValidationError("--ca-passphrase-file is for --ca") }
        do {
            _ = try DevelopmentSetup(names: name, addresses: address, listen: listen, admin: admin)
        } catch {
            throw ValidationError("\(error)")
        }
    }
}

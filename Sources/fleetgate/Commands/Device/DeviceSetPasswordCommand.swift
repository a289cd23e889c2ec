import ArgumentParser
import DeviceRegistry
import FleetPolicy
import Foundation

/// `fleetgate device set-password`.
struct DeviceSetPasswordCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set-password",
        abstract: "Set the password that a device gives beside its certificate.",
        discussion: """
            For profiles with "second-factor: password". The password is asked for twice, or read from a file, or from \
            standard input; never from the command line, which others can see. The registry keeps a salted hash. A \
            file that others than its owner and group can read is refused: chmod 600.

            EXAMPLES
              fleetgate device set-password -c gate/fleetgate.yaml meter-4711
              (umask 077; pwgen -s 32 1 > secret.txt)
              fleetgate device set-password -c gate/fleetgate.yaml meter-4711 \\
                --password-file secret.txt
            """)

    @OptionGroup var gateway: GatewayOptions

    @Option(
        help: ArgumentHelp("A file whose first line is the password; - is standard input.", valueName: "file"),
        completion: .file())
    var passwordFile: String?

    @Flag(help: "Remove the password.")
    var remove = false

    @Argument(help: "The device.", transform: DeviceArgument.init(parsing:))
    var device: DeviceArgument

    func validate() throws {
        if remove, passwordFile != nil { throw ValidationError("--remove and --password-file exclude each other") }
    }

    func run() async throws {
        // The gateway first: nobody should think of a password for nothing.
        try await gateway.withDevices { registry in
            let hash = remove ? nil : try PasswordHash(of: password()).text
            let failed = try await EachDevice([device]).run { key in
                let (record, sessionsEnded) = try await registry.record(.setPassword(device: key, hash: hash))
                print(
                    ChangeReport.line(
                        key, record.hasPassword ? "password set" : "password removed", sessionsEnded: sessionsEnded))
            }
            if failed { throw ExitCode.failure }
        }
    }

    private func password() throws -> [UInt8] {
        let text =
            switch passwordFile {
            case nil:
                try SecretInput.askTwice("Password for \(LogText.visible("\(device.key)")): ", again: "Once more: ")
            case "-": try SecretInput.firstLineOfStandardInput()
            case let file?: try SecretInput.firstLine(of: file)
            }
        guard !text.isEmpty else { throw CommandFailure("the password is empty") }
        return Array(text.utf8)
    }
}

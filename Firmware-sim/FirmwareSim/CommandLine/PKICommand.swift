import ArgumentParser
import Foundation

/// `firmware-sim pki`.
struct PKICommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pki",
        abstract: "Makes the CAs, certificates and revocation lists of a simulated fleet.",
        discussion: """
            Every simulated device has a key and a certificate of its own. The CAs above them live in a folder that \
            'pki init' makes, and a server under test needs three of its files:

              ca.pem       the root: what the server has to trust
              crl.pem      the revocation lists of both CAs
              server.pem   the server's own certificate, with server.key: see 'pki server'

            From nothing to a mosquitto that asks devices for certificates:

              firmware-sim pki init fleet-pki
              firmware-sim pki server fleet-pki --name localhost --address 127.0.0.1

            and in mosquitto.conf, with the folder's full path:

              listener 8883
              cafile /…/fleet-pki/ca.pem
              certfile /…/fleet-pki/server.pem
              keyfile /…/fleet-pki/server.key
              crlfile /…/fleet-pki/crl.pem
              require_certificate true
              use_identity_as_username true

            These are test CAs: their keys lie in the folder unencrypted, readable by its owner only. Do not let \
            anything but a test trust them.
            """,
        subcommands: [PKIInitCommand.self, PKIServerCommand.self, PKIIssueCommand.self, PKIListCommand.self]
    )

    /// Runs a command's work, and says what went wrong as all commands do: 64 for mistakes in the options, 1 otherwise.
    static func reporting(_ work: () async throws -> Void) async throws {
        do {
            try await work()
        } catch let error as SimulatorError {
            Output.error("firmware-sim: \(error)\n")
            throw error.fault == .options ? ExitCode.validationFailure : ExitCode.failure
        } catch let error as SourceMistakes {
            Output.error(error.description + "\n")
            throw ExitCode.failure
        }
    }
}

/// `firmware-sim pki init`.
struct PKIInitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Makes a new PKI: a root, a CA below it that issues, and their empty revocation lists.",
        discussion: """
            The folder must not exist, or be empty: nothing is ever overwritten, and a failure leaves nothing behind. \
            Only its owner may enter it. Files: root.pem and root.key; issuing.pem and issuing.key, whose path length \
            is 0; ca.pem, what servers and devices trust; crl.pem; devices, where certificates are kept.

            EXAMPLES
              firmware-sim pki init fleet-pki
              firmware-sim pki init fleet-pki --organization 'Elbe Netz' --days 365
            """
    )

    @Argument(help: ArgumentHelp("The folder to make.", valueName: "dir"))
    var folder: String

    @Option(help: ArgumentHelp("The organization in the CAs' names, 1 to 64 characters.", valueName: "name"))
    var organization: String = SimulatorPKI.Template().organization

    @Option(help: ArgumentHelp("Days that the CAs are valid for, 30 to 36500.", valueName: "days"))
    var days: Int = SimulatorPKI.Template().validityDays

    private static let daysRange = 30...36_500

    func validate() throws {
        guard Self.daysRange.contains(days) else {
            throw ValidationError("--days \(days) is not from 30 to 36500 [bad-days]")
        }
    }

    func run() async throws {
        try await PKICommand.reporting {
            _ = try SimulatorPKI.make(
                folder: folder, template: .init(organization: organization, validityDays: days))
            Output.standard(
                """
                Made the PKI in \(folder).
                  trusted by servers and devices  \(SimulatorPKI.FileName.trustAnchors.path(in: folder))
                  revocation lists                \(SimulatorPKI.FileName.revocations.path(in: folder))
                Next, a certificate for the server:
                  firmware-sim pki server \(folder) --name localhost --address 127.0.0.1

                """)
        }
    }
}

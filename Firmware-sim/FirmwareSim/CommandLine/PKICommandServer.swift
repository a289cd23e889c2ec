import ArgumentParser
import Foundation

/// `firmware-sim pki server`.
struct PKIServerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "server",
        abstract: "Makes a certificate and key for a server that is to be tested.",
        discussion: """
            Writes server.pem (the certificate, then the issuing CA's) and server.key into the PKI's folder. Without \
            --name and --address they are for localhost, 127.0.0.1 and ::1. A server that gives up root's rights before \
            it reads its key, as mosquitto does, must be able to enter the folder: start it as the folder's owner, or \
            copy the files to a place of its own.

            EXAMPLES
              firmware-sim pki server fleet-pki
              firmware-sim pki server fleet-pki --name broker.example.org --address 192.0.2.7 --replace
            """
    )

    @Argument(help: ArgumentHelp("The PKI's folder.", valueName: "dir"))
    var folder: String

    @Option(help: ArgumentHelp("A DNS name of the server; may be repeated.", valueName: "name"))
    var name: [String] = []

    @Option(help: ArgumentHelp("An IPv4 or IPv6 address of the server; may be repeated.", valueName: "address"))
    var address: [String] = []

    @Option(help: ArgumentHelp("Days that the certificate is valid for, 1 to 3650.", valueName: "days"))
    var days: Int = SimulatorPKI.ServerNames.local.validityDays

    @Flag(help: "Write the files anew if they are there already.")
    var replace = false

    func validate() throws {
        guard (1...3_650).contains(days) else {
            throw ValidationError("--days \(days) is not from 1 to 3650 [bad-days]")
        }
    }

    /// What the certificate is to say.
    var serverNames: SimulatorPKI.ServerNames {
        var names = SimulatorPKI.ServerNames.local
        if !name.isEmpty || !address.isEmpty {
            names.names = name
            names.addresses = address
        }
        names.validityDays = days
        return names
    }

    func run() async throws {
        try await PKICommand.reporting {
            let pki = try SimulatorPKI.open(folder: folder)
            try pki.makeServer(serverNames, folder: folder, replacing: replace)
            let path = URL(fileURLWithPath: folder).standardizedFileURL.path
            Output.standard(
                """
                Made a certificate for \((serverNames.names + serverNames.addresses).joined(separator: ", ")).
                For mosquitto.conf:
                  cafile \(SimulatorPKI.FileName.trustAnchors.path(in: path))
                  certfile \(SimulatorPKI.FileName.server.path(in: path))
                  keyfile \(SimulatorPKI.FileName.serverKey.path(in: path))
                  crlfile \(SimulatorPKI.FileName.revocations.path(in: path))
                  require_certificate true

                """)
        }
    }
}

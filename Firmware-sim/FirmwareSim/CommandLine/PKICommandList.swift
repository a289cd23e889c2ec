import ArgumentParser
import Foundation

/// `firmware-sim pki list`.
struct PKIListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Lists the certificates of a PKI.",
        discussion: """
            One line for each: name, serial number, kind, last day, and kind of key; then the revocation list. Devices \
            are those in the PKI's own folder 'devices', not those of a cache elsewhere.

            EXAMPLES
              firmware-sim pki list fleet-pki
              firmware-sim pki list fleet-pki --json | jq -r '.devices[].serialNumber'
            """
    )

    @Argument(help: ArgumentHelp("The PKI's folder.", valueName: "dir"))
    var folder: String

    @Flag(help: "As JSON, with times to the second.")
    var json = false

    func run() async throws {
        try await PKICommand.reporting {
            let inventory = try CredentialInventory(folder: folder)
            guard json else {
                Output.standard(inventory.text)
                return
            }
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            encoder.dateEncodingStrategy = .iso8601
            guard let data = try? encoder.encode(inventory) else {
                throw SimulatorError.machine("list-unencodable", "the list could not be written as JSON")
            }
            Output.standard(String(decoding: data, as: UTF8.self) + "\n")
        }
    }
}

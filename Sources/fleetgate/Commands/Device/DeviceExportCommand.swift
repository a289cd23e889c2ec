import ArgumentParser
import DeviceRegistry
import Foundation

/// `fleetgate device export`.
struct DeviceExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write devices out, in the form that import reads.",
        discussion: """
            To standard output, or with --output into a new file that only its owner can read. Hashes of passwords are \
            left out unless asked for: a weak password can be guessed from its hash.

            EXAMPLES
              fleetgate device export -c gate/fleetgate.yaml > fleet.csv
              fleetgate device export -c gate/fleetgate.yaml --format jsonl \\
                --tenant hamburg --include-password-hashes --output fleet.jsonl
            """)

    @OptionGroup var gateway: GatewayOptions
    @OptionGroup var filter: DeviceFilterOptions

    @Option(help: "The form to write.")
    var format = DeviceFormatArgument.csv

    @Flag(help: "Write the hashes of passwords too.")
    var includePasswordHashes = false

    @Option(
        name: .shortAndLong, help: ArgumentHelp("A new file to write instead of standard output.", valueName: "file"),
        completion: .file())
    var output: String?

    func run() async throws {
        try await gateway.withDevices { devices in
            let export = DeviceExport(
                format: format.format, query: filter.query(), includesPasswordHashes: includePasswordHashes)
            let handle = try output.map(Self.newFile) ?? .standardOutput
            do {
                try await devices.export(export) { try handle.write(contentsOf: Data($0.utf8)) }
            } catch {
                // Half a file would look like a whole one.
                if let output { try? FileManager.default.removeItem(atPath: output) }
                throw error
            }
        }
    }

    private static func newFile(_ path: String) throws -> FileHandle {
        try PrivateFile.write([], to: path)
        guard let handle = FileHandle(forWritingAtPath: path) else {
            throw CommandFailure("\(path) cannot be written")
        }
        return handle
    }
}

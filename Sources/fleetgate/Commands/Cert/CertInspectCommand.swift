import ArgumentParser
import FleetPKI
import Foundation

/// `fleetgate cert`.
struct CertCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cert",
        abstract: "Look at certificates and what goes with them.",
        subcommands: [CertInspectCommand.self])
}

/// `fleetgate cert inspect`.
struct CertInspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Say what a file is: certificate, request, revocation list, PKCS#12 archive or private key.",
        discussion: """
            Finds out by itself what the file is. PEM may hold several things; each is shown. Of a private key only \
            its kind and size are shown. For certificates it is said what a gateway would have against them as a \
            device's, as far as the certificate alone tells; whether its CA is trusted and whether it was revoked, \
            `fleetgate explain` and `fleetgate crl check` say.

            EXAMPLES
              fleetgate cert inspect meter-4711.pem
              fleetgate cert inspect phone.p12 --passphrase-file phrase.txt
              fleetgate cert inspect crl.pem --entries 20
              fleetgate cert inspect chain.pem --json | jq -r '.items[].certificate."not-after"'

            Exit status 0: all of it could be read. 1: something could not.
            """)

    @Argument(help: "The file.", completion: .file())
    var file: String

    @Option(
        help: ArgumentHelp(
            "A file whose first line is the pass phrase of the private key or archive.", valueName: "file"),
        completion: .file())
    var passphraseFile: String?

    @Option(help: ArgumentHelp("Of a revocation list, show so many entries, 0 to 1000000.", valueName: "number"))
    var entries = 0

    @Flag(help: "Print one JSON object instead of text.")
    var json = false

    func validate() throws {
        guard (0...CertificateRevocationList.entriesMax).contains(entries) else {
            throw ValidationError("--entries must be 0 to \(CertificateRevocationList.entriesMax)")
        }
    }

    func run() throws {
        let passphrase = try passphraseFile.map { try BoundedFile.readSecretLine($0) }
        let report = try InspectionReport(
            file: file, contents: BoundedFile.read(file, bytesMax: PKIItem.octetsMax), passphrase: passphrase,
            entriesMax: entries, now: Date())
        print(json ? try JSONText.encode(report) : report.text)
        if !report.isReadable { throw ExitCode.failure }
    }
}

import ArgumentParser
import FleetPKI
import Foundation

/// `fleetgate ca`.
struct CACommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ca",
        abstract: "The development CA.",
        subcommands: [CAIssueCommand.self])
}

/// `fleetgate ca issue`.
struct CAIssueCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "issue",
        abstract: "Make a device's key and certificate, signed by the development CA.",
        discussion: """
            The subject is written in the order of the certificate, with commas between attributes. A comma, plus, \
            quotation mark, backslash, < > or ; inside a value has a backslash before it (RFC 4514).

            EXAMPLES
              fleetgate ca issue --ca gate/ca --out gate/devices/meter-4711 \\
                --subject "O=Elbe Netz,OU=hamburg-nord,CN=meter-4711"
              fleetgate ca issue --ca gate/ca --subject CN=gateway-7 \\
                --san URI:urn:building:7 --days 30
              fleetgate ca issue --ca gate/ca --subject CN=phone \\
                --format p12 --passphrase-file phrase.txt

            Writes PREFIX.pem (the certificate and its chain) and PREFIX.key, or PREFIX.p12; only their owner can \
            read them. Existing files are never replaced.
            """)

    enum Format: String, CaseIterable, ExpressibleByArgument {
        case pem
        case p12
    }

    @Option(help: ArgumentHelp("The CA's folder, with ca.pem and ca.key.", valueName: "folder"), completion: .directory)
    var ca: String

    @Option(help: ArgumentHelp("The device's subject.", valueName: "name"))
    var subject: String

    @Option(
        help: ArgumentHelp(
            "An alternative name: DNS:…, IP:…, URI:… or email:…; may be repeated.", valueName: "name"))
    var san: [String] = []

    @Option(help: ArgumentHelp("How long the certificate is valid, 1 to 36500 days.", valueName: "number"))
    var days = 365

    @Option(help: ArgumentHelp("Where to write, without the ending. Default: the subject's CN.", valueName: "prefix"))
    var out: String?

    @Option(help: "The form to write.")
    var format = Format.pem

    @Option(help: ArgumentHelp("For p12: a file whose first line is the pass phrase.", valueName: "file"))
    var passphraseFile: String?

    func validate() throws {
        guard (1...36_500).contains(days) else { throw ValidationError("--days must be 1 to 36500") }
        switch format {
        case .p12 where passphraseFile == nil:
            throw ValidationError("--format p12 needs --passphrase-file: the key in it is encrypted")
        case .pem where passphraseFile != nil:
            throw ValidationError("--passphrase-file is for --format p12")
        case .pem, .p12: break
        }
        do {
            _ = try SubjectText(parsing: subject)
            for name in san { _ = try AlternativeNameText.parse(name) }
        } catch {
            throw ValidationError("\(error)")
        }
    }

    func run() throws {
        let attributes = try SubjectText(parsing: subject).attributes
        let issuance = DeviceIssuance(
            authority: try DeviceIssuance.authority(in: ca), subject: attributes,
            alternativeNames: try san.map { try AlternativeNameText.parse($0) }, days: days)
        let prefix = try out ?? DeviceIssuance.defaultPrefix(attributes)
        switch format {
        case .pem:
            let files = try issuance.writePEM(prefix: prefix)
            print(
                """
                \(files.certificate)
                \(files.key)

                To try it, with a topic that the device's profile allows:
                  mosquitto_pub -h localhost -p 8883 --cafile \(shellQuoted(ca + "/ca.pem")) \\
                    --cert \(shellQuoted(files.certificate)) --key \(shellQuoted(files.key)) \\
                    -q 1 -t TOPIC -m hello
                """)
        case .p12:
            let passphrase = try passphraseFile.map { try BoundedFile.readSecretLine($0) } ?? ""
            print(try issuance.writePKCS12(prefix: prefix, passphrase: passphrase))
        }
    }
}

import ArgumentParser
import FleetPKI
import Foundation

/// `fleetgate ca`.
struct CACommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ca",
        abstract: "A small PKI for those who have none: issue, revoke, publish, renew, list.",
        discussion: """
            All of it is a folder of files: keys, certificates, a record of what was issued, and the revocation list. \
            `fleetgate init` makes a small one for development; `fleetgate ca init` makes one with a root whose key can \
            be put away.

            EXAMPLES
              fleetgate ca init pki --name "Elbe Netz" --subject-policy "O=Elbe Netz,OU=*,CN=*"
              fleetgate ca issue --ca pki --subject "O=Elbe Netz,OU=hamburg-nord,CN=meter-4711"
              fleetgate ca revoke --ca pki meter-4711.pem --reason keyCompromise
              fleetgate ca list --ca pki --expiring-within 30d
            """,
        subcommands: [
            CAInitCommand.self, CAIssueCommand.self, CARevokeCommand.self, CAListPublicationCommand.self,
            CARenewCommand.self, CAListCommand.self,
        ])
}

/// Which CA, and what its key takes.
struct CAFolderOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("The CA's folder, as `ca init` or `init` made it.", valueName: "folder"),
        completion: .directory)
    var ca: String

    @Option(
        help: ArgumentHelp("A file whose first line is the pass phrase of the CA's key.", valueName: "file"),
        completion: .file())
    var caPassphraseFile: String?

    func folder() throws -> CAFolder { try CAFolder(at: ca) }

    func passphrase() throws -> String? { try caPassphraseFile.map { try BoundedFile.readSecretLine($0) } }
}

/// The kinds of key that a gateway takes, as they are named on the command line.
enum KeyTypeArgument: String, CaseIterable, ExpressibleByArgument {
    case p256
    case p384
    case rsa2048
    case rsa3072
    case rsa4096

    var keyType: KeyType {
        switch self {
        case .p256: .p256
        case .p384: .p384
        case .rsa2048: .rsa2048
        case .rsa3072: .rsa3072
        case .rsa4096: .rsa4096
        }
    }
}

/// How long certificates are valid.
enum ValidityDays {
    static let range = 1...36_500

    static func check(_ days: Int) throws {
        guard range.contains(days) else { throw ValidationError("--days must be 1 to 36500") }
    }
}

import ArgumentParser
import FleetPKI
import Foundation

/// `fleetgate ca init`.
struct CAInitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Make a PKI: a root, a CA that issues, and an empty revocation list.",
        discussion: """
            The folder is made whole or not at all, and never over an existing one. Only its owner can read it.

            Two CAs are made. The root signs nothing but the CA that issues and, once a year, its own revocation list: \
            move root.key to a place that no machine can reach. Should the issuing CA's key be lost, the root takes it \
            back. --single makes one CA that does both.

            A subject policy says what the certificates' subjects must be: the attributes in order, with `*` for any \
            value. A CA that has one can take subjects from requests (`ca issue --csr`); one without needs --subject.

            EXAMPLES
              fleetgate ca init pki --name "Elbe Netz" --organization "Elbe Netz" \\
                --subject-policy "O=Elbe Netz,OU=*,CN=*"
              fleetgate ca init pki --key p384 --passphrase-file phrase.txt \\
                --crl-url http://pki.example.org/crl.pem
              fleetgate ca init pki --single --root-years 2
            """)

    @Argument(help: "The folder to make.", completion: .directory)
    var folder: String

    @Option(help: ArgumentHelp("What the CAs are called, before \"Root CA\" and \"Issuing CA\".", valueName: "text"))
    var name = "FleetGate"

    @Option(help: ArgumentHelp("The organization in the CAs' names. Default: none.", valueName: "text"))
    var organization: String?

    @Option(help: "The kind of the CAs' keys.")
    var key = KeyTypeArgument.p256

    @Flag(help: "One CA that issues, and no root above it.")
    var single = false

    @Option(help: ArgumentHelp("How long the root, or the single CA, is valid, 1 to 50 years.", valueName: "number"))
    var rootYears = 20

    @Option(help: ArgumentHelp("How long the CA that issues is valid, 1 to 50 years.", valueName: "number"))
    var issuingYears = 5

    @Option(
        help: ArgumentHelp(
            "What subjects must be, such as \"O=Elbe Netz,OU=*,CN=*\"; may be repeated, one has to fit.",
            valueName: "subject"))
    var subjectPolicy: [String] = []

    @Option(
        help: ArgumentHelp(
            "Where crl.pem will be found, http:// or https://: written into each certificate.", valueName: "url"))
    var crlURL: String?

    @Option(
        help: ArgumentHelp("A file whose first line is a pass phrase for the keys.", valueName: "file"),
        completion: .file())
    var passphraseFile: String?

    /// A CN has 64 characters (RFC 5280 appendix A.1), and the longest ending is " Issuing CA".
    private static let nameCharactersMax = 64 - " Issuing CA".count
    private static let policiesMax = 32

    func validate() throws {
        var mistakes: [String] = []
        if name.isEmpty || name.count > Self.nameCharactersMax {
            mistakes.append("--name has 1 to \(Self.nameCharactersMax) characters")
        }
        if let organization, organization.isEmpty || organization.count > 64 {
            mistakes.append("--organization has 1 to 64 characters")
        }
        if !(1...50).contains(rootYears) { mistakes.append("--root-years must be 1 to 50") }
        if !(1...50).contains(issuingYears) { mistakes.append("--issuing-years must be 1 to 50") }
        if !single, issuingYears > rootYears { mistakes.append("--issuing-years is more than --root-years") }
        if subjectPolicy.count > Self.policiesMax {
            mistakes.append("--subject-policy may be given \(Self.policiesMax) times")
        }
        for text in subjectPolicy {
            do { _ = try SubjectPolicy(parsing: text) } catch { mistakes.append("--subject-policy: \(error)") }
        }
        if let crlURL {
            let isHTTP = ["http://", "https://"].contains {
                crlURL.lowercased().hasPrefix($0) && crlURL.count > $0.count
            }
            if !isHTTP || !crlURL.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) || crlURL.utf8.count > 1024 {
                mistakes.append("--crl-url is an http:// or https:// address in ASCII of 1024 characters at most")
            }
        }
        guard mistakes.isEmpty else { throw ValidationError(mistakes.joined(separator: "\n")) }
    }

    func run() throws {
        let passphrase = try passphraseFile.map { try BoundedFile.readSecretLine($0) }
        try CAFolder.create(
            at: folder,
            CAFolder.Creation(
                name: name, organization: organization, keyType: key.keyType, makesIssuingCA: !single,
                rootYears: rootYears, issuingYears: issuingYears,
                settings: CAFolder.Settings(subjectPolicy: subjectPolicy, crlURL: crlURL), passphrase: passphrase))
        let place = shellQuoted(folder)
        print("Made \(folder):")
        let files =
            single
            ? [["ca.pem", "the CA: give it to gateways and devices"], ["ca.key", "its key: keep it"]]
            : [
                ["ca.pem", "the trust anchor: give it to gateways and devices"],
                ["root.key", "the root's key: put it away; it is needed once a year for `ca crl --root`"],
                ["issuing.key", "the key of the CA that issues: keep it here"],
            ]
        print(
            AlignedColumns.text(
                files + [["crl.pem", "the revocation list, empty, for \(Int(CARecord.listDaysDefault)) days"]],
                indent: "  "))
        print(
            """

            Next:
              fleetgate init gate --ca \(place)
              fleetgate ca issue --ca \(place) --subject CN=device-1
            Each day, from cron or a timer:
              fleetgate ca crl --ca \(place) --if-older-than 1d
            """)
    }
}

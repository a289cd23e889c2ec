import ArgumentParser
import FleetPKI
import Foundation

/// `fleetgate ca crl`.
struct CAListPublicationCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "crl",
        abstract: "Publish the revocation list anew, before the last one ends.",
        discussion: """
            A list counts for some days. Gateways that require one let nobody in with a list that is out of date, so a \
            new one is due each day, revoked certificates or not: call this from cron or a timer. Writes crl.pem in the \
            CA's folder, the issuing CA's list and then the root's, in one step and readable for everybody.

            The root's list counts for a year. --root makes it anew; the root's key has to be there for it.

            EXAMPLES
              fleetgate ca crl --ca pki
              fleetgate ca crl --ca pki --if-older-than 1d --out /var/www/pki/crl.pem
              fleetgate ca crl --ca pki --root
            """)

    @OptionGroup var authority: CAFolderOptions

    @Option(help: ArgumentHelp("How long the list counts, 1 to 366 days.", valueName: "number"))
    var days = Int(CARecord.listDaysDefault)

    @Flag(help: "The root's list, too.")
    var root = false

    @Option(
        help: ArgumentHelp("A second place for crl.pem; an existing file is replaced.", valueName: "file"),
        completion: .file())
    var out: String?

    @Option(help: ArgumentHelp("Do nothing when the last list is younger: 3d, 12h.", valueName: "span"))
    var ifOlderThan: SpanArgument?

    @Flag(help: "Print a JSON object instead of text.")
    var json = false

    static func check(days: Int, _ option: String = "--days") throws {
        guard (1...366).contains(days) else { throw ValidationError("\(option) must be 1 to 366") }
    }

    func validate() throws {
        try Self.check(days: days)
        if let ifOlderThan, ifOlderThan.seconds >= Int64(days) * 86_400 {
            throw ValidationError(
                "--if-older-than is not shorter than --days: the list would end before it is made anew")
        }
    }

    func run() throws {
        let folder = try authority.folder()
        let outcome = try folder.exclusively { record -> ListPublication.Outcome? in
            // Asked while nobody else publishes: of two at a time one has nothing to do.
            if let ifOlderThan, let date = folder.listDate(), date > Date() - TimeInterval(ifOlderThan.seconds) {
                return nil
            }
            let publication = try ListPublication(
                folder: folder, renewsRoot: root, passphrase: authority.passphrase())
            return try publication.publish(days: days, copy: out, record: record)
        }
        if json {
            print(try JSONText.encode(Report(isPublished: outcome != nil, list: outcome)))
        } else {
            print(outcome?.text ?? "\(folder.listPath) is young enough; nothing was done")
        }
    }

    private struct Report: Encodable {
        let isPublished: Bool
        let list: ListPublication.Outcome?

        private enum CodingKeys: String, CodingKey {
            case isPublished = "published"
            case list
        }
    }
}

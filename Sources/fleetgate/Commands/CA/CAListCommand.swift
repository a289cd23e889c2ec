import ArgumentParser
import FleetPKI
import Foundation

/// `fleetgate ca list`.
struct CAListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List what the CA has issued, and what became of it.",
        discussion: """
            In the order of issue. A certificate that was renewed is `renewed` until it ends; it still lets a device \
            in. --expiring-within lists the valid ones that end soon.

            EXAMPLES
              fleetgate ca list --ca pki
              fleetgate ca list --ca pki --expiring-within 30d
              fleetgate ca list --ca pki --state revoked --json | jq -r '.[].serial'
            """)

    typealias State = CARecord.Certificate.State

    @OptionGroup var authority: CAFolderListingOptions

    @Option(help: "Only those: valid, revoked, expired or renewed.")
    var state: State?

    @Option(help: ArgumentHelp("Only valid ones that end so soon: 30d, 2w.", valueName: "span"))
    var expiringWithin: SpanArgument?

    @Flag(help: "Print a JSON array instead of a table, each certificate on a line.")
    var json = false

    func validate() throws {
        if expiringWithin != nil, let state, state != .valid {
            throw ValidationError("--expiring-within lists valid certificates only")
        }
    }

    func run() throws {
        let folder = try CAFolder(at: authority.ca)
        let now = Date()
        let rows = try wanted(folder.record().contents().certificates, now: now)
        guard !json else {
            guard !rows.isEmpty else { return print("[]") }
            for (place, row) in rows.enumerated() {
                let line = try Row(row, now: now).line()
                print((place == 0 ? "[" : " ") + line + (place == rows.count - 1 ? "]" : ","))
            }
            return
        }
        guard !rows.isEmpty else { return print("no certificates") }
        print(
            AlignedColumns.text(
                [["SERIAL", "STATE", "FOR", "UNTIL", "SUBJECT"]]
                    + rows.map { row in
                        let reason = row.reason.map { " (\($0))" } ?? ""
                        return [
                            row.serial, row.state(at: now).rawValue + reason, row.purpose.rawValue,
                            row.notAfter.formatted(.iso8601), row.subject,
                        ]
                    }))
    }

    func wanted(_ certificates: [CARecord.Certificate], now: Date) -> [CARecord.Certificate] {
        certificates.filter { certificate in
            let own = certificate.state(at: now)
            if let state, own != state { return false }
            guard let expiringWithin else { return true }
            return own == .valid && certificate.notAfter <= now + TimeInterval(expiringWithin.seconds)
        }
    }

    /// A certificate as `--json` shows it. The keys are stable.
    private struct Row: Encodable {
        let serial: String
        let state: State
        let subject: String
        let names: [String]
        let purpose: CertificatePurpose
        let notBefore: Date
        let notAfter: Date
        let sha256: String
        let renews: String?
        let renewedBy: String?
        let revokedAt: Date?
        let reason: String?

        private enum CodingKeys: String, CodingKey {
            case serial, state, subject, names, purpose, sha256, renews, reason
            case notBefore = "not-before"
            case notAfter = "not-after"
            case renewedBy = "renewed-by"
            case revokedAt = "revoked-at"
        }

        init(_ certificate: CARecord.Certificate, now: Date) {
            serial = certificate.serial
            state = certificate.state(at: now)
            subject = certificate.subject
            names = certificate.names
            purpose = certificate.purpose
            notBefore = certificate.notBefore
            notAfter = certificate.notAfter
            sha256 = certificate.sha256
            renews = certificate.renews
            renewedBy = certificate.renewedBy
            revokedAt = certificate.revokedAt
            reason = certificate.reason
        }

        func line() throws -> String {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            encoder.dateEncodingStrategy = .iso8601
            return String(decoding: try encoder.encode(self), as: UTF8.self)
        }
    }
}

/// Which CA, where its key is not needed.
struct CAFolderListingOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("The CA's folder, as `ca init` or `init` made it.", valueName: "folder"),
        completion: .directory)
    var ca: String
}

extension CARecord.Certificate.State: ExpressibleByArgument {}

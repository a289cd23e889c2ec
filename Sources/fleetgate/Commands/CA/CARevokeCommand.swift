import ArgumentParser
import FleetPKI
import Foundation

/// `fleetgate ca revoke`.
struct CARevokeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "Take certificates back, and publish the list that says so.",
        discussion: """
            A revoked certificate stays revoked. The list is published at once: a gateway that reads crl.pem from this \
            folder ends the device's live session and refuses it from then on. With a mistake in one argument nothing \
            is revoked.

            The certificate of the CA that issues is revoked by the root, whose key has to be there for it.

            EXAMPLES
              fleetgate ca revoke --ca pki meter-4711.pem --reason keyCompromise
              fleetgate ca revoke --ca pki --serial 5B:12:77:A0:9F:00:31:5C --reason cessationOfOperation
              fleetgate ca revoke --ca pki old/*.pem --reason superseded
            """)

    /// Of RFC 5280 section 5.3.1, those that may be given here: a hold could not be lifted. Also with hyphens between the
    /// words, as `fleetgate revoke` has them; case does not matter.
    enum Reason: String, CaseIterable, ExpressibleByArgument {
        case keyCompromise
        case caCompromise = "cACompromise"
        case affiliationChanged
        case superseded
        case cessationOfOperation
        case privilegeWithdrawn

        init?(argument: String) {
            let plain = argument.lowercased().filter { $0 != "-" }
            guard let found = Self.allCases.first(where: { $0.rawValue.lowercased() == plain }) else { return nil }
            self = found
        }

        var inList: RevokedCertificate.Reason {
            switch self {
            case .keyCompromise: .keyCompromise
            case .caCompromise: .caCompromise
            case .affiliationChanged: .affiliationChanged
            case .superseded: .superseded
            case .cessationOfOperation: .cessationOfOperation
            case .privilegeWithdrawn: .privilegeWithdrawn
            }
        }
    }

    @OptionGroup var authority: CAFolderOptions

    @Argument(help: "Certificates, PEM or DER.", completion: .file())
    var certificates: [String] = []

    @Option(help: ArgumentHelp("A certificate's serial number in hexadecimal; may be repeated.", valueName: "number"))
    var serial: [String] = []

    @Option(help: "Why. Default: not said.")
    var reason: Reason?

    @Option(help: ArgumentHelp("How long the published list counts, 1 to 366 days.", valueName: "days"))
    var listDays = Int(CARecord.listDaysDefault)

    @Flag(inversion: .prefixedNo, help: "Publish the list at once.")
    var publish = true

    func validate() throws {
        guard !certificates.isEmpty || !serial.isEmpty else {
            throw ValidationError("a certificate's file, or --serial, says which")
        }
        try CAListPublicationCommand.check(days: listDays, "--list-days")
        let wrong = serial.filter { IssuedSerialNumber.normal($0) == nil }
        guard wrong.isEmpty else {
            throw ValidationError(
                wrong.map { "`\($0)` is not a serial number: 1 to 20 octets in hexadecimal" }.joined(separator: "\n"))
        }
    }

    func run() throws {
        let folder = try authority.folder()
        let targets = try RevocationTargets(certificates: certificates, serials: serial, folder: folder)
        let publication = try ListPublication(
            folder: folder, renewsRoot: targets.includesIssuingCA, passphrase: authority.passphrase())
        let outcome = try folder.exclusively { record in
            let known = try record.contents()
            try targets.requireNotRevoked(known)
            let now = Date()
            try record.append(
                targets.serials.map {
                    .revoked(.init(serial: $0, reason: reason.map { "\($0.inList)" }, at: now))
                })
            for serial in targets.serials where !targets.isKnown(serial, known) {
                Terminal.printError("warning: \(serial) is not in the record of \(folder.path); it is on its list now")
            }
            return publish ? try publication.publish(days: listDays, record: record) : nil
        }
        for serial in targets.serials { print("revoked \(serial)") }
        if let outcome {
            print(outcome.text)
        } else {
            print("not published; `fleetgate ca crl --ca \(shellQuoted(folder.path))` does it")
        }
    }
}

/// Certificates to revoke: all of them found, or all mistakes said.
struct RevocationTargets {
    /// Each once, in the order that they were named.
    let serials: [String]
    private let issuingSerial: String?

    /// - Throws: ``CommandFailure`` with a line for each mistake.
    init(certificates: [String], serials named: [String], folder: CAFolder) throws {
        let authorities = try folder.authorities()
        let issuingSerial = try folder.issuingSerial()
        var serials: [String] = []
        var mistakes: [String] = []
        for path in certificates {
            do {
                let file = try CertificateFile(
                    contents: BoundedFile.read(path, bytesMax: BoundedFile.pemBytesMax))
                guard let serial = IssuedSerialNumber.normal(file.inspection.serialNumber) else {
                    mistakes.append("\(path): a certificate without a serial number cannot be revoked")
                    continue
                }
                let issuers = serial == issuingSerial ? Array(authorities.dropFirst()) : Array(authorities.prefix(1))
                guard issuers.contains(where: file.isSigned(by:)) else {
                    mistakes.append("\(path): this CA did not issue it (its issuer is \(file.inspection.issuer))")
                    continue
                }
                if file.inspection.isSelfIssued {
                    mistakes.append("\(path): a root cannot be revoked; take it out of the gateways' trust anchors")
                    continue
                }
                if !serials.contains(serial) { serials.append(serial) }
            } catch let error as PKIError {
                mistakes.append("\(path): \(error.message)")
            } catch let error as FileProblem {
                mistakes.append(error.description)
            }
        }
        for text in named {
            guard let serial = IssuedSerialNumber.normal(text) else { continue }
            if !serials.contains(serial) { serials.append(serial) }
        }
        guard mistakes.isEmpty else { throw CommandFailure(mistakes.joined(separator: "\n")) }
        self.serials = serials
        self.issuingSerial = issuingSerial
    }

    var includesIssuingCA: Bool { issuingSerial.map(serials.contains) ?? false }

    /// - Throws: ``CommandFailure`` with a line for each that is revoked already.
    func requireNotRevoked(_ contents: CARecord.Contents) throws {
        let since = Dictionary(
            contents.revoked.map { ($0.serialNumber, $0.revokedAt) }, uniquingKeysWith: { first, _ in first })
        let mistakes = serials.compactMap { serial in
            since[serial].map { "\(serial) was revoked at \($0.formatted(.iso8601)) already; nothing was changed" }
        }
        guard mistakes.isEmpty else { throw CommandFailure(mistakes.joined(separator: "\n")) }
    }

    func isKnown(_ serial: String, _ contents: CARecord.Contents) -> Bool {
        serial == issuingSerial || contents.certificates.contains { $0.serial == serial }
    }
}

import ArgumentParser
import FleetPKI
import Foundation

/// `fleetgate ca renew`.
struct CARenewCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "renew",
        abstract: "Issue a certificate again: same subject, names and purpose, a new end.",
        discussion: """
            The new certificate is for the same key, so that the device needs nothing but the file; --new-key makes a \
            key too. The old one stays valid until its own end, or until it is revoked (`ca revoke --reason \
            superseded`). A revoked certificate is not renewed.

            EXAMPLES
              fleetgate ca renew --ca pki meter-4711.pem --out meter-4711-2027
              fleetgate ca renew --ca pki meter-4711.pem --new-key --days 730

            Writes PREFIX.pem, with --new-key PREFIX.key as well. Existing files are never replaced.
            """)

    @OptionGroup var authority: CAFolderOptions

    @Argument(help: "The certificate, PEM or DER.", completion: .file())
    var certificate: String

    @Option(help: ArgumentHelp("How long the new one is valid, 1 to 36500 days.", valueName: "number"))
    var days = 365

    @Option(
        help: ArgumentHelp(
            "Where to write, without the ending. Default: the file's name with `-renewed`.", valueName: "prefix"))
    var out: String?

    @Flag(help: "Make a new key as well.")
    var newKey = false

    @Option(help: "With --new-key: the kind of key. Default: p256.")
    var key: KeyTypeArgument?

    @Option(
        help: ArgumentHelp(
            "With --new-key: a file whose first line is the pass phrase that encrypts it.", valueName: "file"),
        completion: .file())
    var passphraseFile: String?

    func validate() throws {
        try ValidityDays.check(days)
        guard newKey || (key == nil && passphraseFile == nil) else {
            throw ValidationError("--key and --passphrase-file are for --new-key")
        }
    }

    func run() throws {
        let folder = try authority.folder()
        let old = try RenewedCertificate(certificate, in: folder)
        let order = try old.order(days: days)
        let files = IssuedFiles(prefix: out ?? defaultPrefix)
        try files.requireUnused(newKey ? [".pem", ".key"] : [".pem"])
        let secret = try passphraseFile.map { try BoundedFile.readSecretLine($0) }
        let issuance = try CertificateIssuance(folder: folder, passphrase: authority.passphrase())
        if newKey {
            let written = try files.writePEM(
                issuance.issue(order, keyType: key?.keyType ?? .p256), passphrase: secret)
            print("\(written.certificate)\n\(written.key)")
        } else {
            print(try files.writeCertificate(issuance.issue(order, for: old.file.subjectPublicKey)))
        }
    }

    private var defaultPrefix: String {
        URL(fileURLWithPath: certificate).deletingPathExtension().relativePath + "-renewed"
    }
}

/// A certificate of a folder's CA that may be renewed.
struct RenewedCertificate {
    let file: CertificateFile
    private let path: String
    private let serial: String

    /// - Throws: ``CommandFailure`` when it is not one, was not issued by this CA, or was revoked.
    init(_ path: String, in folder: CAFolder) throws {
        do {
            self.file = try CertificateFile(contents: BoundedFile.read(path, bytesMax: BoundedFile.pemBytesMax))
        } catch let error as PKIError {
            throw CommandFailure("\(path): \(error.message)")
        }
        self.path = path
        guard let issuing = try folder.authorities().first, file.isSigned(by: issuing), !file.inspection.isCA,
            let serial = IssuedSerialNumber.normal(file.inspection.serialNumber)
        else {
            throw CommandFailure(
                "\(path): not a device's or server's certificate of this CA (its issuer is \(file.inspection.issuer))")
        }
        self.serial = serial
        if let revoked = try folder.record().contents().revoked.first(where: { $0.serialNumber == serial }) {
            throw CommandFailure("\(path): it was revoked at \(revoked.revokedAt.formatted(.iso8601))")
        }
    }

    /// - Throws: ``CommandFailure`` for what is not issued here.
    func order(days: Int) throws -> CertificateOrder {
        let purposes = file.inspection.extendedKeyUsage ?? []
        let purpose: CertificatePurpose
        switch (purposes.contains("clientAuth"), purposes.contains("serverAuth")) {
        case (true, false): purpose = .client
        case (false, true): purpose = .server
        case (true, true), (false, false):
            throw CommandFailure("\(path): its extended key usage is not that of a device or of a server")
        }
        let names = try file.inspection.alternativeNames.map { name in
            guard let known = AlternativeName(name) else {
                throw CommandFailure("\(path): it has an alternative name that is not DNS, IP, URI or email")
            }
            return known
        }
        do {
            return CertificateOrder(
                subject: try file.subject, alternativeNames: names, purpose: purpose, days: days, renews: serial)
        } catch {
            throw CommandFailure("\(path): \(error.message)")
        }
    }
}

extension AlternativeName {
    /// Nil: of a kind that is not issued here.
    fileprivate init?(_ name: CertificateInspection.Name) {
        switch name.type {
        case "dns": self = .dns(name.value)
        case "ip": self = .ip(name.value)
        case "uri": self = .uri(name.value)
        case "email": self = .email(name.value)
        case _: return nil
        }
    }
}

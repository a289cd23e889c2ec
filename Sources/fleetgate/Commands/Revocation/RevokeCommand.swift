import AdminAPI
import ArgumentParser
import FleetPKI
import FleetPolicy
import Foundation

/// `fleetgate revoke`.
struct RevokeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "Shut certificates out at this gateway, whatever their CA says.",
        discussion: """
            Works at once: sessions with the certificate end, and the command says how many. Sessions that are resumed \
            are judged the same way. It stays so over restarts, until it is undone. It is about this gateway only; \
            other verifiers learn of a revocation from the CA's list.

            A device's own certificate is named by its file, by its issuer and serial number, or by the device that is \
            live with it. A fingerprint is weaker: whoever has the key of a certificate can give it another \
            fingerprint, because an ECDSA signature has two forms. The certificate of an intermediate CA is named by --issuer and --serial; \
            then nothing below it gets in. With --issuer the CA's certificate is given as a file.

            While no gateway runs the file "revocations.json" beside the registry is changed, which the gateway reads \
            when it starts.

            REASONS
              unspecified, key-compromise, ca-compromise, affiliation-changed, superseded,
              cessation-of-operation, certificate-hold, privilege-withdrawn, aa-compromise

            EXAMPLES
              fleetgate revoke -c gate/fleetgate.yaml --cert meter-4711.pem \\
                --reason key-compromise
              fleetgate revoke -c gate/fleetgate.yaml --device hamburg/meter-4711
              fleetgate revoke -c gate/fleetgate.yaml --issuer gate/ca/ca.pem \\
                --serial 5A:0F:33:81
              fleetgate revoke -c gate/fleetgate.yaml --list
              fleetgate revoke -c gate/fleetgate.yaml --undo --cert meter-4711.pem
            """)

    @OptionGroup var gateway: GatewayOptions
    @OptionGroup var certificate: RevokedCertificateOptions

    @Option(help: ArgumentHelp("Why: one of REASONS.", valueName: "reason"))
    var reason = "unspecified"

    @Option(help: ArgumentHelp("A note, for the list and the audit; at most 256 bytes.", valueName: "text"))
    var note = ""

    @Flag(help: "List what is revoked here.")
    var list = false

    @Flag(help: "Take a revocation back.")
    var undo = false

    @Flag(help: "Print JSON instead of text.")
    var json = false

    func validate() throws {
        if list {
            guard !certificate.isGiven, !undo else { throw ValidationError("--list stands alone") }
            return
        }
        guard certificate.isGiven else {
            throw ValidationError(
                "--cert, --fingerprint, --issuer with --serial, or --device has to say what is meant")
        }
        guard let parsed = RevocationReason(name: reason), parsed != .removeFromCRL else {
            throw ValidationError("--reason \(reason) is none of the REASONS in --help")
        }
        guard note.utf8.count <= LocalRevocation.noteBytesMax else {
            throw ValidationError("--note takes at most \(LocalRevocation.noteBytesMax) bytes")
        }
    }

    func run() async throws {
        guard !list else { return try await printList() }
        let (target, subject) = try certificate.target()
        let command = RevocationExchange.Command(
            action: undo ? .undo : .revoke, target: target, reason: RevocationReason(name: reason)?.name ?? reason,
            note: note.isEmpty ? subject : note)
        let outcome = try await RevocationAccess.open(gateway.location(), isForChange: true).apply(command)
        if json {
            print(try JSONText.encode(outcome))
        } else {
            for line in Self.lines(outcome, undo: undo) { print(line) }
        }
        if !undo, certificate.device != nil || certificate.cert != nil,
            outcome.changed.contains(where: \.isByFingerprint)
        {
            Terminal.printError(
                "warning: revoked by its fingerprint, because its issuer is not known here: whoever has the key can give "
                    + "the certificate another one (hint: --issuer with --serial)")
        }
        // To undo what is not there is more likely a wrong name than what was meant.
        if undo, outcome.changed.isEmpty { throw ExitCode.failure }
    }

    static func lines(_ outcome: RevocationExchange.Outcome, undo: Bool) -> [String] {
        var lines = outcome.changed.map { revocation in
            LogText.visible(
                "\(undo ? "no longer revoked" : "revoked"): \(revocation.certificateText)"
                    + (revocation.note.isEmpty ? "" : " (\(revocation.note))"))
        }
        if lines.isEmpty { lines = [undo ? "was not revoked here" : "was revoked here already"] }
        if let count = outcome.sessionsEnded, !undo {
            lines.append(count == 1 ? "1 session ended" : "\(count) sessions ended")
        }
        return lines
    }

    private func printList() async throws {
        let items = CollectedItems<LocalRevocation>()
        try await RevocationAccess.open(gateway.location(), isForChange: false).list { await items.append($0) }
        let all = await items.all
        if json {
            print(try JSONText.encode(all))
        } else if all.isEmpty {
            print("nothing is revoked here")
        } else {
            let rows = all.map { revocation in
                [
                    revocation.certificateText, revocation.reason, revocation.revokedAt.formatted(.iso8601),
                    revocation.by, revocation.device ?? "-", revocation.note,
                ]
            }
            print(AlignedColumns.text([["CERTIFICATE", "REASON", "REVOKED", "BY", "DEVICE", "NOTE"]] + rows))
        }
    }
}

extension LocalRevocation {
    var isByFingerprint: Bool { fingerprint != nil }

    /// `sha256 3f…`, or `issuer 5a…, serial 0f…`.
    var certificateText: String {
        fingerprint.map { "sha256 \($0)" } ?? "issuer \(issuer?.prefix(16) ?? "")…, serial \(serialNumber ?? "")"
    }
}

/// Which certificate `fleetgate revoke` is about.
struct RevokedCertificateOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("The certificate: PEM, DER or PKCS#12; the first one of a chain.", valueName: "file"),
        completion: .file())
    var cert: String?

    @Option(help: ArgumentHelp("For PKCS#12: a file whose first line is the pass phrase.", valueName: "file"))
    var passphraseFile: String?

    @Option(help: ArgumentHelp("The certificate's SHA-256; colons and case do not matter.", valueName: "hex"))
    var fingerprint: String?

    @Option(help: ArgumentHelp("The certificate of the CA that issued it.", valueName: "file"), completion: .file())
    var issuer: String?

    @Option(help: ArgumentHelp("The serial number; colons and case do not matter.", valueName: "hex"))
    var serial: String?

    @Option(
        help: ArgumentHelp("All certificates that this device is live with.", valueName: "tenant/device"),
        transform: DeviceArgument.init(parsing:))
    var device: DeviceArgument?

    private var ways: Int { [cert != nil, fingerprint != nil, serial != nil, device != nil].count { $0 } }

    var isGiven: Bool { ways > 0 || issuer != nil }

    func validate() throws {
        guard ways <= 1 else {
            throw ValidationError("--cert, --fingerprint, --serial and --device exclude each other")
        }
        guard (issuer == nil) == (serial == nil) else { throw ValidationError("--issuer and --serial go together") }
        if passphraseFile != nil, cert == nil { throw ValidationError("--passphrase-file is for --cert") }
        if let fingerprint, HexadecimalText.bytes(fingerprint, separator: ":")?.count != 32 {
            throw ValidationError("--fingerprint takes 64 hexadecimal digits, with colons or without")
        }
        if let serial, !(1...SerialNumberSet.octetsMax).contains(Self.serialBytes(serial)?.count ?? 0) {
            throw ValidationError("--serial takes 1 to \(SerialNumberSet.octetsMax) bytes in hexadecimal")
        }
    }

    /// - Returns: What is meant, and its subject.
    /// - Throws: ``CommandFailure``, ``FileProblem``.
    func target() throws -> (target: RevocationExchange.Target, subject: String) {
        if let device { return (.device(device.key), "") }
        if let fingerprint, let bytes = HexadecimalText.bytes(fingerprint, separator: ":") {
            return (.fingerprint(HexadecimalText.text(bytes)), "")
        }
        if let issuer, let serial = serial.flatMap(Self.serialBytes) {
            let authority = try Self.read(issuer, passphraseFile: nil)
            guard authority.inspection.isCA else {
                throw CommandFailure("\(issuer) is not the certificate of a CA")
            }
            let id = try AuthorityIDs.id(ofCertificateDER: authority.der)
            return (
                .certificate(issuer: HexadecimalText.text(id), serialNumber: HexadecimalText.text(serial)),
                "issued by \(authority.inspection.subject)"
            )
        }
        guard let cert else { throw CommandFailure("nothing says which certificate is meant") }
        let file = try Self.read(cert, passphraseFile: passphraseFile)
        guard !file.inspection.isCA else {
            // The fingerprint is compared with that of devices' own certificates only.
            throw CommandFailure(
                "\(cert) is the certificate of a CA (hint: --issuer FILE --serial "
                    + "\(file.inspection.serialNumber), FILE being the certificate of the CA that issued it)")
        }
        return (.leaf(HexadecimalText.text(file.der)), file.inspection.subject)
    }

    private static func read(_ path: String, passphraseFile: String?) throws -> CertificateFile {
        let contents = try BoundedFile.read(path, bytesMax: BoundedFile.pemBytesMax)
        let passphrase = try passphraseFile.map { try BoundedFile.readSecretLine($0) }
        do {
            return try CertificateFile(contents: contents, passphrase: passphrase)
        } catch {
            let hint = error.code == .passphraseRequired ? " (hint: --passphrase-file)" : ""
            throw CommandFailure("\(path): \(error.message)\(hint)")
        }
    }

    /// An odd number of digits has a zero before it.
    private static func serialBytes(_ text: String) -> [UInt8]? {
        let digits = text.hasPrefix("0x") ? String(text.dropFirst(2)) : text
        let isOdd = digits.utf8.count { $0 != UInt8(ascii: ":") } % 2 != 0
        return HexadecimalText.bytes(isOdd ? "0" + digits : digits, separator: ":")
    }
}

import ArgumentParser
import FleetPKI
import FleetPolicy

/// `fleetgate ocsp check`.
struct OCSPCheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Ask an OCSP responder about a certificate, and check its answer as the gateway does.",
        discussion: """
            Prints what the responder says, until when, and who has signed it. Whoever runs the command chooses the \
            responder, so that addresses on this machine and in private networks are asked too.

            EXAMPLES
              fleetgate ocsp check --cert meter-4711.pem --issuer issuing-ca.pem
              fleetgate ocsp check --cert meter-4711.pem --issuer issuing-ca.pem \\
                --url http://ocsp.example.org/ --nonce required --digest sha256
              fleetgate ocsp check --cert meter-4711.pem --issuer issuing-ca.pem --json

            EXIT STATUS
              0   the certificate is good
              1   it is revoked or not known to the responder, or there is no answer that could be used
              64  the command line is wrong
            """)

    @Option(
        help: ArgumentHelp("The certificate, in PEM or DER; of a chain the first.", valueName: "file"),
        completion: .file())
    var cert: String

    @Option(
        help: ArgumentHelp("The certificate of the CA that issued it, in PEM or DER.", valueName: "file"),
        completion: .file())
    var issuer: String

    @Option(help: ArgumentHelp("The responder. Default: the first that the certificate names.", valueName: "address"))
    var url: String?

    @Option(
        help: ArgumentHelp(
            "Whether the answer has to repeat a nonce: off, optional (default) or required.", valueName: "rule"),
        transform: { try Self.choice($0, of: OCSPNonceRule.self) })
    var nonce = OCSPNonceRule.optional

    @Option(
        help: ArgumentHelp(
            "The hash by which the question names the issuer: sha1 (default) or sha256.", valueName: "hash"),
        transform: { try Self.choice($0, of: OCSPDigest.self) })
    var digest = OCSPDigest.sha1

    @Option(help: ArgumentHelp("How long the question may take, 1 to 60 seconds.", valueName: "seconds"))
    var timeout = 10

    @Flag(help: "Print a JSON object instead of a table.")
    var json = false

    func validate() throws {
        guard (1...60).contains(timeout) else { throw ValidationError("--timeout must be 1 to 60") }
        do throws(HTTPFetchError) {
            if let url { _ = try HTTPAddress(url) }
        } catch {
            throw ValidationError("--url: \(error)")
        }
    }

    func run() async throws {
        let certificate = try read(cert)
        let authority = try read(issuer)
        guard let id = AuthorityID(try AuthorityIDs.id(ofCertificateDER: authority.der)),
            let serialNumber = HexadecimalText.bytes(certificate.inspection.serialNumber)
        else { throw CommandFailure("\(cert): the serial number cannot be read") }
        guard certificate.inspection.issuer == authority.inspection.subject else {
            throw CommandFailure(
                "\(cert): was issued by \"\(certificate.inspection.issuer)\", and \(issuer) is the "
                    + "certificate of \"\(authority.inspection.subject)\"")
        }
        guard let address = url ?? certificate.inspection.ocspResponders.first else {
            throw CommandFailure("\(cert): names no OCSP responder; give one with --url")
        }
        let exchange = OCSPExchange(
            issuer: try OCSPIssuer(der: authority.der),
            certificate: CertificateID(issuer: id, serialNumber: serialNumber),
            choice: OCSPResponderChoice(address: address, reach: .anywhere),
            bundle: OCSPSettings.Bundle(
                policy: .hardFail, timeout: .seconds(timeout), nonce: nonce, digest: digest),
            clockSkew: OCSPSettings().clockSkew, trust: .empty)
        let answer: OCSPAnswer
        do throws(OCSPExchange.Failure) {
            answer = try await exchange.run(.http(), wall: { DeviceTimes.now })
        } catch {
            throw CommandFailure("\(address): \(error.code): \(error.detail)")
        }
        let report = OCSPCheckReport(answer, certificate: certificate.inspection, responder: address)
        print(json ? try JSONText.encode(report) : report.text)
        if report.status != .good { throw ExitCode.failure }
    }

    private func read(_ path: String) throws -> CertificateFile {
        let contents = try BoundedFile.read(path, bytesMax: BoundedFile.pemBytesMax)
        do throws(PKIError) {
            return try CertificateFile(contents: contents)
        } catch {
            throw CommandFailure("\(path): \(error.message)")
        }
    }

    private static func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ text: String, of type: Choice.Type
    ) throws -> Choice {
        guard let choice = Choice(rawValue: text) else {
            let all = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("\"\(text)\" is not one of \(all)")
        }
        return choice
    }
}

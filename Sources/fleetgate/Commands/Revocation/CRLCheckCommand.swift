import ArgumentParser
import FleetPKI
import FleetPolicy
import Foundation

/// `fleetgate crl check`.
struct CRLCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Say what a list is, and whether a gateway would take it.",
        discussion: """
            Reads a list in DER, or one or several in PEM. With --issuer, the certificates of the CAs that may have made \
            them, the signature is checked too. Nothing is asked of a gateway.

            The exit status is 1 when a gateway would not take a list, or when it is out of date.

            EXAMPLES
              fleetgate crl check ca.crl --issuer gate/ca/ca.pem
              fleetgate crl check ca.crl --json
            """)

    @OptionGroup var issuer: CRLIssuerOptions

    @Flag(help: "Print JSON instead of text.")
    var json = false

    @Argument(help: "The list.", completion: .file())
    var file: String

    func run() throws {
        let contents = try BoundedFile.read(file, bytesMax: RevocationSettings.listBytesMaxRange.upperBound)
        try CRLReport.print(contents, name: file, issuers: issuer.read(), json: json)
    }
}

/// `fleetgate crl fetch`.
struct CRLFetchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fetch",
        abstract: "Fetch a list as the gateway would, and say what it is.",
        discussion: """
            Follows redirections as the gateway does, and takes no longer and no more bytes than are said. With --out \
            the list is written to a file, as it came, if it could be read.

            EXAMPLES
              fleetgate crl fetch http://crl.example.com/devices.crl --issuer devices-ca.pem
              fleetgate crl fetch http://crl.example.com/devices.crl --out devices.crl
            """)

    @OptionGroup var issuer: CRLIssuerOptions

    @Option(help: ArgumentHelp("Seconds that the whole may take, 1 to 600.", valueName: "number"))
    var timeout = 30

    @Option(help: ArgumentHelp("Where to write the list; an existing file is replaced.", valueName: "file"))
    var out: String?

    @Flag(help: "Print JSON instead of text.")
    var json = false

    @Argument(help: "The address: http://… or https://…")
    var url: String

    func validate() throws {
        guard RevocationSettings.fetchTimeoutRange.contains(.seconds(timeout)) else {
            throw ValidationError("--timeout takes 1 to 600 seconds")
        }
    }

    func run() async throws {
        let issuers = try issuer.read()
        let contents: [UInt8]
        do {
            let answer = try await HTTPFetch().get(
                url, bytesMax: RevocationSettings.listBytesMaxRange.upperBound, timeout: .seconds(timeout))
            switch answer {
            case .body(let bytes, _, _, _): contents = bytes
            case .notModified: throw CommandFailure("\(url): the server says that nothing has changed since never")
            }
        } catch let error as HTTPFetchError {
            throw CommandFailure("\(url): \(error.description) (\(error.reason.rawValue))")
        }
        // What is no list is not written over one.
        let wasRead = (try? CertificateRevocationList.encodings(in: contents)) != nil
        if let out, wasRead {
            do throws(NewFile.Failure) {
                try DurableFile.replace(out, with: contents, mode: 0o644)
            } catch {
                throw CommandFailure("\(out) cannot be written: \(error)")
            }
        }
        try CRLReport.print(contents, name: url, issuers: issuers, json: json)
    }
}

/// Which CAs may have made a list.
struct CRLIssuerOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Certificates of CAs, in PEM or DER; may be repeated.", valueName: "file"),
        completion: .file())
    var issuer: [String] = []

    /// Nil: none was given, and no signature is checked.
    ///
    /// - Throws: ``CommandFailure``, ``FileProblem``.
    func read() throws -> KnownAuthorities? {
        guard !issuer.isEmpty else { return nil }
        var known = KnownAuthorities()
        for path in issuer {
            let contents = try BoundedFile.read(path, bytesMax: BoundedFile.pemBytesMax)
            do {
                for authority in try AuthorityCertificate.all(pem: contents, bundle: path) { known.insert(authority) }
            } catch {
                throw CommandFailure("\(path): \(error.message)")
            }
        }
        return known
    }
}

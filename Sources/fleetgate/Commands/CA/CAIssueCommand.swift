import ArgumentParser
import FleetPKI
import Foundation

/// `fleetgate ca issue`.
struct CAIssueCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "issue",
        abstract: "Issue a certificate, with a key made here or for the key of a request.",
        discussion: """
            The subject is written in the order of the certificate, with commas between attributes. A comma, plus, \
            quotation mark, backslash, < > or ; inside a value has a backslash before it (RFC 4514).

            With --csr the key stays where it is. The request has to be signed with it. Of what it asks for, the \
            subject is taken if the CA's subject policy allows it (or --subject replaces it), the alternative names \
            only with --accept-requested-names, and nothing else.

            EXAMPLES
              fleetgate ca issue --ca gate/ca --out gate/devices/meter-4711 \\
                --subject "O=Elbe Netz,OU=hamburg-nord,CN=meter-4711"
              fleetgate ca issue --ca pki --csr meter.csr --out meter-4711
              fleetgate ca issue --ca pki --server --subject CN=gate.example.org \\
                --san DNS:gate.example.org --san IP:192.0.2.10
              fleetgate ca issue --ca gate/ca --subject CN=phone \\
                --format p12 --passphrase-file phrase.txt

            Writes PREFIX.pem (the certificate and its chain) and PREFIX.key, or PREFIX.p12; only their owner can \
            read them. Existing files are never replaced.
            """)

    enum Format: String, CaseIterable, ExpressibleByArgument {
        case pem
        case p12
    }

    @OptionGroup var authority: CAFolderOptions

    @Option(help: ArgumentHelp("The subject; with --csr, instead of the request's.", valueName: "name"))
    var subject: String?

    @Option(help: ArgumentHelp("A certification request, PEM or DER.", valueName: "file"), completion: .file())
    var csr: String?

    @Flag(help: "With --csr: the alternative names that it asks for.")
    var acceptRequestedNames = false

    @Option(
        help: ArgumentHelp(
            "An alternative name: DNS:…, IP:…, URI:… or email:…; may be repeated.", valueName: "name"))
    var san: [String] = []

    @Flag(help: "A server's certificate, for a gateway or broker; it needs a --san. Default: a device's.")
    var server = false

    @Option(help: "The kind of key to make. Default: p256.")
    var key: KeyTypeArgument?

    @Option(help: ArgumentHelp("How long the certificate is valid, 1 to 36500 days.", valueName: "number"))
    var days = 365

    @Option(help: ArgumentHelp("Where to write, without the ending. Default: the subject's CN.", valueName: "prefix"))
    var out: String?

    @Option(help: "The form to write.")
    var format = Format.pem

    @Option(
        help: ArgumentHelp(
            "A file whose first line is the pass phrase that encrypts the new key or archive.", valueName: "file"),
        completion: .file())
    var passphraseFile: String?

    func validate() throws {
        try ValidityDays.check(days)
        if subject == nil, csr == nil { throw ValidationError("--subject or --csr says whose certificate it is") }
        if csr != nil {
            guard format == .pem, passphraseFile == nil, key == nil else {
                throw ValidationError("with --csr no key is made: no --key, --passphrase-file or --format p12")
            }
        } else if acceptRequestedNames {
            throw ValidationError("--accept-requested-names is for --csr")
        }
        if format == .p12, passphraseFile == nil {
            throw ValidationError("--format p12 needs --passphrase-file: the key in it is encrypted")
        }
        if server, san.isEmpty, !acceptRequestedNames {
            throw ValidationError("--server needs a --san: clients look for the server's name there and nowhere else")
        }
        do {
            if let subject { _ = try SubjectText(parsing: subject) }
            for name in san { _ = try AlternativeNameText.parse(name) }
        } catch {
            throw ValidationError("\(error)")
        }
    }

    func run() throws {
        let folder = try authority.folder()
        let request = try csr.map { try CertificateRequestFile.read($0) }
        let order = try order(request, folder)
        let files = IssuedFiles(prefix: try out ?? IssuedFiles.defaultPrefix(order.subject))
        try files.requireUnused(format == .p12 ? [".p12"] : request == nil ? [".pem", ".key"] : [".pem"])
        let secret = try passphraseFile.map { try BoundedFile.readSecretLine($0) }
        let issuance = try CertificateIssuance(folder: folder, passphrase: try authority.passphrase())
        if let request {
            let signed = try issuance.issue(order, for: request.publicKey)
            print(try files.writeCertificate(signed))
            return
        }
        let issued = try issuance.issue(order, keyType: key?.keyType ?? .p256)
        switch format {
        case .pem:
            let written = try files.writePEM(issued, passphrase: secret)
            print("\(written.certificate)\n\(written.key)")
            if !server { printTrial(written) }
        case .p12:
            let name = order.subject.last { $0.name.uppercased() == "CN" }?.value
            print(try files.writePKCS12(issued, friendlyName: name, passphrase: secret ?? ""))
        }
    }

    private func order(_ request: CertificateRequest?, _ folder: CAFolder) throws -> CertificateOrder {
        var names = try san.map { try AlternativeNameText.parse($0) }
        if let request {
            let wanted = request.alternativeNames.filter { !names.contains($0) }
            if acceptRequestedNames {
                names += wanted
            } else if !wanted.isEmpty {
                Terminal.printError(
                    LogText.visible(
                        "warning: not taken from the request: \(wanted.map(\.text).joined(separator: ", ")) "
                            + "(--accept-requested-names takes them)"))
            }
        }
        guard !server || !names.isEmpty else {
            throw CommandFailure("the request asks for no name, and a server's certificate needs one: use --san")
        }
        let attributes: [(name: String, value: String)]
        if let subject {
            attributes = try SubjectText(parsing: subject).attributes.map { ($0.name, $0.value) }
        } else {
            // What a request wants to be called decides who a device is: somebody has to have said what is right.
            guard server || !folder.settings.subjectPolicy.isEmpty else {
                throw CommandFailure(
                    "this CA has no subject policy, so a request's subject is not taken (hint: --subject, or a CA made "
                        + "with --subject-policy)")
            }
            attributes = request?.subject ?? []
        }
        return CertificateOrder(
            subject: attributes, alternativeNames: names, purpose: server ? .server : .client, days: days)
    }

    private func printTrial(_ files: (certificate: String, key: String)) {
        print(
            """

            To try it, with the gateway's address and a topic that the device's profile allows:
              mosquitto_pub -h localhost -p 8883 --cafile \(shellQuoted(authority.ca + "/ca.pem")) \\
                --cert \(shellQuoted(files.certificate)) --key \(shellQuoted(files.key)) \\
                -q 1 -t TOPIC -m hello
            """)
    }
}

/// A certification request in a file.
enum CertificateRequestFile {
    /// - Throws: ``CommandFailure`` with the file's name, `FileProblem`.
    static func read(_ path: String) throws -> CertificateRequest {
        let contents = try BoundedFile.read(path, bytesMax: CertificateRequest.octetsMax)
        do {
            return try CertificateRequest(contents: contents)
        } catch {
            throw CommandFailure("\(path): \(error.message) (\(error.code))")
        }
    }
}

extension AlternativeName {
    /// As `--san` takes it.
    var text: String {
        switch self {
        case .dns(let name): "DNS:\(name)"
        case .ip(let address): "IP:\(address)"
        case .uri(let uri): "URI:\(uri)"
        case .email(let address): "email:\(address)"
        }
    }
}

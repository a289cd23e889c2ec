import AdminAPI
import ArgumentParser
import DeviceRegistry
import FleetPKI
import FleetPolicy

/// What is pinned: the certificate of a file, or a hash.
struct PinSourceOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("A certificate: PEM, DER or PKCS#12.", valueName: "file"),
        completion: .file(extensions: ["pem", "crt", "cer", "der", "p12", "pfx"]))
    var cert: String?

    @Option(
        help: ArgumentHelp("For PKCS#12: a file whose first line is the pass phrase.", valueName: "file"),
        completion: .file())
    var passphraseFile: String?

    @Option(
        help: ArgumentHelp("The SHA-256 hash itself; colons and case do not matter.", valueName: "hex"))
    var sha256: String?

    @Flag(help: "Pin the public key: a renewed certificate with the same key fits too.")
    var publicKey = false

    var isGiven: Bool { cert != nil || sha256 != nil }

    func validate() throws {
        if cert != nil, sha256 != nil { throw ValidationError("--cert and --sha256 exclude each other") }
        if !isGiven, publicKey || passphraseFile != nil {
            throw ValidationError("--public-key and --passphrase-file need --cert or --sha256")
        }
        if passphraseFile != nil, cert == nil { throw ValidationError("--passphrase-file is for --cert") }
        if let sha256, hash(sha256) == nil {
            throw ValidationError("--sha256 takes 64 hexadecimal digits, with colons or without")
        }
    }

    /// - Throws: ``CommandFailure``, `FileProblem`, `PKIError`.
    func pin() throws -> CertificatePin {
        if let sha256, let pin = hash(sha256) { return pin }
        guard let cert else { throw CommandFailure("--cert or --sha256 has to say what is pinned") }
        let contents = try BoundedFile.read(cert, bytesMax: BoundedFile.pemBytesMax)
        let passphrase = try passphraseFile.map { try BoundedFile.readSecretLine($0) }
        let file: CertificateFile
        do {
            file = try CertificateFile(contents: contents, passphrase: passphrase)
        } catch {
            let hint = error.code == .passphraseRequired ? " (hint: --passphrase-file)" : ""
            throw CommandFailure("\(cert): \(error.message)\(hint)")
        }
        let pin = CertificatePin(kind, sha256: publicKey ? file.publicKeySHA256 : file.certificateSHA256)
        guard let pin else { throw CommandFailure("\(cert): its hash cannot be made") }
        return pin
    }

    private var kind: CertificatePin.Kind { publicKey ? .publicKey : .certificate }

    private func hash(_ text: String) -> CertificatePin? {
        guard text.utf8.count <= 95 else { return nil }
        return HexadecimalText.bytes(text, separator: ":").flatMap { CertificatePin(kind, sha256: $0) }
    }
}

/// `fleetgate device pin`.
struct DevicePinCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pin",
        abstract: "Bind a device to a certificate or a public key.",
        discussion: """
            A device with pins gets in with a certificate that fits one of them and with no other. It may have five, so \
            that old and new are valid while certificates are exchanged. A pinned certificate may be self-signed, or of \
            a CA that the gateway does not know, if the device has a profile.

            Of a PEM file with a chain the first certificate is taken.

            EXAMPLES
              fleetgate device pin -c gate/fleetgate.yaml meter-4711 --cert new.pem
              fleetgate device pin -c gate/fleetgate.yaml meter-4711 \\
                --cert device.p12 --passphrase-file phrase.txt --public-key
              fleetgate device pin -c gate/fleetgate.yaml meter-4711 --sha256 \\
                "$(openssl x509 -in m.pem -outform DER | sha256sum | cut -c-64)"
            """)

    @OptionGroup var gateway: GatewayOptions
    @OptionGroup var source: PinSourceOptions

    @Argument(help: "The device.", transform: DeviceArgument.init(parsing:))
    var device: DeviceArgument

    func validate() throws {
        guard source.isGiven else { throw ValidationError("--cert or --sha256 has to say what is pinned") }
    }

    func run() async throws {
        let pin = try source.pin()
        try await PinChange.run(.pin(device: device.key, pin: pin), device.key, "pinned \(pin)", gateway)
    }
}

/// `fleetgate device unpin`.
struct DeviceUnpinCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unpin",
        abstract: "Take a pin away.",
        discussion: """
            A device without any pin gets in with every certificate that its profile takes. "device show" lists the \
            pins; they are named as with "device pin".

            EXAMPLES
              fleetgate device unpin -c gate/fleetgate.yaml meter-4711 --cert old.pem
              fleetgate device unpin -c gate/fleetgate.yaml meter-4711 --all
            """)

    @OptionGroup var gateway: GatewayOptions
    @OptionGroup var source: PinSourceOptions

    @Flag(help: "Take all pins away.")
    var all = false

    @Argument(help: "The device.", transform: DeviceArgument.init(parsing:))
    var device: DeviceArgument

    func validate() throws {
        guard source.isGiven != all else { throw ValidationError("either --all, or --cert or --sha256") }
    }

    func run() async throws {
        guard all else {
            let pin = try source.pin()
            return try await PinChange.run(
                .unpin(device: device.key, pin: pin), device.key, "no longer pinned \(pin)", gateway)
        }
        try await gateway.withDevices { registry in
            let failed = try await EachDevice([device]).run { key in
                let pins = try await registry.record(.show(device: key)).record.pins
                for pin in pins {
                    let (_, sessionsEnded) = try await registry.record(.unpin(device: key, pin: pin.pin))
                    print(ChangeReport.line(key, "no longer pinned \(pin.pin)", sessionsEnded: sessionsEnded))
                }
            }
            if failed { throw ExitCode.failure }
        }
    }
}

private enum PinChange {
    static func run(_ command: RegistryCommand, _ key: DeviceKey, _ what: String, _ gateway: GatewayOptions)
        async throws
    {
        try await gateway.withDevices { registry in
            let outcome: (record: DeviceRecord, sessionsEnded: Int?)
            do {
                outcome = try await registry.record(command)
            } catch let failure as ControlFailure {
                for line in FailureLines.lines(failure, about: key) { Terminal.printError(line) }
                throw ExitCode.failure
            }
            let count = outcome.record.pins.count
            let total = count == 0 ? "no pins" : count == 1 ? "1 pin" : "\(count) pins"
            print(ChangeReport.line(key, "\(what), \(total) now", sessionsEnded: outcome.sessionsEnded))
        }
    }
}

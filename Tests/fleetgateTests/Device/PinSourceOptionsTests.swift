import ArgumentParser
import FleetPKI
import FleetPolicy
import Testing

@testable import fleetgate

@Suite struct PinSourceOptionsTests {
    private func options(_ arguments: [String]) throws -> PinSourceOptions {
        try PinSourceOptions.parse(arguments)
    }

    @Test(arguments: ["pem", "der", "p12"]) func everyFormOfACertificateGivesTheSamePins(form: String) throws {
        let gate = try Gate()
        let issued = try gate.root.issue(CertificateTemplate(subject: [("CN", "m1")]))
        let contents: [UInt8] =
            switch form {
            case "pem": Array(issued.chainPEM.utf8)
            case "der": issued.certificateDER
            case _: try PKCS12.archive(issued, passphrase: "phrase", iterations: 1)
            }
        let file = try gate.folder.write(contents, to: "device." + form)
        let phrase = try gate.folder.write("phrase\n", to: "phrase.txt")
        let arguments = ["--cert", file] + (form == "p12" ? ["--passphrase-file", phrase] : [])
        let pin = try options(arguments).pin()
        #expect(pin.description == "certificate:" + issued.sha256Fingerprint)
        let key = try options(arguments + ["--public-key"]).pin()
        #expect(key.kind == .publicKey)
        #expect(key.sha256 != pin.sha256)
        let given = try options(["--sha256", issued.sha256Fingerprint.uppercased()]).pin()
        #expect(given == pin)
    }

    @Test func aRenewedCertificateHasTheSamePublicKey() throws {
        let gate = try Gate()
        let key = try KeyPair.generate()
        let files = try ["a", "b"].map { name in
            let signed = try gate.root.issue(CertificateTemplate(subject: [("CN", name)]), for: key.publicKey)
            return try gate.folder.write(signed.certificatePEM, to: name + ".pem")
        }
        let pins = try files.map { try options(["--cert", $0, "--public-key"]).pin() }
        #expect(pins[0] == pins[1])
        let certificates = try files.map { try options(["--cert", $0]).pin() }
        #expect(certificates[0] != certificates[1])
    }

    @Test(arguments: [
        ("", "no certificate"), ("hello", "text"), ("-----BEGIN CERTIFICATE-----\n", "cut off"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "no certificate in it"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "a key"),
        ("\u{30}\u{03}\u{02}\u{01}\u{01}", "DER"),
    ])
    func whatIsNoCertificateIsRefused(contents: String, name: String) throws {
        let folder = try TemporaryFolder()
        let file = try folder.write(contents, to: "x.pem")
        let error = #expect(throws: CommandFailure.self) { try options(["--cert", file]).pin() }
        #expect(error?.description.hasPrefix(file) == true, "\(name)")
    }

    @Test func anArchiveNeedsItsOwnPassphrase() throws {
        let gate = try Gate()
        let archive = try PKCS12.archive(
            try gate.root.issue(CertificateTemplate(subject: [("CN", "m1")])), passphrase: "phrase", iterations: 1)
        let file = try gate.folder.write(archive, to: "d.p12")
        let error = #expect(throws: CommandFailure.self) { try options(["--cert", file]).pin() }
        #expect(error?.description.contains("--passphrase-file") == true)
        let wrong = try gate.folder.write("other\n", to: "wrong.txt")
        #expect(throws: CommandFailure.self) { try options(["--cert", file, "--passphrase-file", wrong]).pin() }
        let open = try gate.folder.write("phrase\n", to: "open.txt", mode: 0o644)
        #expect(throws: FileProblem.self) { try options(["--cert", file, "--passphrase-file", open]).pin() }
    }
}

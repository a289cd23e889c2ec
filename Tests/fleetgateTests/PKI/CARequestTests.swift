import ArgumentParser
import FleetPKI
import FleetPolicy
import Foundation
import Testing

@testable import fleetgate

@Suite struct CARequestTests {
    private static let policy = ["--subject-policy", "O=Elbe,CN=*"]

    private func inspection(_ fixture: CAFixture, _ name: String) throws -> CertificateInspection {
        try CertificateFile(contents: Array(fixture.folder.text(name + ".pem").utf8)).inspection
    }

    @Test func aRequestsSubjectIsTakenIfThePolicyAllowsIt() async throws {
        let fixture = try CAFixture(Self.policy)
        let csr = try await fixture.request("r", subject: "/O=Elbe/CN=m", names: "DNS:bank.example")
        try fixture.issue("a", ["--csr", csr, "--san", "URI:urn:m"])
        let issued = try inspection(fixture, "a")
        #expect(issued.subject == "CN=m,O=Elbe")
        #expect(issued.alternativeNames.map(\.value) == ["urn:m"], "what was not allowed is not taken")
        #expect(!FileManager.default.fileExists(atPath: fixture.path("a.key")))
        #expect(try await fixture.verify("a").status == 0)
        try fixture.issue("b", ["--csr", csr, "--accept-requested-names"])
        #expect(try inspection(fixture, "b").alternativeNames.map(\.value) == ["bank.example"])
    }

    @Test func anotherSubjectIsRefusedAndMayBeReplaced() async throws {
        let fixture = try CAFixture(Self.policy)
        let csr = try await fixture.request("r", subject: "/O=Other/CN=m")
        let error = #expect(throws: CommandFailure.self) { try fixture.issue("a", ["--csr", csr]) }
        #expect(error?.description.contains("Elbe") == true)
        try fixture.issue("a", ["--csr", csr, "--subject", "O=Elbe,CN=replaced"])
        #expect(try inspection(fixture, "a").subject == "CN=replaced,O=Elbe")
        #expect(throws: CommandFailure.self) { try fixture.issue("b", ["--csr", csr, "--subject", "CN=replaced"]) }
    }

    @Test func withoutAPolicyARequestDoesNotNameItself() async throws {
        let fixture = try CAFixture()
        let csr = try await fixture.request("r", subject: "/CN=m")
        #expect(throws: CommandFailure.self) { try fixture.issue("a", ["--csr", csr]) }
        try fixture.issue("a", ["--csr", csr, "--subject", "CN=m"])
    }

    @Test func withoutPossessionThereIsNoCertificate() async throws {
        let fixture = try CAFixture(Self.policy)
        let csr = try await fixture.request("r", subject: "/O=Elbe/CN=m")
        let der = try await runProgram(["openssl", "req", "-in", csr, "-outform", "DER", "-out", csr + ".der"])
        #expect(der.status == 0)
        var octets = Array(try Data(contentsOf: URL(fileURLWithPath: csr + ".der")))
        octets[octets.count - 1] ^= 1
        let forged = try fixture.folder.write(octets, to: "forged.csr")
        let error = #expect(throws: CommandFailure.self) { try fixture.issue("a", ["--csr", forged]) }
        #expect(error?.description.contains("csr-signature-invalid") == true)
        for text in ["", "x", "-----BEGIN CERTIFICATE REQUEST-----\nAA==\n-----END CERTIFICATE REQUEST-----\n"] {
            let broken = try fixture.folder.write(text, to: "broken.csr")
            #expect(throws: CommandFailure.self) { try fixture.issue("a", ["--csr", broken]) }
        }
        #expect(try fixture.contents().certificates.isEmpty)
    }

    @Test func aKeyThatNoGatewayTakesIsRefused() async throws {
        let fixture = try CAFixture()
        let made = try await runProgram([
            "openssl", "req", "-new", "-nodes", "-newkey", "ed25519", "-keyout", fixture.path("k"), "-out",
            fixture.path("r.csr"), "-subj", "/CN=m",
        ])
        #expect(made.status == 0)
        #expect(throws: CommandFailure.self) {
            try fixture.issue("a", ["--csr", fixture.path("r.csr"), "--subject", "CN=m"])
        }
    }

    @Test func thePolicyIsOfDevicesAndNotOfServers() throws {
        let fixture = try CAFixture(Self.policy)
        #expect(throws: CommandFailure.self) { try fixture.issue("a", ["--subject", "CN=gate"]) }
        try fixture.issue("a", ["--subject", "CN=gate", "--server", "--san", "DNS:gate.example", "--key", "rsa2048"])
        let issued = try inspection(fixture, "a")
        #expect(issued.extendedKeyUsage == ["serverAuth"] && issued.keyType == "RSA")
    }

    @Test func aNewKeyIsEncryptedWithThePassPhrase() throws {
        let fixture = try CAFixture()
        let phrase = try fixture.folder.write("horse\n", to: "phrase")
        try fixture.issue("a", ["--passphrase-file", phrase])
        #expect(try PrivateKeyPEM.isEncrypted(fixture.folder.text("a.key")))
        _ = try KeyPair(pem: fixture.folder.text("a.key"), passphrase: "horse")
        let empty = try fixture.folder.write("\n", to: "empty")
        #expect(throws: (any Error).self) { try fixture.issue("b", ["--passphrase-file", empty]) }
        #expect(!FileManager.default.fileExists(atPath: fixture.path("b.key")))
        let open = try fixture.folder.write("horse\n", to: "open", mode: 0o644)
        #expect(throws: FileProblem.self) { try fixture.issue("c", ["--passphrase-file", open]) }
    }

    @Test(arguments: [
        [], ["--csr", "r", "--key", "p256"], ["--csr", "r", "--passphrase-file", "x"],
        ["--csr", "r", "--format", "p12", "--passphrase-file", "x"], ["--subject", "CN=a", "--accept-requested-names"],
        ["--subject", "CN=a", "--server"], ["--csr", "r", "--server"], ["--subject", "CN=a", "--key", "ed25519"],
    ])
    func aWrongCommandLineIsRefused(arguments: [String]) {
        let error = #expect(throws: (any Error).self) { try CAIssueCommand.parse(["--ca", "x"] + arguments) }
        #expect(error.map { CAIssueCommand.exitCode(for: $0).rawValue } == 64)
    }

    @Test func aGatewayUsesAPKIThatIsThere() throws {
        let fixture = try CAFixture()
        let gate = fixture.path("gate")
        try InitCommand.parse([gate, "--ca", fixture.ca, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]).run()
        #expect(!FileManager.default.fileExists(atPath: gate + "/ca"))
        let server = try CertificateFile(contents: Array(fixture.folder.text("gate/server.pem").utf8)).inspection
        #expect(server.issuer == "CN=FleetGate Issuing CA" && server.extendedKeyUsage == ["serverAuth"])
        #expect(try fixture.contents().certificates.map(\.purpose) == [.server])
        switch LoadedConfiguration.load(gate + "/fleetgate.yaml", environment: [:]) {
        case .success(let loaded): #expect(loaded.warnings.isEmpty, "\(loaded.warnings)")
        case .failure(let all): Issue.record("\(all.mistakes)")
        }
        #expect(throws: (any Error).self) { try InitCommand.parse([gate, "--ca-passphrase-file", "x"]) }
        #expect(throws: CommandFailure.self) {
            try InitCommand.parse([fixture.path("other"), "--ca", fixture.path("none")]).run()
        }
        #expect(!FileManager.default.fileExists(atPath: fixture.path("other")))
    }
}

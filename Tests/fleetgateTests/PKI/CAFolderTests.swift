import ArgumentParser
import FleetPKI
import Foundation
import Testing

@testable import fleetgate

@Suite struct CAFolderTests {
    @Test func aFolderHasTwoCAsAndEmptyLists() async throws {
        let fixture = try CAFixture(["--name", "Elbe", "--organization", "Elbe Netz", "--key", "p384"])
        for name in ["root.key", "issuing.key", "certificates.jsonl"] where name != "certificates.jsonl" {
            #expect(try fixture.folder.mode("pki/" + name) == 0o600)
        }
        #expect(try fixture.folder.mode("pki") == 0o700)
        #expect(try fixture.folder.text("pki/ca.pem") == fixture.folder.text("pki/root.pem"))
        #expect(try fixture.lists().map(\.number) == [1, 1])
        #expect(try fixture.lists().allSatisfy { $0.revoked.isEmpty })
        let authorities = try CAFolder(at: fixture.ca).authorities().map(\.inspection)
        #expect(authorities.map(\.subject) == ["CN=Elbe Issuing CA,O=Elbe Netz", "CN=Elbe Root CA,O=Elbe Netz"])
        #expect(authorities.map(\.maxPathLength) == [0, 1] && authorities.allSatisfy { $0.keyType == "EC P-384" })
        try fixture.issue("a")
        let verified = try await fixture.verify("a")
        #expect(verified.status == 0, "\(verified.output)")
    }

    @Test func aSingleCADoesBoth() async throws {
        let fixture = try CAFixture(["--single"])
        #expect(!FileManager.default.fileExists(atPath: fixture.ca + "/issuing.pem"))
        try fixture.issue("a")
        try fixture.issue("b")
        try fixture.revoke([fixture.path("a.pem")])
        #expect(try fixture.lists().count == 1)
        #expect(try await fixture.verify("b").status == 0)
        #expect(try await fixture.verify("a").output.contains("certificate revoked"))
        #expect(throws: CommandFailure.self) { try fixture.publish(["--root"]) }
    }

    @Test func aFolderOfInitIsACAToo() async throws {
        let gate = try Gate()
        let ca = gate.folder.path + "/gate/ca"
        let prefix = gate.folder.path + "/a"
        try CAIssueCommand.parse(["--ca", ca, "--subject", "CN=a", "--out", prefix]).run()
        try CARevokeCommand.parse(["--ca", ca, prefix + ".pem"]).run()
        let verified = try await runProgram([
            "openssl", "verify", "-crl_check", "-CAfile", ca + "/ca.pem", "-CRLfile", ca + "/crl.pem", prefix + ".pem",
        ])
        #expect(verified.output.contains("certificate revoked"))
    }

    @Test func encryptedKeysTakeTheirPassPhrase() throws {
        let scratch = try TemporaryFolder()
        let right = try scratch.write("horse\n", to: "right")
        let wrong = try scratch.write("cow\n", to: "wrong")
        let fixture = try CAFixture(["--passphrase-file", right])
        for key in ["root.key", "issuing.key"] {
            #expect(try PrivateKeyPEM.isEncrypted(fixture.folder.text("pki/" + key)))
        }
        let missing = #expect(throws: CommandFailure.self) { try fixture.issue("a") }
        #expect(missing?.description.contains("--ca-passphrase-file") == true)
        #expect(throws: CommandFailure.self) { try fixture.issue("a", ["--ca-passphrase-file", wrong]) }
        #expect(!FileManager.default.fileExists(atPath: fixture.path("a.key")))
        #expect(try fixture.contents().certificates.isEmpty)
        try fixture.issue("a", ["--ca-passphrase-file", right])
        #expect(throws: CommandFailure.self) { try fixture.revoke([fixture.path("a.pem")]) }
        #expect(try fixture.contents().revoked.isEmpty)
        try fixture.revoke([fixture.path("a.pem"), "--ca-passphrase-file", right])
    }

    @Test func aRootsKeyMayBeAway() throws {
        let fixture = try CAFixture()
        try FileManager.default.removeItem(atPath: fixture.ca + "/root.key")
        try fixture.issue("a")
        try fixture.publish()
        let error = #expect(throws: CommandFailure.self) { try fixture.publish(["--root"]) }
        #expect(error?.description.contains("root.key") == true)
        #expect(try fixture.lists().map(\.number) == [2, 1])
    }

    @Test func nothingIsWrittenOver() throws {
        let fixture = try CAFixture()
        #expect(throws: NewDirectory.Failure.self) { try CAInitCommand.parse([fixture.ca]).run() }
    }

    @Test func whatIsNoFolderOfACAIsRefused() throws {
        let scratch = try TemporaryFolder()
        #expect(throws: CommandFailure.self) { try CAFolder(at: scratch.path) }
        #expect(throws: CommandFailure.self) { try CAFolder(at: scratch.path + "/none") }
        let fixture = try CAFixture()
        for text in ["", "{", "[]", "{\"subject-policy\": 1}", String(repeating: " ", count: 70_000)] {
            try fixture.folder.write(text, to: "pki/ca.json")
            #expect(throws: (any Error).self) { try CAFolder(at: fixture.ca) }
        }
    }

    @Test(arguments: [
        [], ["a", "b"], ["a", "--key", "ed25519"], ["a", "--key", "rsa1024"], ["a", "--root-years", "0"],
        ["a", "--root-years", "51"], ["a", "--issuing-years", "21"], ["a", "--name", ""],
        ["a", "--name", String(repeating: "n", count: 54)], ["a", "--organization", ""],
        ["a", "--subject-policy", "O"], ["a", "--subject-policy", ""], ["a", "--subject-policy", "O=a+CN=*"],
        ["a", "--crl-url", "ftp://x"], ["a", "--crl-url", "http://"], ["a", "--crl-url", "http://a b"],
        ["a", "--crl-url", "http://ä"], ["a", "--crl-url", "http://" + String(repeating: "a", count: 1020)],
    ])
    func aWrongCommandLineIsRefused(arguments: [String]) {
        let error = #expect(throws: (any Error).self) { try CAInitCommand.parse(arguments) }
        #expect(error.map { CAInitCommand.exitCode(for: $0).rawValue } == 64)
    }

    @Test func allMistakesAreSaidAtOnce() {
        let error = #expect(throws: (any Error).self) {
            try CAInitCommand.parse(["a", "--name", "", "--root-years", "0", "--subject-policy", "x"])
        }
        let text = error.map { CAInitCommand.fullMessage(for: $0) } ?? ""
        for part in ["--name", "--root-years", "--subject-policy"] { #expect(text.contains(part), "\(text)") }
    }
}

@Suite struct CARecordTests {
    @Test(arguments: ["x", "{}", "{\"issued\":{}}", "{\"revoked\":{\"_0\":{}}}", "null", "{\"other\":{\"_0\":{}}}"])
    func aBrokenLineIsNamed(line: String) throws {
        let fixture = try CAFixture()
        try fixture.issue("a")
        let record = fixture.ca + "/certificates.jsonl"
        let text = try String(contentsOfFile: record, encoding: .utf8)
        try (text + line + "\n").write(toFile: record, atomically: true, encoding: .utf8)
        let error = #expect(throws: CommandFailure.self) { try fixture.contents() }
        #expect(error?.description.contains("certificates.jsonl:2:") == true)
        #expect(throws: CommandFailure.self) { try fixture.revoke(["--serial", "0a"]) }
        #expect(throws: CommandFailure.self) { try fixture.publish() }
        #expect(try fixture.lists().map(\.number) == [1, 1])
    }

    @Test func whatIsIssuedIsNotedAndKept() throws {
        let fixture = try CAFixture(["--crl-url", "http://pki.example/crl.pem"])
        try fixture.issue("a", ["--san", "URI:urn:a", "--days", "30"])
        let noted = try #require(try fixture.contents().certificates.first)
        let file = try CertificateFile(contents: Array(fixture.folder.text("a.pem").utf8)).inspection
        #expect(noted.serial == file.serialNumber && noted.sha256 == file.sha256Fingerprint)
        #expect(noted.subject == "CN=a" && noted.names == ["uri:urn:a"] && noted.purpose == .client)
        #expect(abs(noted.notAfter.timeIntervalSince(file.notAfter)) < 1)
        #expect(file.crlDistributionPoints == ["http://pki.example/crl.pem"])
        #expect(try fixture.folder.text("pki/issued/\(noted.serial).pem") == fixture.folder.text("a.pem"))
        #expect(try fixture.folder.mode("pki/certificates.jsonl") == 0o600)
    }

    @Test func aRevocationThatIsThereTwiceCountsOnce() throws {
        let fixture = try CAFixture()
        let folder = try CAFolder(at: fixture.ca)
        let first = Date(timeIntervalSince1970: 1_700_000_000)
        try folder.exclusively { record in
            try record.append([
                .revoked(.init(serial: "0a", reason: "keyCompromise", at: first)),
                .revoked(.init(serial: "0a", reason: nil, at: Date())),
            ])
        }
        try fixture.publish()
        let entry = try #require(try fixture.lists().first?.revoked.first)
        #expect(entry.revokedAt == first && entry.reason == .keyCompromise)
    }

    @Test func twoAtATimeDoNotMix() async throws {
        let fixture = try CAFixture()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<8 {
                group.addTask {
                    try fixture.issue("d\(number)")
                    try fixture.revoke([fixture.path("d\(number).pem")])
                }
            }
            try await group.waitForAll()
        }
        let contents = try fixture.contents()
        #expect(contents.certificates.count == 8 && contents.revoked.count == 8 && contents.lastNumber == 9)
        #expect(try fixture.lists().first?.number == 9)
        #expect(try fixture.lists().first?.revoked.count == 8)
    }

    @Test func statesAreTold() throws {
        let fixture = try CAFixture()
        for name in ["valid", "revoked", "expired", "renewed"] {
            try fixture.issue(name, ["--days", name == "expired" ? "1" : "40"])
        }
        try fixture.revoke([fixture.path("revoked.pem"), "--reason", "SUPERSEDED"])
        try fixture.renew([fixture.path("renewed.pem")])
        let later = Date() + 2 * 86_400
        func subjects(_ arguments: [String]) throws -> [String] {
            try CAListCommand.parse(["--ca", fixture.ca] + arguments)
                .wanted(fixture.contents().certificates, now: later).map(\.subject)
        }
        #expect(try subjects([]).count == 5)
        #expect(try subjects(["--state", "valid"]) == ["CN=valid", "CN=renewed"])
        #expect(try subjects(["--state", "revoked"]) == ["CN=revoked"])
        #expect(try subjects(["--state", "expired"]) == ["CN=expired"])
        #expect(try subjects(["--state", "renewed"]) == ["CN=renewed"])
        #expect(try subjects(["--expiring-within", "39d"]) == ["CN=valid"])
        #expect(try subjects(["--expiring-within", "30d"]).isEmpty)
        #expect(try fixture.contents().certificates[1].reason == "superseded")
        try CAListCommand.parse(["--ca", fixture.ca, "--json"]).run()
        #expect(throws: (any Error).self) {
            try CAListCommand.parse(["--ca", fixture.ca, "--state", "revoked", "--expiring-within", "3d"])
        }
        #expect(throws: (any Error).self) { try CAListCommand.parse(["--ca", fixture.ca, "--state", "gone"]) }
    }
}

@Suite struct SubjectPolicyTests {
    private static let subject = [(name: "O", value: "Elbe Netz"), (name: "OU", value: "a"), (name: "CN", value: "m")]

    @Test(arguments: ["O=Elbe Netz,OU=*,CN=*", "o=Elbe Netz,ou=a,cn=m", "O=*,OU=*,CN=*"])
    func whatFitsPasses(policy: String) throws {
        #expect(try SubjectPolicy(parsing: policy).objection(to: Self.subject) == nil)
    }

    @Test(arguments: [
        "O=Elbe Netz,CN=*", "O=Elbe Netz,OU=*,CN=*,CN=*", "OU=*,O=Elbe Netz,CN=*", "O=elbe netz,OU=*,CN=*",
        "O=Elbe Netz,OU=b,CN=*", "O=Elbe Netz,OU=*,serialNumber=*", "O=Elbe Net,OU=*,CN=*", "CN=*",
    ])
    func whatDoesNotFitIsObjectedTo(policy: String) throws {
        #expect(try SubjectPolicy(parsing: policy).objection(to: Self.subject) != nil)
    }

    @Test(arguments: ["a\nb", "\u{0}", "a\u{7F}", "a\u{85}b"])
    func controlCharactersAreNobodysName(value: String) throws {
        #expect(try SubjectPolicy(parsing: "CN=*").objection(to: [("CN", value)]) != nil)
    }

    @Test(arguments: ["", "CN", "CN=", "=a", "CN=a+O=b", "CN=a,,O=b", "CN=#00"])
    func whatIsNoPolicyIsRefused(text: String) {
        #expect(throws: SubjectPolicy.Mistake.self) { try SubjectPolicy(parsing: text) }
    }
}

import ArgumentParser
import FleetPKI
import Foundation
import Testing

@testable import fleetgate

@Suite struct CAIssueCommandTests {
    let folder: TemporaryFolder
    let ca: String

    init() throws {
        folder = try TemporaryFolder()
        ca = folder.path + "/gate/ca"
        try DevelopmentSetup(names: [], addresses: [], listen: "127.0.0.1:0", admin: "127.0.0.1:0")
            .write(to: folder.path + "/gate")
    }

    func issue(_ arguments: [String]) throws {
        let command = try CAIssueCommand.parse(["--ca", ca] + arguments)
        try command.run()
    }

    @Test func aDevicesCertificateIsVerifiedByOpenSSL() async throws {
        let prefix = folder.path + "/out/meter"
        try issue([
            "--subject", "O=Elbe Netz,OU=site-7,CN=meter\\, 42", "--san", "URI:urn:meter:42", "--san", "IP:192.0.2.7",
            "--days", "30", "--out", prefix,
        ])
        let verified = try await runProgram([
            "openssl", "verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", ca + "/ca.pem", prefix + ".pem",
        ])
        #expect(verified.status == 0, "\(verified.output)")
        let text = try await runProgram([
            "openssl", "x509", "-in", prefix + ".pem", "-noout", "-subject", "-nameopt", "RFC2253", "-ext",
            "subjectAltName,extendedKeyUsage",
        ])
        #expect(text.output.contains("subject=CN=meter\\, 42,OU=site-7,O=Elbe Netz"))
        #expect(text.output.contains("URI:urn:meter:42, IP Address:192.0.2.7"))
        #expect(text.output.contains("TLS Web Client Authentication"))
        let end = try await runProgram([
            "openssl", "x509", "-in", prefix + ".pem", "-noout", "-checkend", "\(31 * 86_400)",
        ])
        #expect(end.status == 1)
        #expect(try folder.mode("out") == 0o700)
        #expect(try folder.mode("out/meter.pem") == 0o600)
        #expect(try folder.mode("out/meter.key") == 0o600)
        let key = try await runProgram(["openssl", "pkey", "-in", prefix + ".key", "-pubout"])
        let ofCertificate = try await runProgram(["openssl", "x509", "-in", prefix + ".pem", "-noout", "-pubkey"])
        #expect(key.output == ofCertificate.output && key.status == 0)
    }

    @Test func aPKCS12ArchiveIsOpenedByOpenSSL() async throws {
        let prefix = folder.path + "/phone"
        try folder.write("correct horse\n", to: "phrase")
        try issue([
            "--subject", "CN=phone", "--format", "p12", "--passphrase-file", folder.path + "/phrase", "--out", prefix,
        ])
        #expect(try folder.mode("phone.p12") == 0o600)
        let opened = try await runProgram([
            "openssl", "pkcs12", "-in", prefix + ".p12", "-noenc", "-passin", "file:\(folder.path)/phrase",
        ])
        #expect(opened.status == 0)
        #expect(opened.output.contains("BEGIN PRIVATE KEY") && opened.output.contains("friendlyName: phone"))
        let wrong = try await runProgram(["openssl", "pkcs12", "-in", prefix + ".p12", "-noenc", "-passin", "pass:x"])
        #expect(wrong.status != 0)
    }

    @Test func existingFilesAreNeverReplaced() throws {
        let prefix = folder.path + "/d"
        try issue(["--subject", "CN=d", "--out", prefix])
        let key = try folder.text("d.key")
        let certificate = try folder.text("d.pem")
        #expect(throws: CommandFailure.self) { try issue(["--subject", "CN=d", "--out", prefix]) }
        #expect(try folder.text("d.key") == key)
        #expect(try folder.text("d.pem") == certificate)
        try FileManager.default.removeItem(atPath: prefix + ".key")
        #expect(throws: CommandFailure.self) { try issue(["--subject", "CN=d", "--out", prefix]) }
        #expect(!FileManager.default.fileExists(atPath: prefix + ".key"))
    }

    @Test(arguments: [
        ["--subject", "CN"], ["--subject", "CN=a", "--days", "0"], ["--subject", "CN=a", "--days", "36501"],
        ["--subject", "CN=a", "--days", "x"], ["--subject", "CN=a", "--san", "a b"],
        ["--subject", "CN=a", "--format", "der"],
        ["--subject", "CN=a", "--format", "p12"], [],
        ["--subject", "CN=a", "extra"],
    ])
    func aWrongCommandLineIsRefusedWithStatus64(arguments: [String]) {
        let error = #expect(throws: (any Error).self) { try CAIssueCommand.parse(["--ca", ca] + arguments) }
        #expect(error.map { CAIssueCommand.exitCode(for: $0).rawValue } == 64)
    }

    @Test(arguments: ["X=a", "C=Germany", "CN=\(String(repeating: "a", count: 65))"])
    func aSubjectThatNoCertificateCanHaveIsRefused(subject: String) {
        #expect(throws: PKIError.self) { try issue(["--subject", subject, "--out", folder.path + "/x"]) }
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/x.key"))
    }

    @Test func anOpenCAKeyIsRefused() throws {
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: ca + "/ca.key")
        let error = #expect(throws: FileProblem.self) {
            try issue(["--subject", "CN=a", "--out", folder.path + "/x"])
        }
        #expect(error?.reason == .tooOpen)
    }

    @Test(arguments: [
        ("CN=meter-1", "meter-1"), ("O=x,CN=a b/c", "a_b_c"), ("CN=../../etc", "_.._.._etc"), ("CN=-rf", "_-rf"),
        ("CN=.hidden", "_.hidden"), ("CN=ü", "_"),
    ])
    func filesAreNamedAfterTheCNWithoutHarm(subject: String, prefix: String) throws {
        let attributes = try SubjectText(parsing: subject).attributes.map { (name: $0.name, value: $0.value) }
        #expect(try IssuedFiles.defaultPrefix(attributes) == prefix)
    }

    @Test func withoutACNThereIsNoName() throws {
        #expect(throws: CommandFailure.self) { try IssuedFiles.defaultPrefix([("O", "a")]) }
    }

    @Test(arguments: [
        ("a", "a"), ("a b", "'a b'"), ("it's", "'it'\\''s'"), ("", "''"), ("$(x)", "'$(x)'"), ("a/b-c.d", "a/b-c.d"),
    ])
    func argumentsAreQuotedForAShell(argument: String, quoted: String) {
        #expect(shellQuoted(argument) == quoted)
    }
}

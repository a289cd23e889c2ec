import ArgumentParser
import FleetPKI
import FleetPolicy
import Foundation
import Gateway
import Logging
import TestKit
import Testing

@testable import fleetgate

/// `openssl ocsp` as a responder, over HTTP, on a port that the system chose.
private final class OpenSSLResponder: Sendable {
    let port: Int
    private let process: RunningProcess

    /// - Parameter folder: With `ca.pem`, `ca.key` and `index.txt`.
    init(folder: String) async throws {
        process = try RunningProcess(
            "openssl",
            [
                "ocsp", "-index", "index.txt", "-port", "0", "-CA", "ca.pem", "-rsigner", "ca.pem", "-rkey", "ca.key",
                "-nmin", "10",
            ], folder: folder)
        // "ACCEPT [::]:12345 PID=1"
        let line = try await process.line("where it listens") { $0.contains(" PID=") }
        port = try #require(line.prefixMatch(of: #/ACCEPT \S*:(\d+) PID=/#).flatMap { Int($0.1) })
    }

    /// With SIGKILL: it waits for connections in a way that SIGTERM does not end.
    func kill() { process.signal(SIGKILL) }

    func ended() async throws { try await process.finished() }
}

@Suite struct OCSPEndToEndTests {
    private let folder: TemporaryFolder
    private let root: CertificateAuthority
    private let leaf: IssuedCertificate

    init() throws {
        folder = try TemporaryFolder()
        root = try CertificateAuthority.makeDevelopmentRoot()
        leaf = try root.issue(.init(subject: [("CN", "meter-1")]))
        try folder.write(root.certificatePEM, to: "ca.pem")
        try folder.write(root.privateKeyPEM, to: "ca.key")
        try folder.write(leaf.certificatePEM, to: "leaf.pem")
    }

    private func index(_ state: String) throws {
        try folder.write(
            "\(state)\t\(leaf.serialNumber.uppercased())\tunknown\t/CN=meter-1\n", to: "index.txt")
    }

    private func client(_ address: String) async throws -> (OCSPClient, RevocationQuestion) {
        let der = try CertificateFile(contents: Array(root.certificatePEM.utf8)).der
        let client = OCSPClient(logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let bundle = OCSPSettings.Bundle(policy: .hardFail, responder: address, nonce: .required, digest: .sha256)
        await client.adopt(OCSPSettings(bundles: ["field": bundle]), anchors: [[1]: "field"], authorities: [])
        let issuer = try #require(AuthorityID(try AuthorityIDs.id(ofCertificateDER: der)))
        let serialNumber = try #require(HexadecimalText.bytes(leaf.serialNumber))
        return (
            client,
            RevocationQuestion(
                certificate: CertificateID(issuer: issuer, serialNumber: serialNumber), issuer: der, rule: .hardFail,
                trustAnchorSHA256: [1])
        )
    }

    @Test func asksARealResponder() async throws {
        for (state, expected) in [
            ("V\t351231235959Z\t", OCSPStanding.good),
            (
                "R\t351231235959Z\t200102030405Z,superseded",
                .revoked(Revocation(source: .ocsp, reason: .superseded, revokedAt: 1_577_934_245))
            ),
        ] {
            try index(state)
            let responder = try await OpenSSLResponder(folder: folder.path)
            defer { responder.kill() }
            let (client, question) = try await client("http://127.0.0.1:\(responder.port)/")
            #expect(await client.standing(of: question, certificate: leaf.certificateDER) == expected)
        }
    }

    @Test func hasNoAnswerWhereNobodyListens() async throws {
        try index("V\t351231235959Z\t")
        let responder = try await OpenSSLResponder(folder: folder.path)
        responder.kill()
        try await responder.ended()
        let (client, question) = try await client("http://127.0.0.1:\(responder.port)/")
        guard case .unavailable(let detail) = await client.standing(of: question, certificate: []) else {
            Issue.record("an answer")
            return
        }
        #expect(detail.contains("cannot-connect"))
    }

    @Test func theCommandPrintsWhatItIsTold() async throws {
        try index("V\t351231235959Z\t")
        let responder = try await OpenSSLResponder(folder: folder.path)
        defer { responder.kill() }
        let command = try OCSPCheckCommand.parse([
            "--cert", folder.path + "/leaf.pem", "--issuer", folder.path + "/ca.pem", "--url",
            "http://127.0.0.1:\(responder.port)/", "--nonce", "required",
        ])
        try await command.run()
        let named = try OCSPCheckCommand.parse([
            "--cert", folder.path + "/leaf.pem", "--issuer", folder.path + "/ca.pem",
        ])
        await #expect(throws: CommandFailure.self) { try await named.run() }
        let swapped = try OCSPCheckCommand.parse([
            "--cert", folder.path + "/ca.pem", "--issuer", folder.path + "/leaf.pem", "--url", "http://127.0.0.1:1/",
        ])
        await #expect(throws: CommandFailure.self) { try await swapped.run() }
    }

    @Test func theCommandLineIsChecked() {
        for arguments in [
            [], ["--cert", "a"], ["--cert", "a", "--issuer", "b", "--nonce", "maybe"],
            ["--cert", "a", "--issuer", "b", "--digest", "md5"], ["--cert", "a", "--issuer", "b", "--timeout", "0"],
            ["--cert", "a", "--issuer", "b", "--url", "ldap://x/"],
        ] {
            #expect(throws: (any Error).self) { try OCSPCheckCommand.parse(arguments) }
        }
    }

    @Test func reportsARevocation() throws {
        let now = Int64(Date().timeIntervalSince1970)
        let der = try CertificateFile(contents: Array(root.certificatePEM.utf8)).der
        let issuer = try OCSPIssuer(der: der)
        let id = OCSPCertificateID(issuer: issuer, serialNumber: [5])
        let response = try OCSPResponseTemplate(
            singles: [
                .init(certificate: id, status: .revoked(at: 0, reason: 1), thisUpdate: now, nextUpdate: nil)
            ], producedAt: now, responder: root.certificate
        ).der(signedBy: root.key)
        let answer = try OCSPResponse(der: response).verify(
            issuer: issuer, serialNumber: [5], nonce: nil, terms: OCSPTerms(), now: now)
        let report = OCSPCheckReport(
            answer, certificate: try CertificateInspection(der: leaf.certificateDER), responder: "http://a/")
        #expect(report.status == .revoked)
        #expect(report.text.contains("Revoked        1970-01-01T00:00:00Z, keyCompromise"))
        #expect(report.text.contains("(at any time)"))
        #expect(report.text.contains("the issuer itself"))
    }
}

import ArgumentParser
import FleetPKI
import Foundation
import Testing

@testable import fleetgate

/// A CA's folder of a test's own, and the commands on it.
struct CAFixture {
    let folder: TemporaryFolder
    var ca: String { folder.path + "/pki" }

    init(_ options: [String] = []) throws {
        folder = try TemporaryFolder()
        try CAInitCommand.parse([folder.path + "/pki"] + options).run()
    }

    func path(_ name: String) -> String { folder.path + "/" + name }

    /// - Returns: The path without its ending.
    @discardableResult
    func issue(_ name: String, _ options: [String] = []) throws -> String {
        let subject = options.contains("--subject") || options.contains("--csr") ? [] : ["--subject", "CN=\(name)"]
        try CAIssueCommand.parse(["--ca", ca, "--out", path(name)] + subject + options).run()
        return path(name)
    }

    func revoke(_ arguments: [String]) throws {
        try CARevokeCommand.parse(["--ca", ca] + arguments).run()
    }

    func publish(_ arguments: [String] = []) throws {
        try CAListPublicationCommand.parse(["--ca", ca] + arguments).run()
    }

    func renew(_ arguments: [String]) throws {
        try CARenewCommand.parse(["--ca", ca] + arguments).run()
    }

    func contents() throws -> CARecord.Contents { try CAFolder(at: ca).record().contents() }

    func serial(_ name: String) throws -> String {
        try CertificateFile(contents: Array(folder.text(name + ".pem").utf8)).inspection.serialNumber
    }

    /// The lists of `crl.pem`.
    func lists() throws -> [CertificateRevocationList] {
        try CertificateRevocationList.all(pem: folder.text("pki/crl.pem"))
    }

    /// What OpenSSL says of a certificate, with all lists at hand.
    func verify(_ name: String) async throws -> (status: Int32, output: String) {
        try await runProgram([
            "openssl", "verify", "-x509_strict", "-crl_check_all", "-CAfile", ca + "/ca.pem", "-untrusted",
            path(name + ".pem"), "-CRLfile", ca + "/crl.pem", path(name + ".pem"),
        ])
    }

    /// A request by OpenSSL, in `NAME.csr` with its key in `NAME.csr.key`.
    func request(_ name: String, subject: String, names: String? = nil) async throws -> String {
        let made = try await runProgram(
            [
                "openssl", "req", "-new", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-keyout",
                path(name + ".csr.key"), "-out", path(name + ".csr"), "-subj", subject,
            ] + (names.map { ["-addext", "subjectAltName=" + $0] } ?? []))
        try #require(made.status == 0, "\(made.output)")
        return path(name + ".csr")
    }
}

import FleetPKI
import Foundation
import TestKit

/// A chain as a device presents it: the files that OpenSSL's client reads.
struct ChainFiles: CredentialFiles {
    let certificatePath: String
    let keyPath: String
    /// CA certificates that are sent after the leaf.
    let issuersPath: String?
    /// Hexadecimal digits, as the gateway shows them.
    let serialNumber: String

    /// - Parameters:
    ///   - certificatePEM: Instead of the certificate as it was issued.
    ///   - issuers: CA certificates to be sent, nearest first, in PEM.
    init(
        _ issued: IssuedCertificate, certificatePEM: String? = nil, sending issuers: [String] = [],
        in directory: ScratchDirectory
    ) throws {
        let name = UUID().uuidString
        self.certificatePath = try directory.write(name + ".pem", certificatePEM ?? issued.certificatePEM)
        self.keyPath = try directory.write(name + ".key", issued.privateKeyPEM)
        self.issuersPath = issuers.isEmpty ? nil : try directory.write(name + ".issuers", issuers.joined())
        self.serialNumber = issued.serialNumber
    }

    init(_ made: OpenSSLCertificate, sending issuers: [String] = [], in directory: ScratchDirectory) throws {
        self.certificatePath = made.certificatePath
        self.keyPath = made.keyPath
        self.issuersPath =
            issuers.isEmpty ? nil : try directory.write(UUID().uuidString + ".issuers", issuers.joined())
        self.serialNumber = made.serialNumber
    }

    /// For `openssl s_client`, beside certificate and key. What our own devices must not have, OpenSSL's would not present
    /// either without the security level 0.
    var arguments: [String] {
        ["-cipher", "DEFAULT:@SECLEVEL=0"] + (self.issuersPath.map { ["-cert_chain", $0] } ?? [])
    }
}

/// A certificate made by OpenSSL's command: of a kind that ``CertificateAuthority`` does not make.
struct OpenSSLCertificate {
    let certificatePath: String
    let keyPath: String
    let serialNumber: String

    var certificatePEM: String {
        get throws { try String(contentsOfFile: self.certificatePath, encoding: .utf8) }
    }

    /// A device's extensions, in OpenSSL's words.
    static let device =
        "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth"

    /// Extensions of `openssl x509`, and with them version 3; none of either when empty.
    ///
    /// - Parameters:
    ///   - subject: As in ``CertificateTemplate``.
    ///   - key: What `openssl genpkey` makes.
    ///   - digest: The option's name: `sha256`, `sha1`.
    static func issue(
        _ subject: [(String, String)], key: [String] = ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        digest: String = "sha256", extensions: String = Self.device, by issuer: any CredentialFiles,
        in directory: ScratchDirectory
    ) async throws -> Self {
        let name = directory.path + "/" + UUID().uuidString
        let subjectOption = subject.map { "/\($0.0)=\($0.1)" }.joined()
        try await self.openssl(["genpkey", "-algorithm"] + key + ["-out", name + ".key"])
        try await self.openssl(["req", "-new", "-key", name + ".key", "-subj", subjectOption, "-out", name + ".csr"])
        let serialNumber = (["40"] + (0..<15).map { _ in String(format: "%02x", UInt8.random(in: 0...255)) }).joined()
        var arguments = [
            "x509", "-req", "-in", name + ".csr", "-CA", issuer.certificatePath, "-CAkey", issuer.keyPath, "-\(digest)",
            "-days", "30", "-set_serial", "0x" + serialNumber, "-out", name + ".pem",
        ]
        if !extensions.isEmpty {
            try extensions.write(toFile: name + ".ext", atomically: true, encoding: .utf8)
            arguments += ["-extfile", name + ".ext"]
        }
        try await self.openssl(arguments)
        return Self(certificatePath: name + ".pem", keyPath: name + ".key", serialNumber: serialNumber)
    }

    /// Runs OpenSSL's command and expects that it succeeds.
    static func openssl(_ arguments: [String]) async throws {
        let outcome = try await Program.run(Program.installed("openssl") ?? "/usr/bin/openssl", arguments)
        guard outcome.status == 0 else { throw Failure(description: outcome.everything) }
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }
}

/// A CA whose files OpenSSL reads.
struct AuthorityFiles: CredentialFiles {
    let certificatePath: String
    let keyPath: String

    init(_ authority: CertificateAuthority, in directory: ScratchDirectory) throws {
        let name = UUID().uuidString
        self.certificatePath = try directory.write(name + ".pem", authority.certificatePEM)
        self.keyPath = try directory.write(name + ".key", authority.privateKeyPEM)
    }
}

extension OpenSSLCertificate: CredentialFiles {}

/// CAs as a test wants them, with mistakes that a CA must not make.
enum TestAuthority {
    static func root(_ name: String, maxPathLength: Int? = nil) throws -> CertificateAuthority {
        try CertificateAuthority.makeDevelopmentRoot(commonName: name, maxPathLength: maxPathLength)
    }

    /// An intermediate CA, or what pretends to be one.
    static func below(
        _ issuer: CertificateAuthority, _ name: String, _ change: (inout CertificateTemplate) -> Void = { _ in }
    ) throws -> CertificateAuthority {
        let issued = try self.certificate(below: issuer, name, change)
        return try CertificateAuthority(uncheckedCertificate: issued.certificate, key: issued.key)
    }

    /// The certificate of one.
    static func certificate(
        below issuer: CertificateAuthority, _ name: String, _ change: (inout CertificateTemplate) -> Void = { _ in }
    ) throws -> IssuedCertificate {
        var template = CertificateTemplate(
            subject: [("CN", name)], purpose: .none, isCA: true, allowsViolations: true)
        change(&template)
        return try issuer.issue(template)
    }
}

extension CertificateAuthority {
    /// A certificate of a meter, from any CA, however bad.
    func meter(
        _ number: Int, site: String = "hamburg-nord", _ change: (inout CertificateTemplate) -> Void = { _ in }
    ) throws -> IssuedCertificate {
        var template = CertificateTemplate(subject: DeviceName.meter("\(number)", site: site), allowsViolations: true)
        template.notAfter = Date() + 86_400
        change(&template)
        return try self.issue(template)
    }
}

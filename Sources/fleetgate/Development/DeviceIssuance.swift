import FleetPKI
import Foundation

/// A device's certificate from the development CA, and the files it is written to.
struct DeviceIssuance {
    let authority: CertificateAuthority
    let subject: [SubjectText.Attribute]
    let alternativeNames: [AlternativeName]
    let days: Int

    /// Reads `ca.pem` and `ca.key` of a folder.
    static func authority(in folder: String) throws -> CertificateAuthority {
        try CertificateAuthority(
            certificatePEM: BoundedFile.readText(folder + "/ca.pem", bytesMax: BoundedFile.pemBytesMax),
            privateKeyPEM: BoundedFile.readSecret(folder + "/ca.key", bytesMax: BoundedFile.pemBytesMax))
    }

    /// A file name made of the subject's CN, in the current folder.
    static func defaultPrefix(_ subject: [SubjectText.Attribute]) throws -> String {
        guard let name = subject.last(where: { $0.name.uppercased() == "CN" })?.value else {
            throw CommandFailure("the subject has no CN to name the files after: use --out")
        }
        // What has a meaning to a shell, a path or a terminal is replaced.
        let safe = String(name.map { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) ? $0 : "_" })
        return safe.hasPrefix(".") || safe.hasPrefix("-") ? "_" + safe : safe
    }

    func issue() throws -> IssuedCertificate {
        let authorityEnd = try CertificateInspection(authority.certificate).notAfter
        return try authority.issue(
            CertificateTemplate(
                subject: subject.map { ($0.name, $0.value) }, alternativeNames: alternativeNames, purpose: .client,
                notAfter: min(Date() + TimeInterval(days) * 86_400, authorityEnd)))
    }

    func writePEM(prefix: String) throws -> (certificate: String, key: String) {
        let issued = try issue()
        let files = (certificate: prefix + ".pem", key: prefix + ".key")
        try Self.makeFolder(of: prefix)
        // The key first: should it exist, the certificate of another key must not come to lie beside it.
        try PrivateFile.write(Array(issued.privateKeyPEM.utf8), to: files.key)
        do {
            try PrivateFile.write(Array(issued.chainPEM.utf8), to: files.certificate)
        } catch {
            try? FileManager.default.removeItem(atPath: files.key)
            throw error
        }
        return files
    }

    func writePKCS12(prefix: String, passphrase: String) throws -> String {
        let issued = try issue()
        let archive = try PKCS12.archive(
            issued, friendlyName: subject.last { $0.name.uppercased() == "CN" }?.value, passphrase: passphrase)
        try Self.makeFolder(of: prefix)
        try PrivateFile.write(archive, to: prefix + ".p12")
        return prefix + ".p12"
    }

    private static func makeFolder(of prefix: String) throws {
        let folder = URL(fileURLWithPath: prefix).deletingLastPathComponent()
        guard !FileManager.default.fileExists(atPath: folder.path) else { return }
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }
}

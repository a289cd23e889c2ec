import FleetPKI
import Foundation

/// What a certificate of a folder's CA is to say.
struct CertificateOrder {
    var subject: [(name: String, value: String)]
    var alternativeNames: [AlternativeName]
    var purpose: CertificatePurpose
    /// From now, unless the CA ends before.
    var days: Int
    /// The serial number of the certificate that this one renews.
    var renews: String?
}

/// Issues certificates of a folder's CA, each noted in the folder before it is handed out.
struct CertificateIssuance {
    let folder: CAFolder
    let authority: CertificateAuthority

    init(folder: CAFolder, passphrase: String?) throws {
        self.folder = folder
        self.authority = try folder.issuingCA(passphrase: passphrase)
    }

    /// A certificate for a key made here.
    func issue(_ order: CertificateOrder, keyType: KeyType) throws -> IssuedCertificate {
        try check(order)
        let key = try KeyPair.generate(keyType)
        return IssuedCertificate(signed: try sign(order, key.subjectPublicKey), key: key)
    }

    /// A certificate for a key that stays where it is: of a request, or of the certificate renewed.
    func issue(_ order: CertificateOrder, for key: SubjectPublicKey) throws -> SignedCertificate {
        try check(order)
        if let objection = key.objection { throw CommandFailure(objection) }
        return try sign(order, key)
    }

    private func check(_ order: CertificateOrder) throws {
        // A server's name is its alternative name, and no device is named by it.
        guard order.purpose == .client else { return }
        for text in folder.settings.subjectPolicy {
            let policy = try SubjectPolicy(parsing: text)
            if policy.objection(to: order.subject) == nil { return }
        }
        guard let first = folder.settings.subjectPolicy.first else { return }
        let objection = try SubjectPolicy(parsing: first).objection(to: order.subject) ?? ""
        let more = folder.settings.subjectPolicy.count > 1 ? ", nor does it fit the CA's other policies" : ""
        throw CommandFailure(objection + more)
    }

    private func sign(_ order: CertificateOrder, _ key: SubjectPublicKey) throws -> SignedCertificate {
        var template = CertificateTemplate(
            subject: order.subject.map { ($0.name, $0.value) }, alternativeNames: order.alternativeNames,
            purpose: order.purpose.template,
            notAfter: min(Date() + TimeInterval(order.days) * 86_400, authority.notAfter))
        if let url = folder.settings.crlURL { template.additionalExtensions = [try .crlDistributionPoints([url])] }
        let signed = try authority.issue(template, for: key)
        // Noted first: a certificate that the folder does not know cannot be revoked by its name.
        try folder.exclusively { try $0.add(signed, purpose: order.purpose, renews: order.renews) }
        return signed
    }
}

/// Where issued certificates are written.
struct IssuedFiles {
    /// The path without its ending.
    let prefix: String

    /// A file name made of the subject's CN, in the current folder.
    static func defaultPrefix(_ subject: [(name: String, value: String)]) throws -> String {
        guard let name = subject.last(where: { $0.name.uppercased() == "CN" })?.value else {
            throw CommandFailure("the subject has no CN to name the files after: use --out")
        }
        // What has a meaning to a shell, a path or a terminal is replaced.
        let safe = String(name.map { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) ? $0 : "_" })
        return safe.hasPrefix(".") || safe.hasPrefix("-") ? "_" + safe : safe
    }

    /// Refuses before anything is issued what could not be written then.
    func requireUnused(_ endings: [String]) throws {
        for ending in endings where FileManager.default.fileExists(atPath: prefix + ending) {
            throw CommandFailure("\(prefix + ending) exists; it is not replaced")
        }
    }

    /// Writes certificate and key; the key encrypted when there is a pass phrase.
    func writePEM(_ issued: IssuedCertificate, passphrase: String?) throws -> (certificate: String, key: String) {
        try makeFolder()
        let files = (certificate: prefix + ".pem", key: prefix + ".key")
        let key = try passphrase.map { try PrivateKeyPEM.encrypt(issued.privateKeyPEM, passphrase: $0) }
        // The key first: should it exist, the certificate of another key must not come to lie beside it.
        try PrivateFile.write(Array((key ?? issued.privateKeyPEM).utf8), to: files.key)
        do {
            try PrivateFile.write(Array(issued.chainPEM.utf8), to: files.certificate)
        } catch {
            try? FileManager.default.removeItem(atPath: files.key)
            throw error
        }
        return files
    }

    func writeCertificate(_ signed: SignedCertificate) throws -> String {
        try makeFolder()
        try PrivateFile.write(Array(signed.chainPEM.utf8), to: prefix + ".pem")
        return prefix + ".pem"
    }

    func writePKCS12(_ issued: IssuedCertificate, friendlyName: String?, passphrase: String) throws -> String {
        let archive = try PKCS12.archive(issued, friendlyName: friendlyName, passphrase: passphrase)
        try makeFolder()
        try PrivateFile.write(archive, to: prefix + ".p12")
        return prefix + ".p12"
    }

    private func makeFolder() throws {
        let folder = URL(fileURLWithPath: prefix).deletingLastPathComponent()
        guard !FileManager.default.fileExists(atPath: folder.path) else { return }
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }
}

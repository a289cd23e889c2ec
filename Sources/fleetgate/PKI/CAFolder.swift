import FleetPKI
import Foundation

/// A small PKI in a folder, for those who have none: keys, certificates, the record of what was issued, and the
/// revocation list.
///
/// | file | what it is |
/// | --- | --- |
/// | `ca.pem` | the trust anchor: what gateways and devices are given |
/// | `root.pem`, `root.key` | the root CA; its key belongs somewhere else once the issuing CA is made |
/// | `issuing.pem`, `issuing.key` | the CA that issues |
/// | `ca.key` | instead of these four: of a folder with one CA only, which `init` makes for development |
/// | `crl.pem` | what was revoked, for gateways: the issuing CA's list and, after it, the root's |
/// | `root-crl.pem` | the root's list by itself |
/// | `ca.json` | what the folder was made with: subject policy, where the list will be published |
/// | `certificates.jsonl` | one line for each certificate issued or revoked and each list published |
/// | `issued/` | the certificates, by serial number |
struct CAFolder {
    /// What `ca.json` says.
    struct Settings: Codable, Equatable {
        /// What the subjects of certificates must be; empty: anything.
        var subjectPolicy: [String] = []
        /// Where verifiers will find `crl.pem`: written into each certificate.
        var crlURL: String?

        private enum CodingKeys: String, CodingKey {
            case subjectPolicy = "subject-policy"
            case crlURL = "crl-url"
        }
    }

    /// `ca.json` is a few lines.
    private static let settingsBytesMax = 65_536

    let path: String
    let settings: Settings
    /// Whether a root stands above the CA that issues.
    let hasIssuingCA: Bool

    /// Opens a folder that `ca init` or `init` has made.
    ///
    /// - Throws: ``CommandFailure``, `FileProblem`.
    init(at path: String) throws {
        self.path = path
        let files = FileManager.default
        self.hasIssuingCA = files.fileExists(atPath: path + "/issuing.pem")
        guard hasIssuingCA || files.fileExists(atPath: path + "/ca.pem") else {
            throw CommandFailure("\(path) has no CA in it; `fleetgate ca init \(shellQuoted(path))` makes one")
        }
        guard files.fileExists(atPath: path + "/ca.json") else {
            self.settings = Settings()
            return
        }
        let text = try BoundedFile.readText(path + "/ca.json", bytesMax: Self.settingsBytesMax)
        guard let settings = try? JSONDecoder().decode(Settings.self, from: Data(text.utf8)) else {
            throw CommandFailure("\(path)/ca.json is not what `fleetgate ca init` writes")
        }
        self.settings = settings
    }

    /// The CA that issues certificates for devices and servers.
    ///
    /// - Parameter passphrase: Of its key, when that is encrypted.
    func issuingCA(passphrase: String?) throws -> CertificateAuthority {
        try authority(hasIssuingCA ? "issuing" : "ca", passphrase)
    }

    /// The root above it.
    func rootCA(passphrase: String?) throws -> CertificateAuthority {
        try authority(hasIssuingCA ? "root" : "ca", passphrase)
    }

    private func authority(_ name: String, _ passphrase: String?) throws -> CertificateAuthority {
        let key = "\(path)/\(name).key"
        guard FileManager.default.fileExists(atPath: key) else {
            throw CommandFailure("\(key) is not there: has it been put away? It has to come back for this")
        }
        do {
            return try CertificateAuthority(
                certificatePEM: BoundedFile.readText("\(path)/\(name).pem", bytesMax: BoundedFile.pemBytesMax),
                privateKeyPEM: BoundedFile.readSecret(key, bytesMax: BoundedFile.pemBytesMax), passphrase: passphrase)
        } catch let error as PKIError {
            let hint = error.code == .passphraseRequired ? " (hint: --ca-passphrase-file)" : ""
            throw CommandFailure("\(key): \(error.message)\(hint)")
        }
    }

    /// The certificates of the CAs here, the one that issues first.
    func authorities() throws -> [CertificateFile] {
        // `ca.pem` is the root's again where there are two.
        try (hasIssuingCA ? ["issuing", "root"] : ["ca"]).compactMap { name in
            let file = "\(path)/\(name).pem"
            // The root's certificate may have been put away with its key.
            guard FileManager.default.fileExists(atPath: file) else { return nil }
            do {
                return try CertificateFile(contents: BoundedFile.read(file, bytesMax: BoundedFile.pemBytesMax))
            } catch let error as PKIError {
                throw CommandFailure("\(file): \(error.message)")
            }
        }
    }

    // MARK: The record

    /// Runs a change of the folder alone: two at a time could give one number to two revocation lists.
    func exclusively<Result>(_ body: (CARecord) throws -> Result) throws -> Result {
        let lock: FileLock
        do throws(FileLock.Failure) {
            lock = try FileLock(path + "/.lock", waiting: nil)
        } catch {
            switch error {
            case .isHeld: throw CommandFailure("another command is changing \(path)")
            case .unusable(let why): throw CommandFailure(why)
            }
        }
        defer { withExtendedLifetime(lock) {} }
        return try body(CARecord(folder: path))
    }

    /// What was issued so far.
    func record() -> CARecord { CARecord(folder: path) }
}

extension CAFolder {
    /// What to make a folder with.
    struct Creation {
        var name: String
        var organization: String?
        var keyType: KeyType
        /// Whether a root stands above the CA that issues.
        var makesIssuingCA: Bool
        var rootYears: Int
        var issuingYears: Int
        var settings: Settings
        /// Encrypts the keys. Secret.
        var passphrase: String?
    }

    private static let yearSeconds = 365.25 * 86_400

    /// Makes a folder: whole, or nothing.
    static func create(at path: String, _ creation: Creation) throws {
        let directory = try NewDirectory(at: path)
        do {
            try write(creation, into: directory)
            try directory.commit()
        } catch {
            directory.discard()
            throw error
        }
    }

    private static func write(_ creation: Creation, into directory: NewDirectory) throws {
        let root = try CertificateAuthority.makeDevelopmentRoot(
            commonName: creation.makesIssuingCA ? "\(creation.name) Root CA" : "\(creation.name) CA",
            organization: creation.organization, validity: Double(creation.rootYears) * yearSeconds,
            keyType: creation.keyType, maxPathLength: creation.makesIssuingCA ? 1 : 0)
        func secret(_ key: String) throws -> String {
            guard let passphrase = creation.passphrase else { return key }
            return try PrivateKeyPEM.encrypt(key, passphrase: passphrase)
        }
        try directory.write(try root.certificatePEM, to: "ca.pem")
        try directory.write(try JSONText.encode(creation.settings) + "\n", to: "ca.json")
        try directory.createDirectory("issued")
        let now = Date()
        let rootList = try root.issueCRL(
            revoked: [], thisUpdate: now, nextUpdate: min(now + ListPublication.rootListDays * 86_400, root.notAfter),
            number: 1)
        guard creation.makesIssuingCA else {
            try directory.write(try secret(root.privateKeyPEM), to: "ca.key")
            let list = try root.issueCRL(
                revoked: [], thisUpdate: now, nextUpdate: now + CARecord.listDaysDefault * 86_400, number: 1)
            try directory.write(list.pem, to: "crl.pem")
            return
        }
        let issuing = try root.makeIntermediate(
            commonName: "\(creation.name) Issuing CA", organization: creation.organization,
            validity: Double(creation.issuingYears) * yearSeconds, keyType: creation.keyType)
        let list = try issuing.issueCRL(
            revoked: [], thisUpdate: now, nextUpdate: now + CARecord.listDaysDefault * 86_400, number: 1)
        try directory.write(try root.certificatePEM, to: "root.pem")
        try directory.write(try secret(root.privateKeyPEM), to: "root.key")
        try directory.write(try issuing.certificatePEM, to: "issuing.pem")
        try directory.write(try secret(issuing.privateKeyPEM), to: "issuing.key")
        try directory.write(rootList.pem, to: "root-crl.pem")
        try directory.write(list.pem + rootList.pem, to: "crl.pem")
    }
}

import FleetPKI
import Foundation

/// The CAs behind a fleet's certificates: the simulator's own, kept in a folder, or an operator's.
///
/// The folder of one's own PKI has `root.pem`, `root.key`, `issuing.pem`, `issuing.key`, `ca.pem` (what a server and the
/// devices trust: the root), `crl.pem`, and, once asked for, `server.pem`, `server.key` and `devices/`. Keys are readable
/// by their owner only. Safe to use from any thread.
struct SimulatorPKI: Sendable {
    /// Issues the devices' certificates.
    let authority: CertificateAuthority
    /// Its namesake that no server knows.
    let untrustedTwin: UntrustedTwin
    /// Where revoked certificates are listed; nil when there is no folder to keep the list in.
    let revocations: RevocationFile?

    /// An operator's CA.
    ///
    /// - Parameter folder: Where `crl.pem` goes; must exist. Nil: devices with revoked certificates cannot be had.
    init(authority: CertificateAuthority, folder: String? = nil) {
        self.init(issuing: authority, root: nil, folder: folder)
    }

    private init(issuing: CertificateAuthority, root: CertificateAuthority?, folder: String?) {
        authority = issuing
        untrustedTwin = UntrustedTwin(of: issuing)
        revocations = folder.map { RevocationFile(folder: $0, issuing: issuing, root: root) }
    }

    /// The names of the files in the folder.
    enum FileName: String, Sendable, CaseIterable {
        case root = "root.pem"
        case rootKey = "root.key"
        case issuing = "issuing.pem"
        case issuingKey = "issuing.key"
        case trustAnchors = "ca.pem"
        case revocations = "crl.pem"
        case server = "server.pem"
        case serverKey = "server.key"
        case devices = "devices"

        func path(in folder: String) -> String { folder + "/" + rawValue }
    }

    /// Opens the simulator's own PKI.
    ///
    /// - Throws: ``SimulatorError``: `not-a-pki` with all files that are missing, the reason a file cannot be used, or
    ///   `pki-outdated`.
    static func open(folder: String, now: Date = Date()) throws(SimulatorError) -> SimulatorPKI {
        let folder = URL(fileURLWithPath: folder, isDirectory: true).standardizedFileURL.path
        let needed: [FileName] = [.root, .rootKey, .issuing, .issuingKey, .trustAnchors]
        let missing = needed.filter { !FileManager.default.fileExists(atPath: $0.path(in: folder)) }
        guard missing.isEmpty else {
            throw .file(
                "not-a-pki",
                "\(folder) is not a PKI folder: it lacks \(missing.map(\.rawValue).joined(separator: ", ")); "
                    + "make one with: firmware-sim pki init \(folder)")
        }
        let root = try authority(.root, .rootKey, in: folder, now: now)
        let issuing = try authority(.issuing, .issuingKey, in: folder, now: now)
        return SimulatorPKI(issuing: issuing, root: root, folder: folder)
    }

    private static func authority(
        _ certificate: FileName, _ key: FileName, in folder: String, now: Date
    ) throws(SimulatorError) -> CertificateAuthority {
        let file = certificate.path(in: folder)
        let authority = try CredentialIssuer.authority(
            certificateFile: file, keyFile: key.path(in: folder), passphrase: nil)
        guard authority.notAfter > now else {
            throw .file(
                "pki-outdated", "the certificate \(file) has expired; make a new PKI with: firmware-sim pki init")
        }
        return authority
    }

    /// What a new PKI is to be.
    struct Template: Sendable, Equatable {
        /// The organization in the names of the CAs.
        var organization = "FleetGate firmware-sim"
        /// How long the CAs are good for, in days.
        var validityDays = 3_650
    }

    /// Makes a PKI in a new folder: a root, a CA below it that issues (path length 0), and their empty revocation lists.
    /// It is there whole, or not at all.
    ///
    /// - Parameter folder: Must not exist, or be empty.
    /// - Throws: ``SimulatorError``: `folder-not-empty`, `folder-unusable`, or what is wrong with the template.
    static func make(folder: String, template: Template = Template()) throws(SimulatorError) -> SimulatorPKI {
        let new = try NewFolder(at: folder)
        do throws(SimulatorError) {
            try fill(new.path, template)
        } catch {
            new.discard()
            throw error
        }
        try new.commit()
        return try open(folder: folder)
    }

    private static func fill(_ folder: String, _ template: Template) throws(SimulatorError) {
        let texts: [(FileName, String)]
        let issuing: CertificateAuthority
        let root: CertificateAuthority
        do throws(PKIError) {
            let validity = Double(template.validityDays) * 86_400
            root = try CertificateAuthority.makeDevelopmentRoot(
                commonName: "Simulated Devices Root CA", organization: template.organization, validity: validity)
            issuing = try root.makeIntermediate(
                commonName: "Simulated Devices Issuing CA", organization: template.organization, validity: validity)
            texts = [
                (.rootKey, root.privateKeyPEM), (.root, try root.certificatePEM),
                (.issuingKey, issuing.privateKeyPEM), (.issuing, try issuing.certificatePEM),
                (.trustAnchors, try root.certificatePEM),
            ]
        } catch {
            throw .options(error.code.rawValue, "no CA can be made: \(error.message)")
        }
        for (name, text) in texts {
            let isSecret = name == .rootKey || name == .issuingKey
            try PrivateFile.write(
                text, to: name.path(in: folder), mode: isSecret ? PrivateFile.secretMode : PrivateFile.publicMode)
        }
        try RevocationFile(folder: folder, issuing: issuing, root: root).add([])
        try PrivateFile.makeFolder(FileName.devices.path(in: folder))
    }
}

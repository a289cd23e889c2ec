import FleetPKI
import FleetPolicy
import Foundation
import Gateway

/// A certificate chain and its key, found to belong together.
struct CertificateMaterial: Sendable, Equatable {
    let chainPEM: String
    /// Decrypted. Secret.
    let privateKeyPEM: String
    /// Leaf first.
    let certificates: [CertificateInspection]

    /// The certificates are what the text says.
    static func == (left: Self, right: Self) -> Bool {
        left.chainPEM == right.chainPEM && left.privateKeyPEM == right.privateKeyPEM
    }
}

/// What the upstream side needs from files.
struct UpstreamMaterial: Sendable, Equatable {
    let caPEM: String?
    let identity: CertificateMaterial?
    /// Secret.
    let password: String?
}

/// Reads the certificates, keys and secrets that a configuration names, and reports what is wrong with them at the
/// key that names them.
final class MaterialReader {
    enum Purpose {
        case server
        case client

        var extendedKeyUsage: String {
            switch self {
            case .server: "serverAuth"
            case .client: "clientAuth"
            }
        }
    }

    /// What most systems have as the CAs of the public web.
    static let systemCABundle = "/etc/ssl/certs/ca-certificates.crt"
    /// A certificate that ends sooner is worth a warning at each start.
    private static let expiryWarning: TimeInterval = 30 * 86_400

    private let environment: [String: String]
    private let now: Date
    private let mistakes: MistakeCollector
    private(set) var warnings: [String] = []

    init(environment: [String: String], now: Date, mistakes: MistakeCollector) {
        self.environment = environment
        self.now = now
        self.mistakes = mistakes
    }

    /// A certificate chain and the key of its leaf; nil also when one of them is not known, the other is checked still.
    func identity(
        certificate: Located<String>?, key: PrivateKeySettings?, for purpose: Purpose
    ) -> CertificateMaterial? {
        let chain = certificate.flatMap { certificates($0) }
        let keyPair = key.flatMap { privateKey($0) }
        guard let certificate, let chain, let leaf = chain.certificates.first else { return nil }
        checkLeaf(leaf, at: certificate, for: purpose)
        guard let key, let keyPair else { return nil }
        guard keyPair.belongsToFirstCertificate(of: chain.pem) else {
            report(
                certificate, "the certificate is for another key than \(key.file.value)",
                hint: "the first certificate of the file has to be the server's own")
            return nil
        }
        return CertificateMaterial(chainPEM: chain.pem, privateKeyPEM: keyPair.pem, certificates: chain.certificates)
    }

    /// CAs: every certificate of the file has to be one.
    func authorities(_ file: Located<String>) -> (pem: String, certificates: [CertificateInspection])? {
        guard let found = certificates(file) else { return nil }
        for certificate in found.certificates {
            if !certificate.isCA {
                report(
                    file, "\(certificate.subject) is not a CA certificate",
                    hint: "devices' own certificates do not go here")
            }
            warnAboutEnd(of: certificate, in: file.value)
        }
        return found
    }

    /// What the upstream side names; nil when any of it is wrong.
    func upstream(_ files: NamedUpstreamFiles) -> UpstreamMaterial? {
        if let program = files.mosquitto, !Self.isProgram(program.value) {
            report(
                program, "the embedded broker needs mosquitto, and \(program.value) is no program that can be run",
                hint: "install mosquitto, say in upstream.embedded.mosquitto where it is, or set upstream.url")
        }
        let password = files.passwordFile.map { secretLine($0) }
        guard let tls = files.tls else {
            if case .some(nil) = password { return nil }
            return UpstreamMaterial(caPEM: nil, identity: nil, password: password ?? nil)
        }
        let ca = tls.ca.map { authorities($0)?.pem } ?? systemAuthorities()
        let identity = self.identity(certificate: tls.certificate, key: tls.key, for: .client)
        if case .some(nil) = password { return nil }
        guard let ca, (tls.certificate == nil) == (identity == nil) else { return nil }
        return UpstreamMaterial(caPEM: ca, identity: identity, password: password ?? nil)
    }

    /// A folder has the executable bit as well, and is no program.
    private static func isProgram(_ path: String) -> Bool {
        var isFolder = ObjCBool(false)
        return unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && !isFolder.boolValue
            && FileManager.default.isExecutableFile(atPath: path)
    }

    // MARK: Files

    private func certificates(_ file: Located<String>) -> (pem: String, certificates: [CertificateInspection])? {
        do throws(FileProblem) {
            let pem = try BoundedFile.readText(file.value, bytesMax: BoundedFile.pemBytesMax)
            do throws(PKIError) {
                return (pem, try CertificateInspection.all(pem: pem))
            } catch {
                report(file, "\(file.value): \(error.message)")
            }
        } catch {
            report(file, error.description, hint: error.hint)
        }
        return nil
    }

    private func privateKey(_ settings: PrivateKeySettings) -> KeyPair? {
        let passphrase = settings.passphrase.map(self.passphrase)
        if case .some(nil) = passphrase { return nil }
        do throws(FileProblem) {
            let pem = try BoundedFile.readSecret(settings.file.value, bytesMax: BoundedFile.pemBytesMax)
            do throws(PKIError) {
                return try KeyPair(pem: pem, passphrase: passphrase ?? nil)
            } catch {
                let hint =
                    error.code == .passphraseRequired
                    ? "add \(settings.file.key)-passphrase-file or \(settings.file.key)-passphrase-env" : nil
                report(settings.file, "\(settings.file.value): \(error.message)", hint: hint)
            }
        } catch {
            report(settings.file, error.description, hint: error.hint)
        }
        return nil
    }

    private func passphrase(_ source: PrivateKeySettings.Passphrase) -> String? {
        switch source {
        case .file(let file):
            return secretLine(file)
        case .environment(let name):
            guard let value = environment[name.value], !value.isEmpty else {
                report(name, "the environment variable \(name.value) is not set")
                return nil
            }
            return value
        }
    }

    private func secretLine(_ file: Located<String>) -> String? {
        do throws(FileProblem) {
            let line = try BoundedFile.readSecretLine(file.value)
            guard line.isEmpty else { return line }
            report(file, "\(file.value) has nothing in its first line")
        } catch {
            report(file, error.description, hint: error.hint)
        }
        return nil
    }

    private func systemAuthorities() -> String? {
        do throws(FileProblem) {
            return try BoundedFile.readText(Self.systemCABundle, bytesMax: BoundedFile.pemBytesMax)
        } catch {
            warnings.append("\(error); upstream.ca names the broker's CA")
            return ""
        }
    }

    // MARK: Findings

    private func checkLeaf(_ leaf: CertificateInspection, at file: Located<String>, for purpose: Purpose) {
        if leaf.isCA {
            report(file, "\(leaf.subject) is a CA certificate", hint: "the server needs a certificate of its own")
        }
        if let usages = leaf.extendedKeyUsage, !usages.contains(purpose.extendedKeyUsage),
            !usages.contains("anyExtendedKeyUsage")
        {
            report(
                file, "the certificate is for \(usages.joined(separator: ", ")), not for \(purpose.extendedKeyUsage)")
        }
        if leaf.notAfter <= now {
            report(file, "the certificate has expired, on \(leaf.notAfter.iso8601)")
        } else if leaf.notBefore > now {
            report(file, "the certificate is not valid before \(leaf.notBefore.iso8601)", hint: "is the clock right?")
        }
        warnAboutEnd(of: leaf, in: file.value)
    }

    private func warnAboutEnd(of certificate: CertificateInspection, in path: String) {
        // One that has expired already is the TLS layer's to say: a mistake or a warning, as it uses it.
        if certificate.notAfter > now, certificate.notAfter.timeIntervalSince(now) < Self.expiryWarning {
            warnings.append("\(path): \(certificate.subject) expires on \(certificate.notAfter.iso8601)")
        }
    }

    private func report(_ value: Located<String>, _ message: String, hint: String? = nil) {
        mistakes.report(.badFile, at: value.location, key: value.key, message, hint: hint)
    }
}

extension Date {
    /// `2026-11-21T01:33:00Z`.
    var iso8601: String { self.formatted(.iso8601) }
}

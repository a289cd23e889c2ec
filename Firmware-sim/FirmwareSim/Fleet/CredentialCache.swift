import FleetPKI
import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Credentials kept in a folder between runs: `FLEET-000001.crt` and `.key` for each device, usable by any other client.
///
/// The certificate file's first line says what it was made from. A file with another line, such as one made by another
/// CA or from another template, is not used and gets overwritten.
struct CredentialCache: Sendable {
    private let folder: URL
    private let issuerFingerprint: String
    private let notBefore: Date

    /// A cached certificate must be good for this long after now, in seconds: longer than any run.
    private static let validityLeft = SimulatorLimits.durationSecondsMax

    /// Makes the folder if it is not there; only the owner may enter it.
    ///
    /// - Throws: ``SimulatorError`` if it cannot be made.
    init(folder: String, issuer: CertificateAuthority, now: Date = Date()) throws(SimulatorError) {
        self.folder = URL(fileURLWithPath: folder, isDirectory: true)
        guard let certificate = try? CertificateInspection.all(pem: issuer.certificatePEM).first else {
            throw .file("cache-unusable", "the issuing CA's certificate could not be read back")
        }
        self.issuerFingerprint = certificate.sha256Fingerprint
        self.notBefore = now
        do {
            try FileManager.default.createDirectory(
                at: self.folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw .file("cache-unusable", "cannot make the folder \(folder) for --cache")
        }
    }

    /// What is in the cache for the device, if it is still right.
    func credential(for device: SimulatedDevice) throws(SimulatorError) -> DeviceCredential? {
        let (certificateFile, keyFile) = files(of: device)
        guard FileManager.default.fileExists(atPath: certificateFile), FileManager.default.fileExists(atPath: keyFile)
        else { return nil }
        let text = try TextFile.read(certificateFile)
        guard let lineEnd = text.firstIndex(of: "\n") else { return nil }
        let fields = text[..<lineEnd].components(separatedBy: Self.expiryMark)
        guard fields.count == 2, fields[0] == provenance(of: device), let expiry = Double(fields[1]),
            expiry > notBefore.timeIntervalSince1970 + Self.validityLeft
        else { return nil }
        return DeviceCredential(
            chainPEM: String(text[text.index(after: lineEnd)...]), privateKeyPEM: try TextFile.read(keyFile))
    }

    func store(_ credential: DeviceCredential, for device: SimulatedDevice) throws(SimulatorError) {
        let (certificateFile, keyFile) = files(of: device)
        guard let leaf = try? CertificateInspection.all(pem: credential.chainPEM).first else {
            throw .file("cache-unusable", "the certificate for \(certificateFile) could not be read back")
        }
        let expiry = Int(leaf.notAfter.timeIntervalSince1970)
        // The key first: a certificate file is what makes an entry, and must not stand beside another's key.
        try? FileManager.default.removeItem(atPath: certificateFile)
        try write(credential.privateKeyPEM, to: keyFile, permissions: 0o600)
        try write(
            "\(provenance(of: device))\(Self.expiryMark)\(expiry)\n\(credential.chainPEM)", to: certificateFile,
            permissions: 0o644)
    }

    private static let expiryMark = " expires="

    private func provenance(of device: SimulatedDevice) -> String {
        let names = device.alternativeNames.map { " \($0.kind.rawValue):\($0.value)" }.joined()
        let text = "firmware-sim issuer=\(issuerFingerprint) subject=\(device.subject.text)\(names)"
        return String(text.map { $0.isNewline ? " " : $0 })
    }

    private func files(of device: SimulatedDevice) -> (certificate: String, key: String) {
        let digits = String(device.number)
        let stem = "\(device.fleet)-" + String(repeating: "0", count: max(0, 6 - digits.count)) + digits
        return (
            folder.appendingPathComponent("\(stem).crt").path, folder.appendingPathComponent("\(stem).key").path
        )
    }

    private func write(_ text: String, to path: String, permissions: mode_t) throws(SimulatorError) {
        // Made with its permissions, rather than given them afterwards when others may have it open already; and made
        // anew, so that a link left in its place leads nowhere.
        let failure = SimulatorError.file("cache-unusable", "cannot write \(path)")
        try? FileManager.default.removeItem(atPath: path)
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, permissions)
        guard descriptor >= 0 else { throw failure }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        guard (try? handle.write(contentsOf: Data(text.utf8))) != nil, (try? handle.close()) != nil else {
            throw failure
        }
    }
}

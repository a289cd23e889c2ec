import FleetPKI
import Foundation

/// Credentials kept in a folder between runs: `FLEET-000001.crt` and `.key` for each device, usable by any other client.
///
/// The certificate file's first line says what it was made from (``CredentialRecord``). A file with another line, such as
/// one made by another CA or from another template, is not used and gets overwritten. Safe to use from any thread, and
/// by several processes.
struct CredentialCache: Sendable {
    let folder: String
    private let issuerFingerprint: String
    private let now: Date

    /// What the cache holds for a device.
    struct Entry: Sendable {
        var credential: DeviceCredential
        var serialNumber: String
    }

    /// Makes the folder if it is not there; only the owner may enter it then.
    ///
    /// - Throws: ``SimulatorError`` if it cannot be made.
    init(folder: String, issuer: CertificateAuthority, now: Date = Date()) throws(SimulatorError) {
        guard let certificate = try? CertificateInspection(issuer.certificate) else {
            throw .file("cache-unusable", "the issuing CA's certificate could not be read back")
        }
        self.folder = URL(fileURLWithPath: folder, isDirectory: true).standardizedFileURL.path
        self.issuerFingerprint = certificate.sha256Fingerprint
        self.now = now
        try PrivateFile.makeFolder(self.folder)
    }

    /// What is in the cache for the device, if it is still right.
    ///
    /// - Throws: ``SimulatorError`` if a file is there and cannot be read.
    func entry(for request: CredentialRequest) throws(SimulatorError) -> Entry? {
        let (certificateFile, keyFile) = files(of: request)
        guard FileManager.default.fileExists(atPath: certificateFile), FileManager.default.fileExists(atPath: keyFile)
        else { return nil }
        guard let (record, chain) = CredentialRecord.read(try TextFile.read(certificateFile)),
            record.origin == origin(of: request), record.isUsable(at: now)
        else { return nil }
        let key = try TextFile.read(keyFile)
        guard key.utf8.starts(with: record.keyLine.utf8) else { return nil }
        return Entry(
            credential: DeviceCredential(
                chainPEM: String(chain), privateKeyPEM: String(key.dropFirst(record.keyLine.count))),
            serialNumber: record.serialNumber
        )
    }

    /// - Throws: ``SimulatorError`` if the files cannot be written.
    func store(_ issued: IssuedCertificate, for request: CredentialRequest) throws(SimulatorError) {
        let (certificateFile, keyFile) = files(of: request)
        let record = CredentialRecord(
            origin: origin(of: request), name: request.subject.commonName, serialNumber: issued.serialNumber,
            notBefore: Int(issued.notBefore.timeIntervalSince1970),
            notAfter: Int(issued.notAfter.timeIntervalSince1970))
        try PrivateFile.write(record.keyLine + issued.privateKeyPEM, to: keyFile, mode: PrivateFile.secretMode)
        try PrivateFile.write(record.line + issued.chainPEM, to: certificateFile, mode: PrivateFile.publicMode)
    }

    private func origin(of request: CredentialRequest) -> CredentialRecord.Origin {
        CredentialRecord.Origin(
            issuer: issuerFingerprint, kind: request.kind, keyType: request.keyType, subject: request.subject.text,
            alternativeNames: request.alternativeNames.map { "\($0.kind.rawValue):\($0.value)" })
    }

    private func files(of request: CredentialRequest) -> (certificate: String, key: String) {
        let digits = String(request.number)
        let stem =
            "\(folder)/\(request.fleet)-" + String(repeating: "0", count: max(0, 6 - digits.count)) + digits
        return (stem + ".crt", stem + ".key")
    }
}

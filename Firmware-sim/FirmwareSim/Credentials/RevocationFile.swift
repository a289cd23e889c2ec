import FleetPKI
import Foundation

/// The file `crl.pem`: the revocation lists of the simulator's CAs, for the server to read before the run.
///
/// Serial numbers are only ever added, so that one list serves all runs that share the folder, also several at once. The
/// file is replaced in one step, and left alone when it already says what it has to.
struct RevocationFile: Sendable {
    let path: String
    /// Whose lists the file has, the CA that issues the devices' certificates first.
    private let signers: [CertificateAuthority]

    /// How long a list is good for, in seconds. Servers refuse everybody after that, and are rarely told of a new one.
    static let lifetime: TimeInterval = 365 * 86_400
    /// A list that ends sooner than this, in seconds, is made anew: it must outlast any run.
    static let lifetimeLeft = SimulatorLimits.durationSecondsMax

    /// - Parameters:
    ///   - folder: Must exist.
    ///   - issuing: Issues the devices' certificates.
    ///   - root: The CA above it, if its key is at hand: some servers ask for a list of every CA in the chain.
    init(folder: String, issuing: CertificateAuthority, root: CertificateAuthority?) {
        path = folder + "/crl.pem"
        signers = [issuing] + (root.map { [$0] } ?? [])
    }

    /// Adds serial numbers to the issuing CA's list, and makes the file if it is not there.
    ///
    /// - Parameter serialNumbers: In hexadecimal; those already listed are skipped.
    /// - Returns: Whether the file was written.
    /// - Throws: ``SimulatorError`` if the file is damaged or of another CA, cannot be written, or a CA must not sign
    ///   revocation lists.
    @discardableResult
    func add(_ serialNumbers: [String], now: Date = Date()) throws(SimulatorError) -> Bool {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        return try PrivateFile.withLock(onFolder: folder) { () throws(SimulatorError) in
            let present = try lists()
            var known = Set(present[0]?.revoked.map(\.serialNumber) ?? [])
            let added = serialNumbers.filter { known.insert($0).inserted }
            let isFresh = present.allSatisfy { list in
                list?.nextUpdate.map { $0 > now + Self.lifetimeLeft } == true
            }
            guard !added.isEmpty || !isFresh else { return false }
            // A server's clock may be behind ours as much as a device's.
            let moment = now - CertificateAuthority.backdating
            var text = ""
            for (place, signer) in signers.enumerated() {
                var entries = present[place]?.revoked ?? []
                if place == 0 {
                    entries += added.map { .init(serialNumber: $0, revokedAt: moment, reason: .keyCompromise) }
                }
                text += try list(by: signer, entries: entries, after: present[place], at: moment)
            }
            try PrivateFile.write(text, to: path, mode: PrivateFile.publicMode)
            return true
        }
    }

    /// The issuing CA's list as it is in the file; nil without a file.
    ///
    /// - Throws: ``SimulatorError`` if the file is damaged or of another CA.
    func current() throws(SimulatorError) -> CertificateRevocationList? {
        try lists()[0]
    }

    private func list(
        by signer: CertificateAuthority, entries: [RevokedCertificate], after last: CertificateRevocationList?,
        at moment: Date
    ) throws(SimulatorError) -> String {
        do throws(PKIError) {
            let number = (last?.number ?? 0).addingReportingOverflow(1)
            guard !number.overflow else {
                throw PKIError(code: .invalidArgument, message: "the number of the last list is the highest there is")
            }
            let list = try signer.issueCRL(
                revoked: entries, thisUpdate: moment, nextUpdate: moment + Self.lifetime, number: number.partialValue)
            return list.pem
        } catch {
            throw .file(error.code.rawValue, "no revocation list for \(path): \(error.message)")
        }
    }

    /// One for each signer, in order.
    private func lists() throws(SimulatorError) -> [CertificateRevocationList?] {
        guard FileManager.default.fileExists(atPath: path) else { return signers.map { _ in nil } }
        let text = try TextFile.read(path, bytesMax: CertificateRevocationList.octetsMax)
        let found: [CertificateRevocationList]
        do {
            found = try CertificateRevocationList.all(pem: text)
        } catch {
            throw .file(
                "crl-damaged", "\(path) is not a revocation list (\(error.message)); remove it to have it made anew")
        }
        let lists = signers.map { signer in found.last { $0.isSigned(by: signer) } }
        guard lists[0] != nil else {
            throw .file(
                "crl-of-another-ca",
                "\(path) is not signed by the CA that issues the devices' certificates; move it away, or use another folder"
            )
        }
        return lists
    }
}

import FleetPKI
import Foundation

/// Makes the devices' keys and certificates, on all cores at once, or takes them from a cache of an earlier run. Safe to
/// use from any thread.
struct CredentialIssuer: Sendable {
    let pki: SimulatorPKI
    /// Nil: nothing is kept.
    let cache: CredentialCache?
    /// Whole days the certificates are valid for.
    let validityDays: Int

    struct Progress: Sendable, Equatable {
        var done: Int
        var total: Int
        var fromCache: Int
    }

    init(pki: SimulatorPKI, cache: CredentialCache?, validityDays: Int) {
        self.pki = pki
        self.cache = cache
        self.validityDays = validityDays
    }

    /// With an operator's CA, whose revocation list is kept in the cache.
    init(authority: CertificateAuthority, cache: CredentialCache?, validityDays: Int) {
        self.init(
            pki: SimulatorPKI(authority: authority, folder: cache?.folder), cache: cache, validityDays: validityDays)
    }

    /// Reads the issuing CA.
    ///
    /// - Throws: ``SimulatorError`` naming the file.
    static func authority(
        certificateFile: String, keyFile: String, passphrase: String?
    ) throws(SimulatorError) -> CertificateAuthority {
        let certificatePEM = try TextFile.read(certificateFile)
        let keyPEM = try TextFile.read(keyFile)
        do {
            return try CertificateAuthority(
                certificatePEM: certificatePEM, privateKeyPEM: keyPEM, passphrase: passphrase)
        } catch {
            throw .file(
                error.code.rawValue, "\(certificateFile) with \(keyFile) cannot issue certificates: \(error.message)")
        }
    }

    /// The credentials of all devices, in their order. Revoked ones are in the revocation list when this returns.
    ///
    /// - Parameter progress: Called one call at a time, for each few dozen devices.
    /// - Throws: ``SimulatorError`` if one cannot be made or a file cannot be written; `CancellationError`.
    func credentials(
        for devices: [SimulatedDevice], progress: (Progress) -> Void
    ) async throws -> [DeviceCredential] {
        try await credentials(for: devices.map { CredentialRequest($0) }, progress: progress)
    }

    /// As ``credentials(for:progress:)-(​[SimulatedDevice],_)``, for devices of which no more is known than their
    /// certificates.
    func credentials(
        for requests: [CredentialRequest], progress: (Progress) -> Void
    ) async throws -> [DeviceCredential] {
        if let revoked = requests.first(where: { $0.kind == .revoked }), cache == nil || pki.revocations == nil {
            throw SimulatorError.options(
                "revoked-needs-cache",
                "\(revoked.label) is to be revoked, but its certificate would be a new one in each run and in no list "
                    + "that the server has read; give a PKI folder or a cache")
        }
        let workers = max(1, min(ProcessInfo.processInfo.activeProcessorCount, requests.count))
        // Small enough for progress to be seen with RSA, of which a core makes some ten in a second.
        let chunkSize = max(1, min(32, requests.count / (workers * 4)))
        let chunks = stride(from: 0, to: requests.count, by: chunkSize).map {
            $0..<min($0 + chunkSize, requests.count)
        }
        var results = [[DeviceCredential]](repeating: [], count: chunks.count)
        var revoked: [String] = []
        var state = Progress(done: 0, total: requests.count, fromCache: 0)
        try await withThrowingTaskGroup(of: (Int, Batch).self) { group in
            var remaining = chunks.indices.makeIterator()
            func addNext() {
                guard let index = remaining.next() else { return }
                let slice = requests[chunks[index]]
                group.addTask { (index, try batch(slice)) }
            }
            for _ in 0..<workers { addNext() }
            while let (index, batch) = try await group.next() {
                results[index] = batch.credentials
                revoked += batch.revoked
                state.done += batch.credentials.count
                state.fromCache += batch.fromCache
                progress(state)
                addNext()
            }
        }
        if !revoked.isEmpty { try pki.revocations?.add(revoked) }
        return results.flatMap(\.self)
    }

    /// A new key and certificate of the same kind, for a device that changes its own while it runs. The cache keeps the
    /// old ones, so that the next run begins like this one. Takes a fraction of a millisecond with an elliptic curve, a
    /// tenth of a second or more with RSA: not for an event loop.
    ///
    /// - Throws: ``SimulatorError``: `revoked-not-renewed`, since a CA gives no new certificate to a device that it
    ///   revoked; or if none can be made.
    func renew(_ device: SimulatedDevice) throws(SimulatorError) -> DeviceCredential {
        let request = CredentialRequest(device)
        guard request.kind != .revoked else {
            throw .options("revoked-not-renewed", "\(request.label) is revoked, and gets no new certificate")
        }
        guard let issued = try issue(request) else { return .none }
        return DeviceCredential(chainPEM: issued.chainPEM, privateKeyPEM: issued.privateKeyPEM)
    }

    /// What one task made.
    private struct Batch {
        var credentials: [DeviceCredential] = []
        var fromCache = 0
        /// Serial numbers.
        var revoked: [String] = []
    }

    private func batch(_ requests: ArraySlice<CredentialRequest>) throws -> Batch {
        var batch = Batch()
        batch.credentials.reserveCapacity(requests.count)
        for request in requests {
            try Task.checkCancellation()
            if let entry = try cache?.entry(for: request) {
                batch.credentials.append(entry.credential)
                batch.fromCache += 1
                if request.kind == .revoked { batch.revoked.append(entry.serialNumber) }
                continue
            }
            guard let issued = try issue(request) else {
                batch.credentials.append(.none)
                continue
            }
            try cache?.store(issued, for: request)
            batch.credentials.append(
                DeviceCredential(chainPEM: issued.chainPEM, privateKeyPEM: issued.privateKeyPEM))
            if request.kind == .revoked { batch.revoked.append(issued.serialNumber) }
        }
        return batch
    }
}

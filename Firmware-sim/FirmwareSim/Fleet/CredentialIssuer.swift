import FleetPKI
import Foundation

/// Makes the devices' keys and certificates, on all cores at once, or takes them from a cache of an earlier run.
struct CredentialIssuer: Sendable {
    let authority: CertificateAuthority
    /// Nil: nothing is kept.
    let cache: CredentialCache?
    /// Whole days the certificates are valid for.
    let validityDays: Int

    struct Progress: Sendable, Equatable {
        var done: Int
        var total: Int
        var fromCache: Int
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

    /// The credentials of all devices, in their order.
    ///
    /// - Parameter progress: Called one call at a time, for each few hundred devices.
    /// - Throws: ``SimulatorError`` if one cannot be made or the cache cannot be written; `CancellationError`.
    func credentials(
        for devices: [SimulatedDevice], progress: (Progress) -> Void
    ) async throws -> [DeviceCredential] {
        let workers = max(1, min(ProcessInfo.processInfo.activeProcessorCount, devices.count))
        let chunkSize = max(1, min(256, devices.count / (workers * 4)))
        let chunks = stride(from: 0, to: devices.count, by: chunkSize).map {
            $0..<min($0 + chunkSize, devices.count)
        }
        var results = [[DeviceCredential]](repeating: [], count: chunks.count)
        var state = Progress(done: 0, total: devices.count, fromCache: 0)
        try await withThrowingTaskGroup(of: (Int, [DeviceCredential], Int).self) { group in
            var remaining = chunks.indices.makeIterator()
            func addNext() {
                guard let index = remaining.next() else { return }
                let slice = Array(devices[chunks[index]])
                group.addTask {
                    let made = try issue(slice)
                    return (index, made.credentials, made.fromCache)
                }
            }
            for _ in 0..<workers { addNext() }
            while let (index, credentials, fromCache) = try await group.next() {
                results[index] = credentials
                state.done += credentials.count
                state.fromCache += fromCache
                progress(state)
                addNext()
            }
        }
        return results.flatMap(\.self)
    }

    private func issue(_ devices: [SimulatedDevice]) throws -> (credentials: [DeviceCredential], fromCache: Int) {
        var credentials: [DeviceCredential] = []
        credentials.reserveCapacity(devices.count)
        var fromCache = 0
        for device in devices {
            try Task.checkCancellation()
            if let cached = try cache?.credential(for: device) {
                credentials.append(cached)
                fromCache += 1
                continue
            }
            let credential = try issue(device)
            try cache?.store(credential, for: device)
            credentials.append(credential)
        }
        return (credentials, fromCache)
    }

    private func issue(_ device: SimulatedDevice) throws(SimulatorError) -> DeviceCredential {
        let template = CertificateTemplate(
            subject: device.subject.attributes.map { ($0.type.rawValue, $0.value) },
            alternativeNames: device.alternativeNames.map { name in
                switch name.kind {
                case .dns: .dns(name.value)
                case .uri: .uri(name.value)
                case .email: .email(name.value)
                }
            },
            purpose: .client,
            notAfter: Date().addingTimeInterval(Double(validityDays) * 86_400)
        )
        do {
            let issued = try authority.issue(template)
            return DeviceCredential(chainPEM: issued.chainPEM, privateKeyPEM: issued.privateKeyPEM)
        } catch {
            throw .options(
                error.code.rawValue,
                "no certificate for device \(device.number) of fleet \(device.fleet) "
                    + "(\(device.subject.text)): \(error.message)")
        }
    }
}

import DeviceRegistry
import FleetPolicy
import Foundation
import Gateway
import Logging
import NIOMbedTLS
import ServiceLifecycle

/// Writes what happens on the data plane to the log, one line for each event, and hands it to all who want to know: the
/// audit log, the journal and inventory, the registry, and whoever looks for revocation lists.
///
/// Ends when the gateway has no more to say; graceful shutdown itself does not end it, so that the last sessions' ends
/// are in the log.
struct EventLog: Service {
    let events: GatewayEvents
    /// Events that did not fit into the stream since the start.
    let lostCount: @Sendable () -> Int
    let registry: DeviceRegistry
    let authority: RegistryAuthority
    let trust: TrustAssembly
    let publisher: SnapshotPublisher
    /// Nil: no audit log is kept.
    let audit: AuditLog?
    /// Nil: nothing is observed.
    let observer: Observer?
    let logger: Logger

    /// Chains that wait to be looked at; further ones are left out. A CA whose list is required and missing is named
    /// again by the next device.
    private static let chainsMax = 256

    private typealias Chain = (certificates: [PeerCertificate], anchor: [UInt8])

    func run() async throws {
        let (chains, chainsIn) = AsyncStream.makeStream(
            of: Chain.self, bufferingPolicy: .bufferingOldest(Self.chainsMax))
        // Not in this task: it reads certificates, and the log must not wait.
        let trust = self.trust
        let looking = Task {
            for await chain in chains { await trust.saw(chain: chain.certificates, under: chain.anchor) }
        }
        defer {
            chainsIn.finish()
            looking.cancel()
        }
        var lost = (count: 0, since: Date())
        for await batch in self.events {
            let now = Date()
            let lostCount = self.lostCount()
            if lostCount > lost.count {
                self.audit?.lose(lostCount - lost.count, since: lost.since, until: now)
                lost.count = lostCount
            }
            lost.since = now
            if let audit = self.audit {
                let names = await self.publisher.anchorNames
                audit.append(batch.compactMap { AuditEntry(event: $0, at: now) { names[$0] } })
            }
            for event in batch {
                self.log(event)
                self.observer?.observe(event, at: now)
                self.tellRegistry(event)
                if case .chainSeen(let chain, let anchor) = event { chainsIn.yield((chain, anchor)) }
            }
        }
        // The gateway is done, its broker and the monitoring are not yet: a service must not end before its turn.
        try await gracefulShutdown()
    }

    private func tellRegistry(_ event: GatewayEvent) {
        switch event {
        case .sessionEstablished(let connection, let device, let certificate, _, _):
            self.registry.record(
                Sighting(
                    key: DeviceKey(tenant: device.tenant, deviceID: device.deviceID),
                    at: Int64(Date().timeIntervalSince1970), address: connection.remoteAddress,
                    // A resumed session has no certificate to be kept; the one that it began with was seen before.
                    certificate: certificate.isWhole ? SeenCertificate(certificate) : nil))
        case .registrationWanted(let connection, let need, let certificate):
            // In a task of its own: the log must not wait for the registry. The gateway bounds how many come.
            let (authority, seen) = (self.authority, SeenCertificate(certificate))
            Task { await authority.enqueue(need, seen, address: connection.remoteAddress) }
        case .connectionsRefused, .handshakeFailed, .policyDenied, .chainSeen, .packetDenied, .sessionEnded:
            break
        }
    }

    private func log(_ event: GatewayEvent) {
        switch event {
        case .connectionsRefused(let reason, let count):
            self.logger.log(
                .warning, "connections refused before their handshake",
                fields: [.reason: "\(reason)", .count: "\(count)"])
        case .handshakeFailed(let connection, let error):
            var fields = self.fields(connection)
            fields.add(error.peerCertificate)
            fields[.reason] = "\(error.code.rawValue)"
            fields[.fault] = "\(error.fault.rawValue)"
            fields[.detail] = "\(error.detail)"
            self.logger.log(.notice, "handshake failed", fields: fields)
        case .policyDenied(let connection, let certificate, let reason, let detail, _):
            var fields = self.fields(connection)
            fields.add(certificate)
            fields[.reason] = "\(reason)"
            fields[.detail] = "\(detail)"
            self.logger.log(.notice, "certificate refused by the profiles", fields: fields)
        case .chainSeen:
            // Whoever finds a list by it says so.
            break
        case .registrationWanted:
            // What becomes of it is logged by who registers.
            break
        case .sessionEstablished(let connection, let device, _, let clientID, _):
            var fields = self.fields(connection)
            fields.add(device)
            fields[.clientID] = .string(clientID)
            self.logger.log(.info, "session established", fields: fields)
        case .packetDenied(let connection, let device, let reason):
            var fields = self.fields(connection)
            fields.add(device)
            fields[.reason] = "\(reason)"
            self.logger.log(.notice, "packet refused by the profile", fields: fields)
        case .sessionEnded(let connection, let device, _, let end):
            var fields = self.fields(connection)
            fields.add(device)
            fields[.reason] = .string(end.code.rawValue)
            fields[.fault] = .string(end.fault.rawValue)
            fields[.detail] = .string(end.detail)
            self.logger.log(.info, "session ended", fields: fields)
        }
    }

    private func fields(_ connection: ConnectionDescription) -> LogFields {
        [.connection: .stringConvertible(connection.id), .client: .string(connection.remoteAddress)]
    }
}

extension LogFields {
    fileprivate mutating func add(_ device: DeviceDescription?) {
        guard let device else { return }
        self[.device] = .string(device.deviceID)
        self[.tenant] = .string(device.tenant)
        self[.profile] = .string(device.profile)
        if let quarantine = device.quarantine { self[.quarantine] = .string(quarantine.rawValue) }
    }

    fileprivate mutating func add(_ certificate: PeerCertificate?) {
        guard let certificate else { return }
        self[.subject] = .string(certificate.subjectDescription)
        self[.issuer] = .string(certificate.issuerDescription)
        self[.serial] = .string(certificate.serialNumberHex)
        self[.fingerprint] = .string(certificate.sha256FingerprintHex)
    }
}

import DeviceRegistry
import FleetPolicy
import Foundation
import Gateway
import Logging
import NIOMbedTLS
import ServiceLifecycle

/// Writes what happens on the data plane to the log, one line for each event, and tells the registry of the devices that
/// were seen.
///
/// Ends when the gateway has no more to say; graceful shutdown itself does not end it, so that the last sessions' ends
/// are in the log.
struct EventLog: Service {
    let events: AsyncStream<GatewayEvent>
    let registry: DeviceRegistry
    let authority: RegistryAuthority
    let logger: Logger

    func run() async throws {
        for await event in self.events {
            self.log(event)
            await self.tellRegistry(event)
        }
        // The gateway is done, its broker and the monitoring are not yet: a service must not end before its turn.
        try await gracefulShutdown()
    }

    private func tellRegistry(_ event: GatewayEvent) async {
        switch event {
        case .sessionEstablished(let connection, let device, let certificate, _):
            self.registry.record(
                Sighting(
                    key: DeviceKey(tenant: device.tenant, deviceID: device.deviceID),
                    at: Int64(Date().timeIntervalSince1970), address: connection.remoteAddress,
                    certificate: SeenCertificate(certificate)))
        case .registrationWanted(let connection, let need, let certificate):
            // In a task of its own: the log must not wait for the registry. The gateway bounds how many come.
            let (authority, seen) = (self.authority, SeenCertificate(certificate))
            Task { await authority.enqueue(need, seen, address: connection.remoteAddress) }
        case .connectionsRefused, .handshakeFailed, .policyDenied, .packetDenied, .sessionEnded:
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
            fields.merge(self.fields(error.peerCertificate)) { $1 }
            fields[.reason] = "\(error.code.rawValue)"
            fields[.fault] = "\(error.fault.rawValue)"
            fields[.detail] = "\(error.detail)"
            self.logger.log(.notice, "handshake failed", fields: fields)
        case .policyDenied(let connection, let certificate, let reason, let detail):
            var fields = self.fields(connection)
            fields.merge(self.fields(certificate)) { $1 }
            fields[.reason] = "\(reason)"
            fields[.detail] = "\(detail)"
            self.logger.log(.notice, "certificate refused by the profiles", fields: fields)
        case .registrationWanted:
            // What becomes of it is logged by who registers.
            break
        case .sessionEstablished(let connection, let device, _, let clientID):
            var fields = self.fields(connection).merging(self.fields(device)) { $1 }
            fields[.clientID] = "\(clientID)"
            self.logger.log(.info, "session established", fields: fields)
        case .packetDenied(let connection, let device, let reason):
            var fields = self.fields(connection).merging(self.fields(device)) { $1 }
            fields[.reason] = "\(reason)"
            self.logger.log(.notice, "packet refused by the profile", fields: fields)
        case .sessionEnded(let connection, let device, let end):
            var fields = self.fields(connection).merging(self.fields(device)) { $1 }
            fields[.reason] = "\(end.code.rawValue)"
            fields[.fault] = "\(end.fault.rawValue)"
            fields[.detail] = "\(end.detail)"
            self.logger.log(.info, "session ended", fields: fields)
        }
    }

    private func fields(_ connection: ConnectionDescription) -> [LogMetadataKey: Logger.MetadataValue] {
        [.connection: "\(connection.id)", .client: "\(connection.remoteAddress)"]
    }

    private func fields(_ device: DeviceDescription?) -> [LogMetadataKey: Logger.MetadataValue] {
        guard let device else { return [:] }
        var fields: [LogMetadataKey: Logger.MetadataValue] = [
            .device: "\(device.deviceID)", .tenant: "\(device.tenant)", .profile: "\(device.profile)",
        ]
        if let quarantine = device.quarantine { fields[.quarantine] = "\(quarantine.rawValue)" }
        return fields
    }

    private func fields(_ certificate: PeerCertificate?) -> [LogMetadataKey: Logger.MetadataValue] {
        guard let certificate else { return [:] }
        return [
            .subject: "\(certificate.subjectDescription)", .issuer: "\(certificate.issuerDescription)",
            .serial: "\(certificate.serialNumberHex)", .fingerprint: "\(certificate.sha256FingerprintHex)",
        ]
    }
}

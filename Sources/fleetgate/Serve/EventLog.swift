import Gateway
import Logging
import NIOMbedTLS
import ServiceLifecycle

/// Writes what happens on the data plane to the log, one line for each event.
///
/// Ends when the gateway has no more to say; graceful shutdown itself does not end it, so that the last sessions' ends
/// are in the log.
struct EventLog: Service {
    let events: AsyncStream<GatewayEvent>
    let logger: Logger

    func run() async throws {
        for await event in self.events { self.log(event) }
        // The gateway is done, its broker and the monitoring are not yet: a service must not end before its turn.
        try await gracefulShutdown()
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
        case .sessionEstablished(let connection, let device):
            self.logger.log(
                .info, "session established",
                fields: self.fields(connection).merging(self.fields(device)) { $1 })
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
        return [
            .device: "\(device.deviceID)", .tenant: "\(device.tenant)", .profile: "\(device.profile)",
        ]
    }

    private func fields(_ certificate: PeerCertificate?) -> [LogMetadataKey: Logger.MetadataValue] {
        guard let certificate else { return [:] }
        return [
            .subject: "\(certificate.subjectDescription)", .issuer: "\(certificate.issuerDescription)",
            .serial: "\(certificate.serialNumberHex)", .fingerprint: "\(certificate.sha256FingerprintHex)",
        ]
    }
}

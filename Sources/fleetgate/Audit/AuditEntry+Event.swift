import FleetPolicy
import Foundation
import Gateway
import NIOMbedTLS

extension AuditEntry {
    /// What an event of the gateway is to the audit log. Nil where nothing was decided.
    ///
    /// A handshake that failed without a verified certificate is only summed up: anybody can have as many of those as
    /// his line carries. A certificate whose chain is good was issued by somebody, and is written one by one up to
    /// ``AuditLimits/refusalsPerMinute``; in `policyDenied` its holder has not yet proved that he has the key.
    ///
    /// - Parameters:
    ///   - at: When it happened.
    ///   - anchorName: The name of the trust anchor bundle that a certificate with this SHA-256 is in.
    init?(event: GatewayEvent, at date: Date, anchorName: ([UInt8]) -> String? = { _ in nil }) {
        let now = UTCTime.milliseconds(date)
        switch event {
        case .connectionsRefused(let reason, let count):
            self.init(.refusals, at: now, volume: .summed(AuditSum(.accept, reason: reason), count: count), [])
        case .handshakeFailed(let connection, let error):
            let sum = AuditSum(
                .handshake, reason: error.code.rawValue, fault: error.fault.rawValue, listener: connection.listener)
            self.init(.refusals, at: now, volume: .summed(sum, count: 1), [])
        case .policyDenied(let connection, let certificate, let reason, let detail, let clientHello):
            let sum = AuditSum(.certificate, reason: reason, fault: "device", listener: connection.listener)
            self.init(
                .decision, at: now, volume: .limited(sum),
                Self.outcome("refused", stage: .certificate, reason, fault: "device")
                    + Self.certificate(certificate) + Self.connection(connection)
                    + [.text(.sni, clientHello?.serverName), .text(.detail, detail)])
        case .chainSeen: return nil
        case .registrationWanted(let connection, let need, let certificate):
            let sum = AuditSum(.certificate, reason: "registration-wanted", listener: connection.listener)
            self.init(
                .decision, at: now, volume: .limited(sum),
                Self.outcome("refused", stage: .certificate, "registration-wanted", fault: "none")
                    + [.text(.device, need.key.deviceID), .text(.tenant, need.key.tenant)]
                    + Self.certificate(certificate) + Self.connection(connection))
        case .sessionEstablished(let connection, let device, let certificate, let clientID, let handshake):
            self.init(
                .decision, at: now, volume: .begins(connection: connection.id),
                Self.outcome("established", stage: nil, nil, fault: nil) + Self.device(device)
                    + [.text(.clientID, clientID)] + Self.certificate(certificate)
                    + Self.anchor(handshake, anchorName) + Self.connection(connection) + Self.handshake(handshake))
        case .packetDenied(let connection, let device, let reason):
            let sum = AuditSum(
                .packet, reason: reason, fault: "device", tenant: device.tenant, device: device.deviceID,
                listener: connection.listener)
            self.init(.refusals, at: now, volume: .summed(sum, count: 1), [])
        case .sessionEnded(let connection, let device, let handshake, let end):
            self.init(ended: connection, device, handshake, end, at: now, anchorName)
        }
    }

    private init(
        ended connection: ConnectionDescription, _ device: DeviceDescription?, _ handshake: HandshakeDescription?,
        _ end: SessionEnd, at now: Int64, _ anchorName: ([UInt8]) -> String?
    ) {
        let reason = end.code.rawValue
        let fault = end.fault.rawValue
        guard let device else {
            let sum = AuditSum(.handshake, reason: reason, fault: fault, listener: connection.listener)
            self.init(.refusals, at: now, volume: .summed(sum, count: 1), [])
            return
        }
        let sum = AuditSum(
            .connect, reason: reason, fault: fault, tenant: device.tenant, device: device.deviceID,
            listener: connection.listener)
        let since = handshake.map { now - max(0, min($0.finishedAt, .max / 1_000)) * 1_000 }
        self.init(
            .sessionEnded, at: now, volume: .ends(connection: connection.id, sum),
            [.text(.reason, reason), .text(.fault, fault)] + Self.device(device)
                + [
                    .hexadecimal(.certificate, handshake?.certificateSHA256),
                    .hexadecimal(.serial, handshake?.certificate?.serialNumber),
                ] + Self.anchor(handshake, anchorName) + Self.connection(connection) + Self.handshake(handshake)
                + [since.map { .number(.milliseconds, max(0, $0)) }, .text(.detail, end.detail)])
    }

    private static func outcome(
        _ outcome: String, stage: AuditSum.Stage?, _ reason: String?, fault: String?
    ) -> [AuditField?] {
        [
            .text(.outcome, outcome), .text(.stage, stage?.rawValue), .text(.reason, reason), .text(.fault, fault),
        ]
    }

    private static func device(_ device: DeviceDescription) -> [AuditField?] {
        [
            .text(.device, device.deviceID), .text(.tenant, device.tenant), .text(.profile, device.profile),
            .text(.quarantine, device.quarantine?.rawValue),
        ]
    }

    private static func certificate(_ certificate: PeerCertificate) -> [AuditField?] {
        [
            .hexadecimal(.certificate, certificate.sha256Fingerprint), .text(.subject, certificate.subjectDescription),
            .text(.issuer, certificate.issuerDescription),
            // As in revocation lists: without leading zeros.
            .hexadecimal(.serial, Array(certificate.serialNumber.drop { $0 == 0 })),
            .time(.notAfter, certificate.notAfter.multipliedReportingOverflow(by: 1_000).partialValue),
        ]
    }

    private static func anchor(
        _ handshake: HandshakeDescription?, _ name: ([UInt8]) -> String?
    ) -> [AuditField?] {
        [
            .text(.trustAnchor, handshake?.trustAnchorSHA256.flatMap(name)),
            .hexadecimal(.trustAnchorSHA256, handshake?.trustAnchorSHA256),
        ]
    }

    private static func connection(_ connection: ConnectionDescription) -> [AuditField?] {
        [
            .number(.connection, connection.id), .text(.address, connection.remoteAddress),
            .text(.listener, connection.listener),
        ]
    }

    private static func handshake(_ handshake: HandshakeDescription?) -> [AuditField?] {
        guard let handshake else { return [] }
        return [
            .text(.sni, handshake.serverName), .text(.tls, handshake.version.description),
            .flag(.resumed, handshake.isResumed),
        ]
    }
}

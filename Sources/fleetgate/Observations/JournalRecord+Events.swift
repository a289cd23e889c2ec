import DeviceRegistry
import FleetPolicy
import Gateway
import NIOMbedTLS

extension JournalRecord {
    /// A TLS handshake that failed.
    init(_ error: TLSError, _ connection: ConnectionDescription, hint: String, at seconds: Int64) {
        var detail = error.detail
        if let deniedCode = error.deniedCode { detail += " [\(deniedCode)]" }
        var alerts: [String] = []
        if let alert = error.alertSent { alerts.append("sent \(alert)") }
        if let alert = error.alertReceived { alerts.append("received \(alert)") }
        self.init(
            at: seconds, address: ClientNetwork.host(ofAddress: connection.remoteAddress),
            listener: connection.listener, reason: error.code.rawValue, detail: detail, hint: hint,
            alert: alerts.joined(separator: ", "), certificate: error.peerCertificate.map(Certificate.init),
            offer: error.clientHello.map(Offer.init))
    }

    /// A certificate that is genuine and was refused.
    init(
        denied reason: String, detail: String, _ certificate: PeerCertificate, _ hello: TLSClientHello?,
        _ connection: ConnectionDescription, at seconds: Int64
    ) {
        self.init(
            at: seconds, address: ClientNetwork.host(ofAddress: connection.remoteAddress),
            listener: connection.listener, reason: reason, detail: detail,
            hint: RefusalHint.text(forReason: reason), certificate: Certificate(certificate),
            offer: hello.map(Offer.init))
    }

    /// A connection whose handshake was finished, and whose CONNECT was refused.
    init(
        refused end: SessionEnd, _ device: DeviceDescription?, _ handshake: HandshakeDescription?,
        _ connection: ConnectionDescription, at seconds: Int64
    ) {
        self.init(
            at: seconds, address: ClientNetwork.host(ofAddress: connection.remoteAddress),
            listener: connection.listener, reason: end.code.rawValue, detail: end.detail,
            hint: RefusalHint.text(forReason: end.code.rawValue),
            device: device.map { "\(DeviceKey(tenant: $0.tenant, deviceID: $0.deviceID))" } ?? "",
            certificate: handshake.map { Certificate(fingerprint: HexadecimalText.text($0.certificateSHA256)) })
    }

    /// Connections that were refused before their handshake.
    init(refusedBeforeHandshake reason: String, count: Int, at seconds: Int64) {
        self.init(
            at: seconds, count: Int64(count), address: "", listener: "", reason: reason,
            detail: "connections refused before their handshake, of all addresses")
    }
}

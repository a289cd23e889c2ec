internal import MQTTCodec

extension SessionEnd.Code {
    /// The client identifier of CONNECT is not one that the profile's rule allows.
    public static let clientIDDenied = SessionEnd.Code(rawValue: "client-id-denied")
    /// More QoS 1 and 2 PUBLISH packets under way than the CONNACK allowed (MQTT-3.3.4-9).
    public static let receiveMaximumExceeded = SessionEnd.Code(rawValue: "receive-maximum-exceeded")
    /// More bytes than the profile allows, where the profile says to disconnect.
    public static let byteRateExceeded = SessionEnd.Code(rawValue: "byte-rate-exceeded")
    /// New rules no longer permit a subscription, where the profile says to disconnect, or where the gateway cannot
    /// unsubscribe.
    public static let subscriptionLost = SessionEnd.Code(rawValue: "subscription-lost")
    /// A packet of the gateway's own, or one it had to make longer, is longer than its receiver takes (MQTT-3.1.2-24).
    public static let packetTooLarge = SessionEnd.Code(rawValue: "packet-too-large")
    /// The device's certificate, or a CA's above it, was revoked.
    public static let certificateRevoked = SessionEnd.Code(rawValue: "certificate-revoked")
    /// No OCSP responder says whether the device's certificate is revoked, and the trust anchor's rules ask for it.
    public static let revocationUnknown = SessionEnd.Code(rawValue: "revocation-unknown")
}

extension SessionEnd {
    /// The trust anchor's rules ask for a responder's answer, and there is none.
    static func revocationUnknown(_ detail: String) -> SessionEnd {
        SessionEnd(.revocationUnknown, .gateway, answer: .serverUnavailable, detail)
    }

    /// The operator's word, or what the control plane found out, ends a session that is otherwise in order.
    init(byOperator code: Code, _ detail: String) {
        let answer: MQTTReasonCode =
            switch code {
            case .certificateRevoked, .revocationUnknown, .certificateExpired: .notAuthorized
            case _: .administrativeAction
            }
        self.init(code, .operator, answer: answer, detail)
    }
}

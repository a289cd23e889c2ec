internal import MQTTCodec
internal import NIOMbedTLS

/// Why a connection ended: one value, the same in the log, the metrics and the answer to the device.
public struct SessionEnd: Error, Sendable, Hashable, CustomStringConvertible {
    /// Whose doing it was.
    public enum Fault: String, Sendable, Hashable, CaseIterable {
        /// Nobody's: the device said good-bye.
        case none
        /// The device's: what it presented or sent is refused.
        case device
        /// The network's, or the device's power supply's: the connection broke.
        case network
        /// The broker's behind the gateway.
        case upstream
        /// The operator's decision: profile, shutdown.
        case `operator`
        /// The gateway's own.
        case gateway
    }

    /// A stable name for the reason. TLS failures and malformed packets carry the codes of `TLSError` and
    /// `MQTTProtocolError`, policy denials those of `PolicyDenial`; the codes here are the session's own.
    public struct Code: RawRepresentable, Sendable, Hashable {
        public let rawValue: String

        public init(rawValue: String) {
            self.rawValue = rawValue
        }

        /// The device sent DISCONNECT.
        public static let deviceDisconnected = Code(rawValue: "device-disconnected")
        /// The device's connection ended without DISCONNECT.
        public static let deviceClosed = Code(rawValue: "device-closed")
        /// The transport to the device failed (reset, time-out of TCP).
        public static let deviceTransport = Code(rawValue: "device-transport")
        /// No complete CONNECT within `GatewayLimits.connectTimeout`.
        public static let connectTimeout = Code(rawValue: "connect-timeout")
        /// The first packet was not CONNECT, or a later one was (MQTT-3.1.0-1, MQTT-3.1.0-2).
        public static let connectMisplaced = Code(rawValue: "connect-misplaced")
        /// A packet type that only a server sends, or AUTH without an authentication method.
        public static let unexpectedPacket = Code(rawValue: "unexpected-packet")
        /// CONNECT named an authentication method; the certificate is the authentication.
        public static let enhancedAuthentication = Code(rawValue: "enhanced-authentication-unsupported")
        /// The will's topic, QoS or retain flag is outside the profile.
        public static let willDenied = Code(rawValue: "will-denied")
        /// The keep-alive is outside the profile's range and the protocol version cannot negotiate it.
        public static let keepAliveOutOfRange = Code(rawValue: "keep-alive-out-of-range")
        /// An unauthorised PUBLISH, where the profile says to disconnect.
        public static let publishDenied = Code(rawValue: "publish-denied")
        /// A topic alias that was never set, is 0, or is above the maximum (MQTT-3.3.2-8, -9, -12).
        public static let topicAliasInvalid = Code(rawValue: "topic-alias-invalid")
        /// More messages than the profile allows, where the profile says to disconnect.
        public static let messageRateExceeded = Code(rawValue: "message-rate-exceeded")
        /// More exchanges under way than the gateway remembers.
        public static let exchangesExceeded = Code(rawValue: "exchanges-exceeded")
        /// The broker could not be reached.
        public static let upstreamUnavailable = Code(rawValue: "upstream-unavailable")
        /// The broker did not answer CONNECT in time.
        public static let upstreamTimeout = Code(rawValue: "upstream-timeout")
        /// The broker refused CONNECT.
        public static let upstreamRefused = Code(rawValue: "upstream-refused")
        /// The broker closed the connection.
        public static let upstreamClosed = Code(rawValue: "upstream-closed")
        /// The broker sent DISCONNECT.
        public static let upstreamDisconnected = Code(rawValue: "upstream-disconnected")
        /// The broker sent something that is not MQTT, or above the limits.
        public static let upstreamProtocolError = Code(rawValue: "upstream-protocol-error")
        /// The profile asks for a password, and CONNECT has none.
        public static let passwordRequired = Code(rawValue: "password-required")
        /// CONNECT's password is not the device's.
        public static let badPassword = Code(rawValue: "bad-password")
        /// More wrong passwords of the device than `GatewayLimits.wrongPasswordsPerMinute`.
        public static let passwordAttemptsExceeded = Code(rawValue: "password-attempts-exceeded")
        /// Who answers for registrations and passwords cannot be asked, or cannot answer.
        public static let admissionUnavailable = Code(rawValue: "admission-unavailable")
        /// No answer about the device within `GatewayLimits.admissionTimeout`.
        public static let admissionTimeout = Code(rawValue: "admission-timeout")
        /// The device connected again, and has as many connections as its profile allows.
        public static let sessionTakenOver = Code(rawValue: "session-taken-over")
        /// The device has as many connections as its profile allows, and the profile refuses one more.
        public static let tooManyConnections = Code(rawValue: "too-many-connections")
        /// The profile names an upstream that the configuration does not have.
        public static let unknownUpstream = Code(rawValue: "unknown-upstream")
        /// The operator ended the session.
        public static let endedByOperator = Code(rawValue: "ended-by-operator")
        /// The device's certificate reached its notAfter.
        public static let certificateExpired = Code(rawValue: "certificate-expired")
        /// New profiles give this certificate another identity or other subscriptions.
        public static let profileChanged = Code(rawValue: "profile-changed")
        /// The gateway is shutting down.
        public static let shuttingDown = Code(rawValue: "shutting-down")
        /// A defect of the gateway, contained.
        public static let internalError = Code(rawValue: "internal-error")
    }

    public let code: Code
    public let fault: Fault
    /// For people; holds nothing a peer sent and no secret.
    public let detail: String
    /// What an MQTT 5.0 device is told, in CONNACK or DISCONNECT; `nil` where it gets no word (it left by itself).
    let answer: MQTTReasonCode?
    /// The profile's reason, where the end is its answer to a packet: counted like a packet that is only kept back.
    let denial: String?

    init(
        _ code: Code, _ fault: Fault, answer: MQTTReasonCode?, denial: String? = nil, _ detail: String
    ) {
        self.denial = denial
        self.code = code
        self.fault = fault
        self.answer = answer
        self.detail = detail
    }

    public var description: String { "\(self.code.rawValue) (\(self.fault.rawValue)): \(self.detail)" }
}

extension SessionEnd {
    /// The device's bytes are not acceptable MQTT.
    init(deviceError error: MQTTProtocolError) {
        self.init(
            Code(rawValue: error.code.rawValue), .device, answer: error.reasonCode, "\(error.detail) [\(error.clause)]"
        )
    }

    /// The broker's bytes are not acceptable MQTT.
    init(upstreamError error: MQTTProtocolError) {
        self.init(
            .upstreamProtocolError, .upstream, answer: .serverBusy,
            "\(error.code.rawValue): \(error.detail) [\(error.clause)]"
        )
    }

    static func deviceDisconnected() -> SessionEnd {
        SessionEnd(.deviceDisconnected, .none, answer: nil, "the device sent DISCONNECT")
    }

    static func deviceClosed() -> SessionEnd {
        SessionEnd(.deviceClosed, .network, answer: nil, "the connection ended without DISCONNECT")
    }

    static func shuttingDown() -> SessionEnd {
        SessionEnd(.shuttingDown, .operator, answer: .serverShuttingDown, "the gateway is shutting down")
    }

    static func upstreamClosed() -> SessionEnd {
        SessionEnd(.upstreamClosed, .upstream, answer: .serverBusy, "the broker closed the connection")
    }

    static func unexpectedPacket(_ type: MQTTPacketType) -> SessionEnd {
        SessionEnd(.unexpectedPacket, .device, answer: .protocolError, "a device does not send \(type) here")
    }
}

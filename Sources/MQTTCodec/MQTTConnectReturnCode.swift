/// The return code of a CONNACK in MQTT 3.1.1 (section 3.2.2.3).
public enum MQTTConnectReturnCode: UInt8, Sendable, Hashable, CaseIterable {
    case accepted = 0
    case unacceptableProtocolVersion = 1
    case identifierRejected = 2
    case serverUnavailable = 3
    case badUserNameOrPassword = 4
    case notAuthorized = 5

    /// The MQTT 5.0 code of the same meaning.
    public var reasonCode: MQTTReasonCode {
        switch self {
        case .accepted: return .success
        case .unacceptableProtocolVersion: return .unsupportedProtocolVersion
        case .identifierRejected: return .clientIdentifierNotValid
        case .serverUnavailable: return .serverUnavailable
        case .badUserNameOrPassword: return .badUserNameOrPassword
        case .notAuthorized: return .notAuthorized
        }
    }

    /// The MQTT 3.1.1 code nearest to an MQTT 5.0 one, or nil where 3.1.1 has nothing to say: then the connection is
    /// closed without a CONNACK (MQTT 3.1.1 [MQTT-3.2.2-6]).
    public init?(_ reasonCode: MQTTReasonCode) {
        switch reasonCode {
        case .success:
            self = .accepted
        case .unsupportedProtocolVersion:
            self = .unacceptableProtocolVersion
        case .clientIdentifierNotValid:
            self = .identifierRejected
        case .serverUnavailable, .serverBusy, .serverShuttingDown, .quotaExceeded, .connectionRateExceeded,
            .useAnotherServer, .serverMoved:
            self = .serverUnavailable
        case .badUserNameOrPassword, .badAuthenticationMethod:
            self = .badUserNameOrPassword
        case .notAuthorized, .banned:
            self = .notAuthorized
        default:
            return nil
        }
    }
}

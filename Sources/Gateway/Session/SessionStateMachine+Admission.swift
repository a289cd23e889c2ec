internal import FleetPolicy
internal import MQTTCodec
internal import NIOCore

/// The answers to what a CONNECT in order still depends on.
extension SessionStateMachine {
    /// The authority has answered, or could not be asked.
    mutating func admissionAnswered(_ verdict: AdmissionVerdict) -> [Action] {
        switch self.state {
        case .admitting(let admission, let grant):
            switch verdict {
            case .admitted: return self.claim(admission, grant)
            case .refused(let code, let detail): return self.end(Self.refusal(code, detail))
            case .unavailable(let detail):
                return self.end(
                    SessionEnd(.admissionUnavailable, .gateway, answer: .serverUnavailable, detail)
                )
            }
        case .handshaking, .awaitingConnect, .claiming, .dialling, .awaitingConnack, .established:
            return self.end(Self.outOfTurn("the authority answered what was not asked"))
        case .ended:
            return []
        }
    }

    /// A device's wrong password is its own fault; that it may not register, or that its certificate was taken back, is
    /// what the operator wants. Where nobody knows, it may come back later.
    private static func refusal(_ name: String, _ detail: String) -> SessionEnd {
        let code = SessionEnd.Code(rawValue: name)
        return switch code {
        case .badPassword: SessionEnd(code, .device, answer: .badUserNameOrPassword, detail)
        case .passwordAttemptsExceeded: SessionEnd(code, .device, answer: .connectionRateExceeded, detail)
        case .revocationUnknown: .revocationUnknown(detail)
        case _: SessionEnd(code, .operator, answer: .notAuthorized, detail)
        }
    }

    /// Asks for a place among the device's connections. The deadline of `admitting` goes on.
    mutating func claim(_ admission: ConnectAdmission, _ grant: DeviceGrant) -> [Action] {
        self.state = .claiming(admission, grant)
        return [
            .claimPlace(
                ConnectionClaim(
                    key: grant.key, clientIdentifier: admission.upstreamConnect.clientIdentifier,
                    maximum: grant.limits.connections.maximum, onExceeded: grant.limits.connections.onExceeded,
                    takesOverOwnName: grant.clientIDRule == .extend
                )
            )
        ]
    }

    /// The device's other connections have made room, or do not.
    mutating func placeAnswered(_ answer: ConnectionClaim.Answer) -> [Action] {
        switch self.state {
        case .claiming(let admission, let grant):
            switch answer {
            case .granted:
                self.state = .dialling(admission, grant)
                return [.cancelDeadline, .dial(upstream: grant.upstreamName)]
            case .refused:
                return self.end(
                    SessionEnd(
                        .tooManyConnections, .device, answer: .quotaExceeded,
                        "the device has as many connections as its profile allows"
                    )
                )
            }
        case .handshaking, .awaitingConnect, .admitting, .dialling, .awaitingConnack, .established:
            return self.end(Self.outOfTurn("a place was given that was not asked for"))
        case .ended:
            return []
        }
    }
}

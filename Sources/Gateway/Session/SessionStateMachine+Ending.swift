internal import FleetPolicy
internal import MQTTCodec
internal import NIOCore

/// What comes from outside the connection: a new grant, and the end.
extension SessionStateMachine {
    /// The device's new grant, for the same identity, profile, broker and names: holds from the next packet on.
    mutating func regranted(_ grant: DeviceGrant, now: NIODeadline) -> [Action] {
        switch self.state {
        case .established:
            guard let version = self.carried?.version, self.carried?.permitsWill(grant) == true,
                let outcome = self.carried?.regranted(grant, now: now)
            else { return [.sendToBroker(Self.normalDisconnect)] + self.end(Self.connectNotPermitted) }
            var actions: [Action] = [
                .settleFraming(version, devicePacketBytesMax: self.devicePacketBytesMax(grant))
            ]
            actions += outcome.toBroker.map { .sendToBroker($0) }
            actions += outcome.denials.map { .countDenial($0) }
            if let end = outcome.end { actions += self.end(end) }
            return actions
        case .awaitingConnect:
            self.state = .awaitingConnect(grant)
            return []
        // Will, keep-alive, session expiry and the number of connections were judged by the grant before this one.
        case .admitting, .claiming, .dialling, .awaitingConnack:
            return self.end(Self.connectNotPermitted)
        case .handshaking, .ended:
            return []
        }
    }

    /// The device may come back at once, and is judged anew.
    private static let connectNotPermitted = SessionEnd(
        .profileChanged, .operator, answer: .serverBusy, "the new rules do not permit what CONNECT asked for"
    )

    /// Ends the session for a reason from outside: a side closed, an error, the policy, the operator. The device is told
    /// as far as its protocol has words for it. Later reasons are ignored: the first is the cause.
    mutating func end(_ end: SessionEnd) -> [Action] {
        let (state, carried) = (self.state, self.carried)
        self.state = .ended
        self.carried = nil
        switch state {
        case .ended:
            return []
        case .handshaking, .awaitingConnect:
            return [.cancelDeadline, .end(end)]
        case .awaitingConnack(let admission, _):
            // The broker may have the device's will already. What the operator ends is no accident of the device's, and a
            // DISCONNECT is what makes the broker forget the will (MQTT-3.14.4-3).
            let farewell = end.fault == .operator ? [Action.sendToBroker(Self.normalDisconnect)] : []
            return farewell
                + Self.refusal(end, admission.version, devicePacketBytesMax: admission.devicePacketBytesMax)
        case .admitting(let admission, _), .claiming(let admission, _), .dialling(let admission, _):
            return Self.refusal(end, admission.version, devicePacketBytesMax: admission.devicePacketBytesMax)
        case .established:
            guard let carried, carried.version == .v5, let code = end.answer else { return [.end(end)] }
            let bytesMax = UInt32(clamping: carried.agreement.devicePacketBytesMax)
            let properties = Self.reason(end, devicePacketBytesMax: bytesMax)
            let disconnectCode = code.isValid(in: .disconnect, from: .server) ? code : .unspecifiedError
            let packet = MQTTPacket.disconnect(MQTTDisconnect(reasonCode: disconnectCode, properties: properties))
            guard let bytes = Self.encoded(packet, version: .v5) else { return [.end(end)] }
            return [.sendToDevice(bytes), .end(end)]
        }
    }

    /// Refuses a CONNECT that has no state yet.
    mutating func refuse(
        _ end: SessionEnd, version: MQTTProtocolVersion, devicePacketBytesMax: UInt32?
    ) -> [Action] {
        self.state = .ended
        return Self.refusal(end, version, devicePacketBytesMax: devicePacketBytesMax)
    }

    private static func refusal(
        _ end: SessionEnd, _ version: MQTTProtocolVersion, devicePacketBytesMax: UInt32?
    ) -> [Action] {
        guard let code = end.answer else { return [.cancelDeadline, .end(end)] }
        let properties = version == .v5 ? Self.reason(end, devicePacketBytesMax: devicePacketBytesMax) : []
        let packet = MQTTPacket.connack(
            MQTTConnack(
                sessionPresent: false, reasonCode: Self.connackCode(code, version: version), properties: properties
            )
        )
        guard let bytes = Self.encoded(packet, version: version) else { return [.cancelDeadline, .end(end)] }
        return [.cancelDeadline, .sendToDevice(bytes), .end(end)]
    }

    /// What CONNACK can say of a reason. Some codes of MQTT 5.0 are DISCONNECT's alone; 3.1.1's few return codes are
    /// found by the codec, which has no answer for the rest.
    private static func connackCode(_ code: MQTTReasonCode, version: MQTTProtocolVersion) -> MQTTReasonCode {
        switch code {
        case .serverShuttingDown: return .serverUnavailable
        case .sessionTakenOver: return .serverBusy
        case .administrativeAction: return .notAuthorized
        case _:
            guard version == .v5, !code.isValid(in: .connack) else { return code }
            return .unspecifiedError
        }
    }

    /// The reason's name as a Reason String, if the device takes packets long enough for any of ours.
    private static func reason(_ end: SessionEnd, devicePacketBytesMax: UInt32?) -> MQTTProperties {
        guard (devicePacketBytesMax ?? .max) >= 128 else { return [] }
        return [.reasonString(end.code.rawValue)]
    }
}

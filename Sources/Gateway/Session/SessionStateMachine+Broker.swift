internal import FleetPolicy
internal import MQTTCodec
internal import NIOCore

/// What the broker does.
extension SessionStateMachine {
    /// The transport to the broker is up.
    mutating func upstreamConnected() -> [Action] {
        switch self.state {
        case .dialling(let admission, let grant):
            let connect = MQTTPacket.connect(admission.upstreamConnect)
            guard let bytes = Self.encoded(connect, version: admission.version) else {
                return self.end(Self.encodingFailed)
            }
            self.state = .awaitingConnack(admission, grant)
            return [
                .settleFraming(admission.version, devicePacketBytesMax: self.devicePacketBytesMax(grant)),
                .sendToBroker(bytes), .armDeadline(.connack),
            ]
        case .ended:
            return []
        case .handshaking, .awaitingConnect, .admitting, .claiming, .awaitingConnack, .established:
            return self.end(Self.outOfTurn("a broker was connected that was not dialled"))
        }
    }

    /// The longest packet taken from a device with this grant.
    func devicePacketBytesMax(_ grant: DeviceGrant) -> Int {
        min(self.limits.packetBytesMax, grant.limits.packetBytesMax)
    }

    /// The transport to the broker could not be had.
    mutating func upstreamFailed(_ detail: String) -> [Action] {
        self.end(SessionEnd(.upstreamUnavailable, .upstream, answer: .serverUnavailable, detail))
    }

    /// The broker sent a packet.
    mutating func receivedFromBroker(_ frame: MQTTFrame, now: NIODeadline) -> PacketAction {
        if let outcome = self.carried?.receivedFromBroker(frame) { return .carried(outcome) }
        switch self.state {
        case .awaitingConnack(let admission, let grant):
            return .lifecycle(self.connack(frame, admission, grant, now: now))
        case .established, .ended:
            return .lifecycle([])
        // Something that speaks first, and so no broker.
        case .dialling, .claiming, .admitting, .awaitingConnect, .handshaking:
            return .lifecycle(self.end(Self.brokerSpokeFirst))
        }
    }

    private static let brokerSpokeFirst = SessionEnd(
        .upstreamProtocolError, .upstream, answer: .serverUnavailable, "the broker sent a packet before CONNECT"
    )

    private mutating func connack(
        _ frame: MQTTFrame, _ admission: ConnectAdmission, _ grant: DeviceGrant, now: NIODeadline
    ) -> [Action] {
        let codecLimits = MQTTLimits(packetBytesMax: self.limits.packetBytesMax)
        let connack: MQTTConnack
        do {
            let packet = try MQTTPacket.decode(
                frame, version: admission.version, limits: codecLimits, sender: .server
            )
            guard case .connack(let received) = packet else {
                return self.end(
                    SessionEnd(
                        .upstreamProtocolError, .upstream, answer: .serverUnavailable,
                        "the broker answered CONNECT with \(frame.type)"
                    )
                )
            }
            connack = received
        } catch {
            return self.end(SessionEnd(upstreamError: error))
        }
        guard !connack.reasonCode.isError else {
            // The broker's own refusal is the device's answer, word for word.
            let end = SessionEnd(
                .upstreamRefused, .upstream, answer: nil, "the broker refused CONNECT with \(connack.reasonCode)"
            )
            return [.sendToDevice(frame.bytes)] + self.end(end)
        }
        let acceptance: ConnectAdmission.Acceptance
        do {
            acceptance = try admission.accepted(connack, limits: self.limits)
        } catch {
            return [.sendToBroker(Self.normalDisconnect)] + self.end(error)
        }
        guard let bytes = Self.encoded(.connack(acceptance.connack), version: admission.version) else {
            return [.sendToBroker(Self.normalDisconnect)] + self.end(Self.encodingFailed)
        }
        self.state = .established
        self.carried = CarriedSession(
            acceptance.agreement, grant: grant, terms: admission.terms, limits: self.limits, now: now)
        return [.cancelDeadline, .sendToDevice(bytes), .announceEstablished]
    }

    /// DISCONNECT (MQTT 5.0, section 3.14) in its shortest form, the same in both versions. It is what makes the broker
    /// forget a will (MQTT-3.14.4-3).
    static let normalDisconnect = ByteBuffer(bytes: [0xE0, 0x00])
}

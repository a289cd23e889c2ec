internal import FleetPolicy
internal import MQTTCodec
internal import NIOCore

/// What the device sends.
extension SessionStateMachine {
    /// Bytes of the longest password that is looked at; a longer one cannot be right, and hashing it is work.
    static let passwordBytesMax = 1_024

    /// The device sent a packet. `delay` is how long nothing more may be read from it.
    mutating func receivedFromDevice(
        _ frame: MQTTFrame, now: NIODeadline
    ) -> (action: PacketAction, delay: TimeAmount?) {
        if let (outcome, delay) = self.carried?.receivedFromDevice(frame, now: now) {
            return (.carried(outcome), delay)
        }
        switch self.state {
        case .awaitingConnect(let grant):
            return (.lifecycle(self.connect(frame, grant: grant)), nil)
        // The device is not read in these states, and what was read together with CONNECT is held by the handler: it
        // comes here only when the device has closed its connection, and the session's end follows at once.
        case .admitting, .claiming, .dialling, .awaitingConnack:
            return (.lifecycle([]), nil)
        case .handshaking:
            return (.lifecycle(self.end(Self.packetBeforeHandshake)), nil)
        case .established, .ended:
            return (.lifecycle([]), nil)
        }
    }

    private static let packetBeforeHandshake = SessionEnd(
        .internalError, .gateway, answer: nil, "a packet was delivered before the handshake was finished"
    )

    private mutating func connect(_ frame: MQTTFrame, grant: DeviceGrant) -> [Action] {
        let codecLimits = MQTTLimits(packetBytesMax: self.limits.packetBytesMax)
        let misplaced = SessionEnd(.connectMisplaced, .device, answer: nil, "the first packet is not CONNECT")
        guard frame.type == .connect else { return self.end(misplaced) }
        let connect: MQTTConnect
        do {
            let packet = try MQTTPacket.decode(frame, version: .v5, limits: codecLimits, sender: .client)
            guard case .connect(let received) = packet else { return self.end(misplaced) }
            connect = received
        } catch {
            return self.refuseUndecoded(frame, error)
        }
        do {
            return try self.admit(connect, grant: grant)
        } catch {
            return self.refuse(
                error, version: connect.version, devicePacketBytesMax: connect.properties.maximumPacketSize
            )
        }
    }

    private mutating func admit(_ connect: MQTTConnect, grant: DeviceGrant) throws(SessionEnd) -> [Action] {
        guard let credentials = self.upstreams.credentials(of: grant.upstreamName) else {
            throw SessionEnd(
                .unknownUpstream, .operator, answer: .serverUnavailable,
                "the profile names an upstream that the configuration does not have"
            )
        }
        let admission = try ConnectAdmission(
            connect, grant: grant, limits: self.limits, credentials: credentials
        )
        let password = try Self.password(of: connect, for: grant.secondFactor)
        guard grant.registration != nil || grant.secondFactor != nil || self.revocationRule != .off else {
            return [.armDeadline(.admission)] + self.claim(admission, grant)
        }
        self.state = .admitting(admission, grant)
        return [
            .armDeadline(.admission),
            .askAuthority(
                AdmissionQuestion(
                    registration: grant.registration, secondFactor: grant.secondFactor, password: password,
                    revocation: self.revocationRule
                )
            ),
        ]
    }

    /// The password, where the profile asks for one: what nobody asks for goes no further.
    private static func password(
        of connect: MQTTConnect, for secondFactor: SecondFactor?
    ) throws(SessionEnd) -> [UInt8]? {
        guard secondFactor != nil else { return nil }
        guard let password = connect.password else {
            throw SessionEnd(
                .passwordRequired, .device, answer: .badUserNameOrPassword,
                "the profile asks for a password, and CONNECT has none"
            )
        }
        guard password.readableBytes <= Self.passwordBytesMax else {
            throw SessionEnd(
                .badPassword, .device, answer: .badUserNameOrPassword, "the password is longer than any that is set"
            )
        }
        return Array(password.readableBytesView)
    }

    /// A CONNECT that does not decode is answered where the standard has an answer a client of its version can read:
    /// the unsupported version (MQTT-3.1.2-2) and the client identifier (MQTT-3.1.3-8); and for 5.0 any other.
    private mutating func refuseUndecoded(_ frame: MQTTFrame, _ error: MQTTProtocolError) -> [Action] {
        let end = SessionEnd(deviceError: error)
        guard let level = frame.connectProtocolLevel else { return self.end(end) }
        if level >= MQTTProtocolVersion.v5.rawValue {
            return self.refuse(end, version: .v5, devicePacketBytesMax: nil)
        }
        if error.code == .unsupportedProtocolVersion || error.code == .clientIdentifierRejected {
            return self.refuse(end, version: .v3_1_1, devicePacketBytesMax: nil)
        }
        return self.end(end)
    }
}

internal import FleetPolicy
internal import MQTTCodec
internal import NIOCore

/// One device's connection, from its accept to its end: a value that is told what happened and says what to do.
///
/// Nothing in it knows a channel, a clock or a metric; `DeviceSession` runs the actions.
struct SessionStateMachine {
    /// What to do, in the order given.
    enum Action {
        /// Start the clock for the next step of the peer named; it replaces a running one.
        case armDeadline(Deadline)
        case cancelDeadline
        /// Connect to the broker.
        case dial
        case sendToDevice(ByteBuffer)
        case sendToBroker(ByteBuffer)
        /// From here on packets are of this version; the device's may have this many bytes.
        case settleFraming(MQTTProtocolVersion, devicePacketBytesMax: Int)
        /// The session is carried from here on.
        case announceEstablished
        /// Close both sides, after what was sent to them has been written; report why.
        case end(SessionEnd)
    }

    /// What is waited for.
    enum Deadline: Hashable {
        /// The device's CONNECT: `GatewayLimits.connectTimeout`.
        case connect
        /// The broker's CONNACK: `GatewayLimits.upstreamConnackTimeout`.
        case connack
    }

    private enum State {
        /// The TLS handshake is not finished; no packet can arrive.
        ///
        /// Can transition to: `awaitingConnect`, `ended`.
        case handshaking

        /// The device has a grant and has not sent CONNECT.
        ///
        /// Can transition to: `dialling`, `ended`.
        case awaitingConnect(DeviceGrant)

        /// CONNECT was accepted; the broker is being connected to. The device is not read.
        ///
        /// Can transition to: `awaitingConnack`, `ended`.
        case dialling(ConnectAdmission, DeviceGrant)

        /// CONNECT went to the broker. The device is not read.
        ///
        /// Can transition to: `established`, `ended`.
        case awaitingConnack(ConnectAdmission, DeviceGrant)

        /// The broker accepted the session; packets are carried both ways.
        ///
        /// Can transition to: `ended`.
        case established(CarriedSession, devicePacketBytesMax: UInt32?)

        /// Nothing is carried any more. Final.
        case ended
    }

    private var state: State = .handshaking
    private let limits: GatewayLimits
    private let credentials: ConnectAdmission.UpstreamCredentials

    init(limits: GatewayLimits, credentials: ConnectAdmission.UpstreamCredentials) {
        self.limits = limits
        self.credentials = credentials
    }

    /// Whether the device must not be read: what it sends now could only be held.
    var holdsDevice: Bool {
        switch self.state {
        case .dialling, .awaitingConnack: true
        case .handshaking, .awaitingConnect, .established, .ended: false
        }
    }

    /// What the device may do, once that is known and while it lasts.
    var grant: DeviceGrant? {
        switch self.state {
        case .awaitingConnect(let grant), .dialling(_, let grant), .awaitingConnack(_, let grant): grant
        case .established(let carried, _): carried.grant
        case .handshaking, .ended: nil
        }
    }

    /// Whether packets are carried.
    var isEstablished: Bool {
        switch self.state {
        case .established: true
        case .handshaking, .awaitingConnect, .dialling, .awaitingConnack, .ended: false
        }
    }

    /// Takes the state out, so that what it holds can be changed in place; every branch puts a state back.
    private mutating func takeState() -> State {
        let state = self.state
        self.state = .ended
        return state
    }

    /// The handshake is finished and the certificate has this grant.
    mutating func authenticated(_ grant: DeviceGrant) -> [Action] {
        switch self.takeState() {
        case .handshaking:
            self.state = .awaitingConnect(grant)
            return [.armDeadline(.connect)]
        case .ended:
            self.state = .ended
            return []
        case .awaitingConnect, .dialling, .awaitingConnack, .established:
            preconditionFailure("the TLS handler announces a handshake once")
        }
    }

    /// What a packet leads to.
    enum PacketAction {
        case carried(CarriedSession.Outcome)
        case lifecycle([Action])
    }

    /// The device sent a packet. `delay` is how long nothing more may be read from it.
    mutating func receivedFromDevice(
        _ frame: MQTTFrame, now: NIODeadline
    ) -> (action: PacketAction, delay: TimeAmount?) {
        switch self.takeState() {
        case .established(var carried, let devicePacketBytesMax):
            let (outcome, delay) = carried.receivedFromDevice(frame, now: now)
            self.state = .established(carried, devicePacketBytesMax: devicePacketBytesMax)
            return (.carried(outcome), delay)
        case .awaitingConnect(let grant):
            self.state = .awaitingConnect(grant)
            return (.lifecycle(self.connect(frame, grant: grant)), nil)
        case .dialling(let admission, let grant):
            // The device is not read in this state, and what was read together with CONNECT is held by the handler: it
            // comes here only when the device has closed its connection, and the session's end follows at once.
            self.state = .dialling(admission, grant)
            return (.lifecycle([]), nil)
        case .awaitingConnack(let admission, let grant):
            self.state = .awaitingConnack(admission, grant)
            return (.lifecycle([]), nil)
        case .handshaking:
            self.state = .handshaking
            return (.lifecycle(self.end(Self.packetBeforeHandshake)), nil)
        case .ended:
            self.state = .ended
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
            let admission = try ConnectAdmission(
                connect, grant: grant, limits: self.limits, credentials: self.credentials
            )
            self.state = .dialling(admission, grant)
            return [.cancelDeadline, .dial]
        } catch {
            return self.refuse(error, version: connect.version, devicePacketBytesMax: nil)
        }
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

    /// The transport to the broker is up.
    mutating func upstreamConnected() -> [Action] {
        switch self.takeState() {
        case .dialling(let admission, let grant):
            let connect = MQTTPacket.connect(admission.upstreamConnect)
            guard let bytes = Self.encoded(connect, version: admission.version) else {
                self.state = .dialling(admission, grant)
                return self.end(Self.encodingFailed)
            }
            let version = admission.version
            let packetBytesMax = min(self.limits.packetBytesMax, grant.limits.packetBytesMax)
            self.state = .awaitingConnack(admission, grant)
            return [
                .settleFraming(version, devicePacketBytesMax: packetBytesMax), .sendToBroker(bytes),
                .armDeadline(.connack),
            ]
        case .ended:
            self.state = .ended
            return []
        case .handshaking, .awaitingConnect, .awaitingConnack, .established:
            preconditionFailure("the broker is dialled once, for a CONNECT")
        }
    }

    /// The transport to the broker could not be had.
    mutating func upstreamFailed(_ detail: String) -> [Action] {
        self.end(SessionEnd(.upstreamUnavailable, .upstream, answer: .serverUnavailable, detail))
    }

    /// The broker sent a packet.
    mutating func receivedFromBroker(_ frame: MQTTFrame, now: NIODeadline) -> PacketAction {
        switch self.takeState() {
        case .established(var carried, let devicePacketBytesMax):
            let outcome = carried.receivedFromBroker(frame)
            self.state = .established(carried, devicePacketBytesMax: devicePacketBytesMax)
            return .carried(outcome)
        case .awaitingConnack(let admission, let grant):
            self.state = .awaitingConnack(admission, grant)
            return .lifecycle(self.connack(frame, admission, grant, now: now))
        case .ended:
            self.state = .ended
            return .lifecycle([])
        case .dialling(let admission, let grant):
            // Something that speaks first, and so no broker.
            self.state = .dialling(admission, grant)
            return .lifecycle(self.end(Self.brokerSpokeFirst))
        case .awaitingConnect(let grant):
            self.state = .awaitingConnect(grant)
            return .lifecycle(self.end(Self.brokerSpokeFirst))
        case .handshaking:
            self.state = .handshaking
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
        let (answer, deviceAliasMax) = admission.connackForDevice(connack, grant: grant, limits: self.limits)
        guard let bytes = Self.encoded(.connack(answer), version: admission.version) else {
            return self.end(Self.encodingFailed)
        }
        let carried = CarriedSession(
            version: admission.version, grant: grant, limits: self.limits, deviceAliasMax: deviceAliasMax,
            brokerAliasMax: admission.deviceTopicAliasMax, will: admission.upstreamConnect.will, now: now
        )
        self.state = .established(carried, devicePacketBytesMax: admission.devicePacketBytesMax)
        return [.cancelDeadline, .sendToDevice(bytes), .announceEstablished]
    }

    /// The time for what was waited for is over. Late alarms are ignored.
    mutating func deadlinePassed(_ deadline: Deadline) -> [Action] {
        switch (deadline, self.waitsFor) {
        case (.connect, .connect):
            self.end(SessionEnd(.connectTimeout, .device, answer: nil, "no complete CONNECT in time"))
        case (.connack, .connack):
            self.end(
                SessionEnd(
                    .upstreamTimeout, .upstream, answer: .serverUnavailable, "the broker did not answer CONNECT in time"
                )
            )
        case (.connect, _), (.connack, _): []
        }
    }

    private var waitsFor: Deadline? {
        switch self.state {
        case .awaitingConnect: .connect
        case .awaitingConnack: .connack
        case .handshaking, .dialling, .established, .ended: nil
        }
    }

    /// The device's new grant, from new profiles, for the same identity: holds from the next packet on.
    mutating func regranted(_ grant: DeviceGrant, now: NIODeadline) -> [Action] {
        switch self.takeState() {
        case .established(var carried, let devicePacketBytesMax):
            guard carried.permitsWill(grant) else {
                self.state = .established(carried, devicePacketBytesMax: devicePacketBytesMax)
                // A DISCONNECT is what makes the broker forget a will (MQTT-3.14.4-3).
                return [.sendToBroker(Self.normalDisconnect)] + self.end(Self.profileChanged)
            }
            carried.regranted(grant, now: now)
            let version = carried.version
            self.state = .established(carried, devicePacketBytesMax: devicePacketBytesMax)
            let packetBytesMax = min(self.limits.packetBytesMax, grant.limits.packetBytesMax)
            return [.settleFraming(version, devicePacketBytesMax: packetBytesMax)]
        case .awaitingConnect:
            self.state = .awaitingConnect(grant)
            return []
        case .dialling(let admission, let held):
            // Will, keep-alive and session expiry were judged by the grant before this one.
            self.state = .dialling(admission, held)
            return self.end(Self.profileChanged)
        case .awaitingConnack(let admission, let held):
            self.state = .awaitingConnack(admission, held)
            return self.end(Self.profileChanged)
        case .handshaking:
            self.state = .handshaking
            return []
        case .ended:
            self.state = .ended
            return []
        }
    }

    /// The device may come back at once, and is judged anew.
    private static let profileChanged = SessionEnd(
        .profileChanged, .operator, answer: .serverBusy, "the new profiles do not permit what CONNECT asked for"
    )

    /// DISCONNECT (MQTT 5.0, section 3.14) in its shortest form, the same in both versions.
    private static let normalDisconnect = ByteBuffer(bytes: [0xE0, 0x00])

    /// Ends the session for a reason from outside: a side closed, an error, the policy, the operator. The device is told
    /// as far as its protocol has words for it. Later reasons are ignored: the first is the cause.
    mutating func end(_ end: SessionEnd) -> [Action] {
        switch self.takeState() {
        case .ended:
            self.state = .ended
            return []
        case .handshaking, .awaitingConnect:
            self.state = .ended
            return [.cancelDeadline, .end(end)]
        case .dialling(let admission, _), .awaitingConnack(let admission, _):
            self.state = .ended
            return Self.refusal(end, admission.version, devicePacketBytesMax: admission.devicePacketBytesMax)
        case .established(let carried, let devicePacketBytesMax):
            self.state = .ended
            guard carried.version == .v5, let code = end.answer else { return [.end(end)] }
            let properties = Self.reason(end, devicePacketBytesMax: devicePacketBytesMax)
            let disconnectCode = code.isValid(in: .disconnect, from: .server) ? code : .unspecifiedError
            let packet = MQTTPacket.disconnect(MQTTDisconnect(reasonCode: disconnectCode, properties: properties))
            guard let bytes = Self.encoded(packet, version: .v5) else { return [.end(end)] }
            return [.sendToDevice(bytes), .end(end)]
        }
    }

    /// Refuses a CONNECT that has no state yet.
    private mutating func refuse(
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
        if code == .serverShuttingDown { return .serverUnavailable }
        guard version == .v5, !code.isValid(in: .connack) else { return code }
        return .unspecifiedError
    }

    /// The reason's name as a Reason String, if the device takes packets long enough for any of ours.
    private static func reason(_ end: SessionEnd, devicePacketBytesMax: UInt32?) -> MQTTProperties {
        guard (devicePacketBytesMax ?? .max) >= 128 else { return [] }
        return [.reasonString(end.code.rawValue)]
    }

    private static let encodingFailed = SessionEnd(
        .internalError, .gateway, answer: .unspecifiedError, "a rewritten packet does not encode"
    )

    private static func encoded(_ packet: MQTTPacket, version: MQTTProtocolVersion) -> ByteBuffer? {
        var buffer = ByteBuffer()
        do {
            try packet.encode(into: &buffer, version: version)
            return buffer
        } catch {
            return nil
        }
    }
}

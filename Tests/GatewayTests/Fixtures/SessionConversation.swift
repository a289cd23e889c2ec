internal import FleetPolicy
internal import MQTTCodec
internal import NIOCore
internal import Testing

@testable internal import Gateway

/// An action of the session's, with packets instead of bytes, to compare with what was expected.
enum Done: Equatable {
    case arm(SessionStateMachine.Deadline)
    case cancelDeadline
    case ask(AdmissionQuestion)
    case claim(ConnectionClaim)
    case dial(String? = nil)
    case denial(String)
    case toDevice(MQTTPacket)
    case toBroker(MQTTPacket)
    case settleFraming(MQTTProtocolVersion, devicePacketBytesMax: Int)
    case announceEstablished
    case end(SessionEnd.Code, SessionEnd.Fault)
    /// A packet of an established session was carried.
    case carried
}

/// A connection's way through its states, one input after the other.
struct SessionConversation {
    /// The states, by what was last done to get there.
    enum Place: CaseIterable {
        case handshaking, awaitingConnect, admitting, claiming, dialling, awaitingConnack, established, ended

        /// Whether the device waits for an answer to its CONNECT.
        var isAdmission: Bool {
            switch self {
            case .admitting, .claiming, .dialling, .awaitingConnack: true
            case .handshaking, .awaitingConnect, .established, .ended: false
            }
        }
    }

    let version: MQTTProtocolVersion
    let grant: DeviceGrant
    var machine: SessionStateMachine
    let now = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    init(
        _ version: MQTTProtocolVersion = .v5, grant: DeviceGrant? = nil, limits: GatewayLimits = GatewayLimits(),
        upstreams: SessionStateMachine.Upstreams = .init(standard: .init())
    ) throws {
        self.version = version
        self.grant = try grant ?? Grants.make()
        self.machine = SessionStateMachine(limits: limits, upstreams: upstreams)
    }

    /// A connection in this state, with a device that takes packets of any size unless `connect` says otherwise.
    static func at(
        _ place: Place, _ version: MQTTProtocolVersion = .v5, grant: DeviceGrant? = nil, connect: MQTTConnect? = nil,
        connack: MQTTConnack = MQTTConnack(reasonCode: .success)
    ) throws -> SessionConversation {
        let needsAuthority = place == .admitting
        var conversation = try SessionConversation(
            version, grant: grant ?? (needsAuthority ? Grants.registering() : nil))
        let connect = connect ?? MQTTConnect(version: version, clientIdentifier: "x")
        switch place {
        case .handshaking: return conversation
        case .ended:
            _ = try conversation.end(.shuttingDown())
            return conversation
        case .awaitingConnect, .admitting, .claiming, .dialling, .awaitingConnack, .established: break
        }
        _ = try conversation.authenticated()
        if place == .awaitingConnect { return conversation }
        _ = try conversation.device(.connect(connect))
        if place == .admitting || place == .claiming { return conversation }
        _ = try conversation.place(.granted)
        if place == .dialling { return conversation }
        _ = try conversation.upstreamConnected()
        if place == .awaitingConnack { return conversation }
        _ = try conversation.broker(.connack(connack))
        #expect(conversation.machine.isEstablished)
        return conversation
    }

    // MARK: Inputs

    mutating func authenticated() throws -> [Done] {
        try self.done(self.machine.authenticated(self.grant))
    }

    mutating func device(_ packet: MQTTPacket) throws -> [Done] {
        try self.device(.one(in: packet.bytes(self.version), self.version))
    }

    mutating func device(_ frame: MQTTFrame) throws -> [Done] {
        try self.done(self.machine.receivedFromDevice(frame, now: self.now).action)
    }

    mutating func admission(_ verdict: AdmissionVerdict) throws -> [Done] {
        try self.done(self.machine.admissionAnswered(verdict))
    }

    mutating func place(_ answer: ConnectionClaim.Answer) throws -> [Done] {
        try self.done(self.machine.placeAnswered(answer))
    }

    mutating func upstreamConnected() throws -> [Done] { try self.done(self.machine.upstreamConnected()) }

    mutating func upstreamFailed() throws -> [Done] { try self.done(self.machine.upstreamFailed("test")) }

    mutating func broker(_ packet: MQTTPacket) throws -> [Done] {
        try self.broker(.one(in: packet.bytes(self.version), nil))
    }

    mutating func broker(_ frame: MQTTFrame) throws -> [Done] {
        try self.done(self.machine.receivedFromBroker(frame, now: self.now))
    }

    mutating func deadlinePassed(_ deadline: SessionStateMachine.Deadline) throws -> [Done] {
        try self.done(self.machine.deadlinePassed(deadline))
    }

    mutating func regranted(_ grant: DeviceGrant) throws -> [Done] {
        try self.done(self.machine.regranted(grant, now: self.now))
    }

    mutating func end(_ end: SessionEnd) throws -> [Done] { try self.done(self.machine.end(end)) }

    // MARK: Actions

    private func done(_ action: SessionStateMachine.PacketAction) throws -> [Done] {
        switch action {
        case .carried: [.carried]
        case .lifecycle(let actions): try self.done(actions)
        }
    }

    private func done(_ actions: [SessionStateMachine.Action]) throws -> [Done] {
        try actions.map { action in
            switch action {
            case .armDeadline(let deadline): .arm(deadline)
            case .cancelDeadline: .cancelDeadline
            case .askAuthority(let question): .ask(question)
            case .claimPlace(let claim): .claim(claim)
            case .dial(let upstream): .dial(upstream)
            case .countDenial(let reason): .denial(reason)
            case .sendToDevice(let bytes): .toDevice(try bytes.packet(self.version))
            case .sendToBroker(let bytes): .toBroker(try bytes.packet(self.version))
            case .settleFraming(let version, let bytesMax): .settleFraming(version, devicePacketBytesMax: bytesMax)
            case .announceEstablished: .announceEstablished
            case .end(let end): .end(end.code, end.fault)
            }
        }
    }
}

extension MQTTPacket {
    /// The gateway's own refusal of a CONNECT.
    static func refusal(
        _ version: MQTTProtocolVersion, _ code: MQTTReasonCode, _ reason: SessionEnd.Code?
    ) -> MQTTPacket {
        let properties: MQTTProperties = version == .v5 ? reason.map { [.reasonString($0.rawValue)] } ?? [] : []
        return .connack(MQTTConnack(reasonCode: code, properties: properties))
    }

    /// The gateway's own end of a session.
    static func goodbye(_ code: MQTTReasonCode, _ reason: SessionEnd.Code?) -> MQTTPacket {
        .disconnect(
            MQTTDisconnect(reasonCode: code, properties: reason.map { [.reasonString($0.rawValue)] } ?? [])
        )
    }
}

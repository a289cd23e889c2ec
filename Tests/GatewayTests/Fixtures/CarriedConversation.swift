internal import FleetPolicy
internal import MQTTCodec
internal import NIOCore
internal import Testing

@testable internal import Gateway

/// What the session made of one packet, in a form to compare with what was expected.
enum Judged: Equatable {
    /// It passes, byte for byte.
    case passed
    /// It passes in another form.
    case rewritten(MQTTPacket)
    /// It is kept back; its sender gets `answer`, the broker a PINGREQ if `probe`.
    case absorbed(answer: MQTTPacket? = nil, probe: Bool = false, denial: String? = nil)
    /// It passes byte for byte, or in another form where one is given, and the session is over.
    case last(SessionEnd.Code, SessionEnd.Fault, rewritten: MQTTPacket? = nil)
    /// The session is over.
    case ended(SessionEnd.Code, SessionEnd.Fault, answer: MQTTReasonCode?)
}

/// A session and the packets of both sides, one after the other.
struct CarriedConversation {
    let version: MQTTProtocolVersion
    var session: CarriedSession
    var now = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    /// - Parameters:
    ///   - terms: what the grant says of the session; its own words where nil.
    ///   - agree: what CONNECT and CONNACK have settled in this test.
    init(
        _ version: MQTTProtocolVersion, grant: DeviceGrant? = nil, terms: SessionTerms? = nil,
        limits: GatewayLimits = GatewayLimits(), deviceAliasMax: UInt16 = 4, brokerAliasMax: UInt16 = 4,
        agree: (inout SessionAgreement) -> Void = { _ in }
    ) throws {
        self.version = version
        let grant = try grant ?? Grants.make()
        var agreement = SessionAgreement(version: version)
        agreement.deviceAliasMax = deviceAliasMax
        agreement.brokerAliasMax = brokerAliasMax
        if version == .v5 { agreement.deviceReceiveMaximum = grant.limits.receiveMaximum }
        agree(&agreement)
        self.session = CarriedSession(
            agreement, grant: grant, terms: terms ?? SessionTerms(grant), limits: limits, now: self.now
        )
    }

    mutating func device(_ packet: MQTTPacket) throws -> Judged {
        try self.device(packet.bytes(self.version))
    }

    /// The denials of packets of which a part passed.
    private(set) var denials: [String] = []

    mutating func device(_ bytes: ByteBuffer) throws -> Judged {
        // As the handler does it.
        let passing = self.session.passing(prefixOf: bytes, packetBytesMax: .max, now: self.now)
        if passing.packetCount > 0 {
            #expect(passing.packetCount == 1 && passing.byteCount == bytes.readableBytes)
            return .passed
        }
        let frame = try MQTTFrame.one(in: bytes, self.version)
        return try self.judged(self.session.receivedFromDevice(frame, now: self.now).outcome, of: bytes)
    }

    mutating func device(_ bytes: [UInt8]) throws -> Judged { try self.device(ByteBuffer(bytes: bytes)) }

    /// How long nothing more may be read after this packet.
    mutating func delay(after packet: MQTTPacket) throws -> TimeAmount? {
        self.session.receivedFromDevice(try packet.frame(self.version), now: self.now).delay
    }

    mutating func broker(_ packet: MQTTPacket) throws -> Judged {
        try self.broker(packet.bytes(self.version))
    }

    mutating func broker(_ bytes: ByteBuffer) throws -> Judged {
        // What a broker sends may be of the wrong version: the frame decoder is told of none.
        let frame = try MQTTFrame.one(in: bytes, nil)
        return try self.judged(self.session.receivedFromBroker(frame), of: bytes)
    }

    mutating func broker(_ bytes: [UInt8]) throws -> Judged { try self.broker(ByteBuffer(bytes: bytes)) }

    private mutating func judged(_ outcome: CarriedSession.Outcome, of received: ByteBuffer) throws -> Judged {
        switch outcome {
        case .forward(let bytes, let denial):
            self.denials += denial.map { [$0] } ?? []
            return bytes == received ? .passed : .rewritten(try bytes.packet(self.version))
        case .forwardParts(var head, var payload):
            head.writeBuffer(&payload)
            return .rewritten(try head.packet(self.version))
        case .absorb(let answer, let probe, let denial):
            if let probe { #expect(Array(probe.readableBytesView) == [0xC0, 0x00]) }
            return .absorbed(
                answer: try answer.map { try $0.packet(self.version) }, probe: probe != nil, denial: denial
            )
        case .forwardAndEnd(let bytes, let end):
            let packet = bytes == received ? nil : try bytes.packet(self.version)
            return .last(end.code, end.fault, rewritten: packet)
        case .end(let end):
            return .ended(end.code, end.fault, answer: end.answer)
        }
    }
}

extension SessionTerms {
    /// Those of a test grant, with what is given in place of its own.
    static func make(
        rule: ClientIDRule = .free, prefix: String = "", _ change: (inout DeviceLimits) -> Void = { _ in }
    ) throws -> SessionTerms {
        var limits = try Grants.make().limits
        change(&limits)
        return SessionTerms(clientIDRule: rule, topicPrefix: TopicPrefix(prefix), limits: limits)
    }
}

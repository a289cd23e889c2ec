internal import FleetPolicy
internal import MQTTCodec
internal import NIOCore

/// An established session: judges each packet of either side. A value that knows no channel.
///
/// The grant is asked, and the device is answered, in the device's own view of topics; what goes to the broker carries
/// the profile's topic prefix, and what comes from it loses it.
struct CarriedSession {
    /// What to do about one packet.
    enum Outcome {
        /// It passes as it is.
        ///
        /// A `denial` says that a part of it was kept back (some of a SUBSCRIBE's filters).
        case forward(ByteBuffer, denial: String? = nil)
        /// It passes with its head written anew; the payload is the received bytes.
        case forwardParts(head: ByteBuffer, payload: ByteBuffer)
        /// It goes no further. `answer` goes back to its sender; `probe` goes to the broker, which must not take a
        /// device for dead whose packets the gateway keeps.
        case absorb(answer: ByteBuffer?, probe: ByteBuffer?, denial: String?)
        /// It passes, and it is the last: the sender said good-bye.
        case forwardAndEnd(ByteBuffer, SessionEnd)
        /// The session is over because of it.
        case end(SessionEnd)
    }

    /// Packet identifiers of an MQTT 3.1.1 device's PUBLISH packets that are remembered, at some 4 KiB: far more than a
    /// constrained device has under way. To one that has more, no request of the gateway's own can be fitted in.
    static let publishesRememberedMax = 1_024
    /// The same of SUBSCRIBE and UNSUBSCRIBE packets.
    static let requestsRememberedMax = 256

    /// One in so many PUBLISH packets that had to be decoded is remembered.
    static let decodedPerMemory: UInt8 = 8

    /// What the gateway has asked the broker for by itself: the answer is not the device's.
    enum OwnRequest {
        case unsubscribe
        case subscribe
    }

    let agreement: SessionAgreement
    var version: MQTTProtocolVersion { self.agreement.version }
    private(set) var grant: DeviceGrant
    let topicPrefix: TopicPrefix
    private(set) var limits: DeviceLimits
    let deviceCodecLimits: MQTTLimits
    /// The same and room for the prefix.
    let brokerCodecLimits: MQTTLimits

    var deviceAliases: TopicAliasTable
    var brokerAliases: TopicAliasTable
    var refusedFromDevice: RefusedExchanges
    var refusedFromBroker: RefusedExchanges
    var partialSubscriptions: PartialSubscriptions
    var subscriptions = HeldSubscriptions()
    /// The device's PUBLISH packets of QoS 1 and 2: what Receive Maximum counts (MQTT 5.0, section 4.9).
    var publishesUnderWay: IdentifiersUnderWay
    /// Its SUBSCRIBE and UNSUBSCRIBE packets.
    var requestsUnderWay = IdentifiersUnderWay(countMax: Self.requestsRememberedMax)
    var ownRequests: [UInt16: OwnRequest] = [:]
    /// A PUBLISH that the grant permitted, and that passed as it was: what is like it needs no second look. Only ever of
    /// the grant in force.
    var granted: MQTTPublishPattern?
    /// Those that were permitted and had to be decoded, since the grant is in force.
    var publishesDecoded: UInt8 = 0
    /// What the device may still send.
    struct Rates {
        var messages: TokenBucket
        var bytes: ByteBucket
    }
    var rates: Rates
    /// PINGREQs of the gateway's own that the broker has not answered: their PINGRESP is not the device's.
    var probesOutstanding = 0

    /// - Parameter terms: what the grant says of the session.
    init(
        _ agreement: SessionAgreement, grant: DeviceGrant, terms: SessionTerms, limits: GatewayLimits, now: NIODeadline
    ) {
        self.agreement = agreement
        self.grant = grant
        self.topicPrefix = terms.topicPrefix
        self.limits = terms.limits
        self.deviceCodecLimits = MQTTLimits(packetBytesMax: limits.packetBytesMax)
        var brokerCodecLimits = self.deviceCodecLimits
        brokerCodecLimits.topicBytesMax += terms.topicPrefix.byteCount
        brokerCodecLimits.topicLevelsMax += terms.topicPrefix.levelCount
        self.brokerCodecLimits = brokerCodecLimits
        self.deviceAliases = TopicAliasTable(maximum: agreement.deviceAliasMax)
        self.brokerAliases = TopicAliasTable(maximum: agreement.brokerAliasMax)
        self.refusedFromDevice = RefusedExchanges(countMax: limits.refusedExchangesMax)
        self.refusedFromBroker = RefusedExchanges(countMax: limits.refusedExchangesMax)
        self.partialSubscriptions = PartialSubscriptions(countMax: limits.partialSubscriptionsMax)
        self.publishesUnderWay = IdentifiersUnderWay(
            countMax: agreement.deviceReceiveMaximum.map(Int.init) ?? Self.publishesRememberedMax
        )
        self.rates = Rates(
            messages: Self.bucket(terms.limits.messageRate, now: now),
            bytes: ByteBucket(terms.limits.byteRate, now: now))
    }

    private static func bucket(_ rate: MessageRate, now: NIODeadline) -> TokenBucket {
        TokenBucket(rate: Double(rate.perSecond), burst: Double(rate.burst), now: now)
    }

    /// Takes a new grant over for the packets to come. A rate that did not change keeps what was spent of it.
    mutating func adopt(_ grant: DeviceGrant, _ limits: DeviceLimits, now: NIODeadline) {
        if limits.messageRate != self.limits.messageRate {
            self.rates.messages = Self.bucket(limits.messageRate, now: now)
        }
        if limits.byteRate != self.limits.byteRate {
            self.rates.bytes = ByteBucket(limits.byteRate, now: now)
        }
        self.grant = grant
        self.limits = limits
        self.granted = nil
        self.publishesDecoded = 0
    }

    /// Whether the will that the broker holds is within this grant too.
    func permitsWill(_ grant: DeviceGrant) -> Bool {
        self.agreement.will?.isPermitted(by: grant) ?? true
    }

    /// Judges a packet of the device. `delay` is how long nothing more may be read from it.
    mutating func receivedFromDevice(
        _ frame: MQTTFrame, now: NIODeadline
    ) -> (outcome: Outcome, delay: TimeAmount?) {
        switch frame.type {
        case .publish:
            do {
                let delay = try self.paced(frame.bytes.readableBytes, now: now)
                return (self.publishFromDevice(frame), delay)
            } catch {
                return (.end(error), nil)
            }
        case .pubrel:
            return (self.releaseFromDevice(frame), nil)
        case .subscribe:
            return (self.subscribe(frame), nil)
        case .unsubscribe:
            return (self.unsubscribe(frame), nil)
        case .disconnect:
            return (self.disconnectFromDevice(frame), nil)
        case .puback, .pubrec, .pubcomp, .pingreq:
            return (self.passing(frame), nil)
        case .connect:
            return (
                .end(SessionEnd(.connectMisplaced, .device, answer: .protocolError, "a second CONNECT")), nil
            )
        case .connack, .suback, .unsuback, .pingresp, .auth:
            return (.end(.unexpectedPacket(frame.type)), nil)
        }
    }

    /// Takes a PUBLISH of so many bytes from both rates. Returns how long the device has to wait where they throttle.
    mutating func paced(_ byteCount: Int, now: NIODeadline) throws(SessionEnd) -> TimeAmount? {
        var messageDelay: TimeAmount?
        switch self.limits.messageRate.onExceeded {
        case .throttle:
            messageDelay = self.rates.messages.takeOrOwe(now: now)
        case .disconnect:
            guard self.rates.messages.take(now: now) else { throw Self.messageRateExceeded }
        }
        switch self.limits.byteRate.onExceeded {
        case .throttle:
            guard let byteDelay = self.rates.bytes.takeOrOwe(byteCount, now: now) else { return messageDelay }
            return max(messageDelay ?? byteDelay, byteDelay)
        case .disconnect:
            guard self.rates.bytes.take(byteCount, now: now) else { throw Self.byteRateExceeded }
            return messageDelay
        }
    }

    private static let messageRateExceeded = SessionEnd(
        .messageRateExceeded, .device, answer: .messageRateTooHigh, "more messages than the profile allows"
    )
    private static let byteRateExceeded = SessionEnd(
        .byteRateExceeded, .device, answer: .messageRateTooHigh, "more bytes than the profile allows"
    )

    /// Judges a packet of the broker.
    mutating func receivedFromBroker(_ frame: MQTTFrame) -> Outcome {
        // Not DISCONNECT under MQTT 3.1.1 either: there only a client sends it (section 3.14).
        guard frame.type == .auth || MQTTSender.server.maySend(frame.type, version: self.version) else {
            return .end(Self.notABrokers(frame.type))
        }
        switch frame.type {
        case .publish:
            return self.publishFromBroker(frame)
        case .pubrel:
            return self.releaseFromBroker(frame)
        case .puback, .pubcomp, .pubrec:
            return self.acknowledgementFromBroker(frame)
        case .suback:
            return self.suback(frame)
        case .unsuback:
            return self.unsuback(frame)
        case .pingresp:
            guard self.probesOutstanding > 0 else { return .forward(frame.bytes) }
            self.probesOutstanding -= 1
            return .absorb(answer: nil, probe: nil, denial: nil)
        case .disconnect:
            return .forwardAndEnd(
                frame.bytes,
                SessionEnd(.upstreamDisconnected, .upstream, answer: nil, "the broker sent DISCONNECT")
            )
        case .connect, .connack, .subscribe, .unsubscribe, .pingreq, .auth:
            return .end(Self.notABrokers(frame.type))
        }
    }

    private static func notABrokers(_ type: MQTTPacketType) -> SessionEnd {
        SessionEnd(.upstreamProtocolError, .upstream, answer: .serverBusy, "a broker does not send \(type) here")
    }
}

internal import FleetPolicy
internal import MQTTCodec
internal import NIOCore

/// An established session: judges each packet of either side. A value that knows no channel.
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

    let version: MQTTProtocolVersion
    private(set) var grant: DeviceGrant
    /// The will the broker holds for the device, as far as a grant is asked about it.
    private let will: MQTTWill?
    private let codecLimits: MQTTLimits

    var deviceAliases: TopicAliasTable
    var brokerAliases: TopicAliasTable
    var refusedFromDevice: RefusedExchanges
    var refusedFromBroker: RefusedExchanges
    var partialSubscriptions: PartialSubscriptions
    /// The filters asked for, as bytes: `String` would count canonically equivalent ones, which are several
    /// subscriptions to the broker, as one.
    private var subscriptions: Set<[UInt8]> = []
    private var rate: TokenBucket
    /// PINGREQs of the gateway's own that the broker has not answered: their PINGRESP is not the device's.
    private var probesOutstanding = 0

    init(
        version: MQTTProtocolVersion, grant: DeviceGrant, limits: GatewayLimits, deviceAliasMax: UInt16,
        brokerAliasMax: UInt16, will: MQTTWill? = nil, now: NIODeadline
    ) {
        self.version = version
        self.grant = grant
        self.will = will
        self.codecLimits = MQTTLimits(packetBytesMax: limits.packetBytesMax)
        self.deviceAliases = TopicAliasTable(maximum: deviceAliasMax)
        self.brokerAliases = TopicAliasTable(maximum: brokerAliasMax)
        self.refusedFromDevice = RefusedExchanges(countMax: limits.refusedExchangesMax)
        self.refusedFromBroker = RefusedExchanges(countMax: limits.refusedExchangesMax)
        self.partialSubscriptions = PartialSubscriptions(countMax: limits.partialSubscriptionsMax)
        let messageRate = grant.limits.messageRate
        self.rate = TokenBucket(rate: Double(messageRate.perSecond), burst: Double(messageRate.burst), now: now)
    }

    /// New profiles gave the same device a new grant: it holds from the next packet on.
    mutating func regranted(_ grant: DeviceGrant, now: NIODeadline) {
        if grant.limits.messageRate != self.grant.limits.messageRate {
            let messageRate = grant.limits.messageRate
            self.rate = TokenBucket(rate: Double(messageRate.perSecond), burst: Double(messageRate.burst), now: now)
        }
        self.grant = grant
    }

    /// Whether the will that the broker holds is within this grant too.
    func permitsWill(_ grant: DeviceGrant) -> Bool {
        guard let will = self.will else { return true }
        return grant.permitsWill(topic: will.topic.utf8.span, qos: will.qos.rawValue, retain: will.retain) == .granted
    }

    // MARK: From the device

    /// Judges a packet of the device. `delay` is how long nothing more may be read from it.
    mutating func receivedFromDevice(
        _ frame: MQTTFrame, now: NIODeadline
    ) -> (outcome: Outcome, delay: TimeAmount?) {
        switch frame.type {
        case .publish:
            let delay: TimeAmount?
            switch self.grant.limits.messageRate.onExceeded {
            case .throttle:
                delay = self.rate.takeOrOwe(now: now)
            case .disconnect:
                delay = nil
                guard self.rate.take(now: now) else { return (.end(Self.rateExceeded), nil) }
            }
            return (self.publishFromDevice(frame), delay)
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

    private static let rateExceeded = SessionEnd(
        .messageRateExceeded, .device, answer: .messageRateTooHigh, "more messages than the profile allows"
    )

    private mutating func publishFromDevice(_ frame: MQTTFrame) -> Outcome {
        let header: MQTTPublishHeader
        do {
            header = try frame.publishHeader(version: self.version, limits: self.codecLimits, sender: .client)
        } catch {
            return .end(SessionEnd(deviceError: error))
        }
        guard let topic = self.deviceAliases.resolve(header) else { return .end(Self.aliasInvalid(.device)) }
        let verdict = self.grant.permitsPublish(
            topic: topic.topic.readableBytesUInt8Span, qos: header.qos.rawValue, retain: header.retain
        )
        switch verdict {
        case .granted:
            return Self.forwarding(frame, header, topic, &self.deviceAliases)
        case .denied(let denial):
            return self.refusePublish(header, denial: denial.rawValue)
        }
    }

    /// The protocol's own answer to an unauthorised PUBLISH: MQTT 5.0 says so in PUBACK or PUBREC; 3.1.1 can only
    /// acknowledge and drop, or disconnect (MQTT-3.3.5-2). QoS 0 has no answer in either.
    private mutating func refusePublish(_ header: MQTTPublishHeader, denial: String) -> Outcome {
        if self.version == .v3_1_1 {
            switch self.grant.limits.onDeniedPublish {
            case .acknowledge: break
            case .disconnect:
                return .end(
                    SessionEnd(
                        .publishDenied, .device, answer: .notAuthorized, denial: denial,
                        "the profile refuses the PUBLISH: \(denial)"
                    )
                )
            }
        }
        let reason: MQTTReasonCode = self.version == .v5 ? .notAuthorized : .success
        guard let identifier = header.packetIdentifier else { return self.absorb(nil, denial: denial) }
        let acknowledgement = MQTTAcknowledgement(packetIdentifier: identifier, reasonCode: reason)
        switch header.qos {
        case .atMostOnce:
            return self.absorb(nil, denial: denial)
        case .atLeastOnce:
            return self.absorb(.puback(acknowledgement), denial: denial)
        case .exactlyOnce:
            // A failing PUBREC ends the exchange (MQTT 5.0, section 4.3.3); a succeeding one goes on to PUBREL.
            if !reason.isError, !self.refusedFromDevice.began(identifier) {
                return .end(Self.exchangesExceeded(.device))
            }
            return self.absorb(.pubrec(acknowledgement), denial: denial)
        }
    }

    private mutating func releaseFromDevice(_ frame: MQTTFrame) -> Outcome {
        guard let identifier = frame.packetIdentifier, self.refusedFromDevice.released(identifier) else {
            return self.passing(frame)
        }
        return self.absorb(.pubcomp(MQTTAcknowledgement(packetIdentifier: identifier)), denial: nil)
    }

    private mutating func subscribe(_ frame: MQTTFrame) -> Outcome {
        let subscribe: MQTTSubscribe
        switch self.decodedFromDevice(frame) {
        case .success(.subscribe(let packet)): subscribe = packet
        case .success: return .end(.unexpectedPacket(frame.type))
        case .failure(let error): return .end(SessionEnd(deviceError: error))
        }
        var dispositions: [PartialSubscriptions.Disposition] = []
        var permitted: [MQTTSubscription] = []
        var firstDenial: String?
        var isUnchanged = true
        for subscription in subscribe.subscriptions {
            switch self.judge(subscription) {
            case .success(let granted):
                isUnchanged = isUnchanged && granted.qos == subscription.qos
                dispositions.append(.forwarded)
                permitted.append(granted)
            case .failure(let refusal):
                isUnchanged = false
                firstDenial = firstDenial ?? refusal.denial
                dispositions.append(.refused(self.version == .v5 ? refusal.reasonCode : .unspecifiedError))
            }
        }
        if isUnchanged { return .forward(frame.bytes) }
        guard !permitted.isEmpty else {
            let codes = dispositions.map { disposition in
                switch disposition {
                case .refused(let code): code
                case .forwarded: MQTTReasonCode.unspecifiedError
                }
            }
            let suback = MQTTSuback(packetIdentifier: subscribe.packetIdentifier, reasonCodes: codes)
            return self.absorb(.suback(suback), denial: firstDenial)
        }
        // Where only a QoS was lowered, the broker's SUBACK has an answer for every filter and passes as it is.
        if permitted.count < dispositions.count {
            guard self.partialSubscriptions.began(subscribe.packetIdentifier, dispositions) else {
                return .end(Self.exchangesExceeded(.device))
            }
        }
        var narrowed = subscribe
        narrowed.subscriptions = permitted
        return self.encoded(.subscribe(narrowed)).map { .forward($0, denial: firstDenial) }
            ?? .end(Self.encodingFailed)
    }

    private struct SubscriptionRefusal: Error {
        let denial: String
        let reasonCode: MQTTReasonCode
    }

    /// Judges one filter; the subscription returned has the QoS it may have.
    private mutating func judge(_ subscription: MQTTSubscription) -> Result<MQTTSubscription, SubscriptionRefusal> {
        let filter = subscription.filter
        let verdict = self.grant.permitsSubscribe(filter: filter.utf8.span, qos: subscription.qos.rawValue)
        switch verdict {
        case .denied(let denial):
            return .failure(SubscriptionRefusal(denial: denial.rawValue, reasonCode: .notAuthorized))
        case .granted(let maximumQoS):
            let bytes = Array(filter.utf8)
            guard
                self.subscriptions.contains(bytes)
                    || self.subscriptions.count < self.grant.limits.subscriptionsMax
            else {
                return .failure(SubscriptionRefusal(denial: "too-many-subscriptions", reasonCode: .quotaExceeded))
            }
            self.subscriptions.insert(bytes)
            var granted = subscription
            granted.qos = min(subscription.qos, MQTTQoS(rawValue: maximumQoS) ?? .atMostOnce)
            return .success(granted)
        }
    }

    /// Giving up a subscription is never refused.
    private mutating func unsubscribe(_ frame: MQTTFrame) -> Outcome {
        switch self.decodedFromDevice(frame) {
        case .success(.unsubscribe(let packet)):
            for filter in packet.filters { self.subscriptions.remove(Array(filter.utf8)) }
            return .forward(frame.bytes)
        case .success: return .end(.unexpectedPacket(frame.type))
        case .failure(let error): return .end(SessionEnd(deviceError: error))
        }
    }

    private func disconnectFromDevice(_ frame: MQTTFrame) -> Outcome {
        switch self.decodedFromDevice(frame) {
        case .success(.disconnect(var packet)):
            let secondsMax = self.grant.limits.sessionExpirySecondsMax
            guard let wished = packet.properties.sessionExpiryInterval, wished > secondsMax else {
                return .forwardAndEnd(frame.bytes, .deviceDisconnected())
            }
            // DISCONNECT may prolong the session (MQTT 5.0, section 3.14.2.2.2), but not beyond the profile.
            packet.properties.set(.sessionExpiryInterval(secondsMax))
            guard let bytes = self.encoded(.disconnect(packet)) else { return .end(Self.encodingFailed) }
            return .forwardAndEnd(bytes, .deviceDisconnected())
        case .success: return .end(.unexpectedPacket(frame.type))
        case .failure(let error): return .end(SessionEnd(deviceError: error))
        }
    }

    /// A packet that is checked for its form and passes as it is.
    private func passing(_ frame: MQTTFrame) -> Outcome {
        switch self.decodedFromDevice(frame) {
        case .success: .forward(frame.bytes)
        case .failure(let error): .end(SessionEnd(deviceError: error))
        }
    }

    // MARK: From the broker

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
            guard let identifier = frame.packetIdentifier, self.refusedFromBroker.released(identifier) else {
                return .forward(frame.bytes)
            }
            return self.answer(.pubcomp(MQTTAcknowledgement(packetIdentifier: identifier)), denial: nil)
        case .suback:
            return self.suback(frame)
        case .pingresp:
            guard self.probesOutstanding > 0 else { return .forward(frame.bytes) }
            self.probesOutstanding -= 1
            return .absorb(answer: nil, probe: nil, denial: nil)
        case .disconnect:
            return .forwardAndEnd(
                frame.bytes,
                SessionEnd(.upstreamDisconnected, .upstream, answer: nil, "the broker sent DISCONNECT")
            )
        case .puback, .pubrec, .pubcomp, .unsuback:
            return .forward(frame.bytes)
        case .connect, .connack, .subscribe, .unsubscribe, .pingreq, .auth:
            return .end(Self.notABrokers(frame.type))
        }
    }

    private static func notABrokers(_ type: MQTTPacketType) -> SessionEnd {
        SessionEnd(.upstreamProtocolError, .upstream, answer: .serverBusy, "a broker does not send \(type) here")
    }

    /// A message for the device: passed only if the profile would let the device subscribe to it. Subscriptions of an
    /// earlier life of a persistent session are the broker's to remember and not the gateway's; this check is what
    /// keeps them within today's profile.
    private mutating func publishFromBroker(_ frame: MQTTFrame) -> Outcome {
        let header: MQTTPublishHeader
        do {
            header = try frame.publishHeader(version: self.version, limits: self.codecLimits)
        } catch {
            return .end(SessionEnd(upstreamError: error))
        }
        guard let topic = self.brokerAliases.resolve(header) else { return .end(Self.aliasInvalid(.upstream)) }
        guard self.grant.permitsDelivery(topic: topic.topic.readableBytesUInt8Span) else {
            return self.refuseDelivery(header)
        }
        return Self.forwarding(frame, header, topic, &self.brokerAliases)
    }

    /// Takes the message off the broker, so that it does not wait for an acknowledgement that never comes.
    private mutating func refuseDelivery(_ header: MQTTPublishHeader) -> Outcome {
        let denial = "delivery-not-allowed"
        guard let identifier = header.packetIdentifier else {
            return .absorb(answer: nil, probe: nil, denial: denial)
        }
        let acknowledgement = MQTTAcknowledgement(packetIdentifier: identifier)
        if header.qos == .atLeastOnce { return self.answer(.puback(acknowledgement), denial: denial) }
        guard self.refusedFromBroker.began(identifier) else { return .end(Self.exchangesExceeded(.upstream)) }
        return self.answer(.pubrec(acknowledgement), denial: denial)
    }

    private mutating func suback(_ frame: MQTTFrame) -> Outcome {
        switch self.decoded(frame, sender: .server) {
        case .success(.suback(var packet)):
            guard
                let codes = self.partialSubscriptions.answered(packet.packetIdentifier, with: packet.reasonCodes)
            else { return .forward(frame.bytes) }
            packet.reasonCodes = codes
            return self.encoded(.suback(packet)).map { .forward($0) } ?? .end(Self.encodingFailed)
        case .success:
            return .forward(frame.bytes)
        case .failure(let error):
            return .end(SessionEnd(upstreamError: error))
        }
    }

    // MARK: Parts

    private static func forwarding(
        _ frame: MQTTFrame, _ header: MQTTPublishHeader, _ topic: TopicAliasTable.Resolution,
        _ aliases: inout TopicAliasTable
    ) -> Outcome {
        aliases.forwarded(header)
        guard topic.needsTopic else { return .forward(frame.bytes) }
        do {
            let parts = try MQTTFrame.rewritingPublish(frame, header, topic: topic.topic, droppingTopicAlias: false)
            return .forwardParts(head: parts.head, payload: parts.payload)
        } catch {
            return .end(Self.encodingFailed)
        }
    }

    private static func aliasInvalid(_ fault: SessionEnd.Fault) -> SessionEnd {
        SessionEnd(
            .topicAliasInvalid, fault, answer: .topicAliasInvalid, "a topic alias that is not set or not allowed")
    }

    private static func exchangesExceeded(_ fault: SessionEnd.Fault) -> SessionEnd {
        SessionEnd(
            .exchangesExceeded, fault, answer: fault == .device ? .receiveMaximumExceeded : .serverBusy,
            "too many exchanges under way"
        )
    }

    private static let encodingFailed = SessionEnd(
        .internalError, .gateway, answer: .unspecifiedError, "a rewritten packet does not encode"
    )

    /// Decodes with the rules for what a client sends (MQTT-3.3.4-6 and the tables of section 2.4).
    private func decodedFromDevice(_ frame: MQTTFrame) -> Result<MQTTPacket, MQTTProtocolError> {
        self.decoded(frame, sender: .client)
    }

    private func decoded(_ frame: MQTTFrame, sender: MQTTSender) -> Result<MQTTPacket, MQTTProtocolError> {
        do {
            return .success(
                try MQTTPacket.decode(frame, version: self.version, limits: self.codecLimits, sender: sender)
            )
        } catch {
            return .failure(error)
        }
    }

    private func encoded(_ packet: MQTTPacket) -> ByteBuffer? {
        var buffer = ByteBuffer()
        do {
            try packet.encode(into: &buffer, version: self.version)
            return buffer
        } catch {
            return nil
        }
    }

    /// Answers the sender with a packet of the gateway's own.
    private func answer(_ packet: MQTTPacket, denial: String?) -> Outcome {
        guard let bytes = self.encoded(packet) else { return .end(Self.encodingFailed) }
        return .absorb(answer: bytes, probe: nil, denial: denial)
    }

    /// Keeps a packet of the device back, answering it if `packet` is given.
    private mutating func absorb(_ packet: MQTTPacket?, denial: String?) -> Outcome {
        var answer: ByteBuffer?
        if let packet {
            guard let bytes = self.encoded(packet) else { return .end(Self.encodingFailed) }
            answer = bytes
        }
        // One unanswered probe is enough: it arrived, or the connection to the broker is dead anyway.
        guard self.probesOutstanding == 0 else { return .absorb(answer: answer, probe: nil, denial: denial) }
        self.probesOutstanding += 1
        return .absorb(answer: answer, probe: Self.pingRequest, denial: denial)
    }

    /// PINGREQ (MQTT 5.0, section 3.12): two bytes, the same in both versions.
    private static let pingRequest = ByteBuffer(bytes: [0xC0, 0x00])
}

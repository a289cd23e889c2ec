internal import FleetPolicy
internal import MQTTCodec
internal import NIOCore

/// SUBSCRIBE and UNSUBSCRIBE, and the broker's answers to them.
extension CarriedSession {
    /// What a SUBSCRIBE's filters come to, in their order.
    private struct Judgement {
        var dispositions: [PartialSubscriptions.Disposition] = []
        /// As the device asked for them, with the QoS they may have.
        var permitted: [MQTTSubscription] = []
        /// The same with the prefix: what the broker is asked.
        var upstream: [MQTTSubscription] = []
        var firstDenial: String?
        /// Whether the device's packet can pass as it is.
        var isUnchanged = true
        /// Filters permitted that the device does not hold yet.
        var added: Set<[UInt8]> = []

        mutating func refuse(_ denial: String, _ code: MQTTReasonCode) {
            self.isUnchanged = false
            self.firstDenial = self.firstDenial ?? denial
            self.dispositions.append(.refused(code))
        }
    }

    mutating func subscribe(_ frame: MQTTFrame) -> Outcome {
        let subscribe: MQTTSubscribe
        switch self.decodedFromDevice(frame) {
        case .success(.subscribe(let packet)): subscribe = packet
        case .success: return .end(.unexpectedPacket(frame.type))
        case .failure(let error): return .end(SessionEnd(deviceError: error))
        }
        var judgement = Judgement(isUnchanged: self.topicPrefix.isEmpty)
        for subscription in subscribe.subscriptions { self.judge(subscription, &judgement) }
        guard !judgement.permitted.isEmpty else {
            return self.refuseSubscribe(subscribe, judgement.dispositions, denial: judgement.firstDenial)
        }
        var bytes = frame.bytes
        if !judgement.isUnchanged {
            var rewritten = subscribe
            rewritten.subscriptions = judgement.upstream
            guard let encoded = self.encoded(.subscribe(rewritten)) else { return .end(Self.encodingFailed) }
            guard encoded.readableBytes <= self.agreement.brokerPacketBytesMax else {
                let refused = subscribe.subscriptions.map { _ in
                    PartialSubscriptions.Disposition.refused(self.refusal(.quotaExceeded))
                }
                return self.refuseSubscribe(subscribe, refused, denial: Self.tooLargeForBroker)
            }
            bytes = encoded
        }
        // Where only a QoS was lowered, the broker's SUBACK has an answer for every filter and passes as it is.
        if judgement.permitted.count < judgement.dispositions.count {
            guard self.partialSubscriptions.began(subscribe.packetIdentifier, judgement.dispositions) else {
                return .end(Self.exchangesExceeded(.device))
            }
        }
        _ = self.requestsUnderWay.began(subscribe.packetIdentifier)
        self.subscriptions.requested(
            judgement.permitted, identifier: subscribe.properties.subscriptionIdentifiers.first,
            request: subscribe.packetIdentifier
        )
        return .forward(bytes, denial: judgement.firstDenial)
    }

    private func judge(_ subscription: MQTTSubscription, _ judgement: inout Judgement) {
        let verdict = self.grant.permitsSubscribe(
            filter: subscription.filter.utf8.span, qos: subscription.qos.rawValue
        )
        let maximumQoS: UInt8
        switch verdict {
        case .denied(let denial):
            judgement.refuse(denial.rawValue, self.refusal(.notAuthorized))
            return
        case .granted(let qos):
            maximumQoS = qos
        }
        let filter = Array(subscription.filter.utf8)
        let isHeld = self.subscriptions.contains(filter) || judgement.added.contains(filter)
        guard isHeld || self.subscriptions.count + judgement.added.count < self.limits.subscriptionsMax else {
            judgement.refuse("too-many-subscriptions", self.refusal(.quotaExceeded))
            return
        }
        guard let upstreamFilter = self.topicPrefix.added(toFilter: subscription.filter) else {
            judgement.refuse("filter-too-long", self.refusal(.topicFilterInvalid))
            return
        }
        if !isHeld { judgement.added.insert(filter) }
        var granted = subscription
        granted.qos = min(subscription.qos, MQTTQoS(rawValue: maximumQoS) ?? .atMostOnce)
        judgement.isUnchanged = judgement.isUnchanged && granted.qos == subscription.qos
        judgement.dispositions.append(.forwarded)
        judgement.permitted.append(granted)
        granted.filter = upstreamFilter
        judgement.upstream.append(granted)
    }

    /// MQTT 3.1.1 knows one failure, 0x80 (MQTT-3.9.3-2 of 3.1.1).
    private func refusal(_ code: MQTTReasonCode) -> MQTTReasonCode {
        self.version == .v5 ? code : .unspecifiedError
    }

    /// Answers a SUBSCRIBE of which nothing goes to the broker.
    private mutating func refuseSubscribe(
        _ subscribe: MQTTSubscribe, _ dispositions: [PartialSubscriptions.Disposition], denial: String?
    ) -> Outcome {
        let codes = dispositions.map { disposition in
            switch disposition {
            case .refused(let code): code
            case .forwarded: MQTTReasonCode.unspecifiedError
            }
        }
        let suback = MQTTSuback(packetIdentifier: subscribe.packetIdentifier, reasonCodes: codes)
        return self.absorb(.suback(suback), denial: denial)
    }

    /// Giving up a subscription is never refused by the profile.
    mutating func unsubscribe(_ frame: MQTTFrame) -> Outcome {
        let unsubscribe: MQTTUnsubscribe
        switch self.decodedFromDevice(frame) {
        case .success(.unsubscribe(let packet)): unsubscribe = packet
        case .success: return .end(.unexpectedPacket(frame.type))
        case .failure(let error): return .end(SessionEnd(deviceError: error))
        }
        var bytes = frame.bytes
        if !self.topicPrefix.isEmpty {
            let filters = unsubscribe.filters.compactMap { self.topicPrefix.added(toFilter: $0) }
            var rewritten = unsubscribe
            rewritten.filters = filters
            guard filters.count == unsubscribe.filters.count else { return self.refuseUnsubscribe(unsubscribe) }
            guard let encoded = self.encoded(.unsubscribe(rewritten)) else { return .end(Self.encodingFailed) }
            guard encoded.readableBytes <= self.agreement.brokerPacketBytesMax else {
                return self.refuseUnsubscribe(unsubscribe)
            }
            bytes = encoded
        }
        for filter in unsubscribe.filters { self.subscriptions.removed(filter) }
        _ = self.requestsUnderWay.began(unsubscribe.packetIdentifier)
        return .forward(bytes)
    }

    /// An UNSUBSCRIBE that the prefix makes too long for the broker, or for MQTT. Under 5.0 the device hears that nothing
    /// was given up; 3.1.1 has no word for it, and a success that is none would be worse than the end.
    private mutating func refuseUnsubscribe(_ unsubscribe: MQTTUnsubscribe) -> Outcome {
        guard self.version == .v5 else {
            return .end(
                SessionEnd(
                    .packetTooLarge, .device, answer: .packetTooLarge, denial: Self.tooLargeForBroker,
                    "an UNSUBSCRIBE is too long with the profile's topic prefix"
                )
            )
        }
        let codes = unsubscribe.filters.map { _ in MQTTReasonCode.implementationSpecificError }
        let unsuback = MQTTUnsuback(packetIdentifier: unsubscribe.packetIdentifier, reasonCodes: codes)
        return self.absorb(.unsuback(unsuback), denial: Self.tooLargeForBroker)
    }

    // MARK: From the broker

    mutating func suback(_ frame: MQTTFrame) -> Outcome {
        switch self.decodedFromBroker(frame) {
        case .success(.suback(var packet)):
            let identifier = packet.packetIdentifier
            if self.answersOwn(.subscribe, identifier) { return .absorb(answer: nil, probe: nil, denial: nil) }
            self.requestsUnderWay.ended(identifier)
            self.subscriptions.answered(identifier, with: packet.reasonCodes)
            guard let codes = self.partialSubscriptions.answered(identifier, with: packet.reasonCodes) else {
                return .forward(frame.bytes)
            }
            packet.reasonCodes = codes
            return self.encoded(.suback(packet)).map { .forward($0) } ?? .end(Self.encodingFailed)
        case .success:
            return .forward(frame.bytes)
        case .failure(let error):
            return .end(SessionEnd(upstreamError: error))
        }
    }

    mutating func unsuback(_ frame: MQTTFrame) -> Outcome {
        guard let identifier = frame.packetIdentifier else { return .forward(frame.bytes) }
        if self.answersOwn(.unsubscribe, identifier) { return .absorb(answer: nil, probe: nil, denial: nil) }
        self.requestsUnderWay.ended(identifier)
        return .forward(frame.bytes)
    }

    /// Whether the broker answers a request of the gateway's own. A device that has taken the same identifier meanwhile
    /// sent its packet later, and a broker answers in order: the next answer is the device's.
    private mutating func answersOwn(_ request: OwnRequest, _ identifier: UInt16) -> Bool {
        guard !self.ownRequests.isEmpty, self.ownRequests[identifier] == request else { return false }
        self.ownRequests[identifier] = nil
        return true
    }
}

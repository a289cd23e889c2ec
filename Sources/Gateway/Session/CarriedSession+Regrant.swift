internal import FleetPolicy
internal import MQTTCodec
internal import NIOCore

/// What a new grant makes of a session that goes on.
struct RegrantOutcome {
    /// Packets of the gateway's own, in their order.
    var toBroker: [ByteBuffer] = []
    /// The session is over because of it, after what is in `toBroker` has been sent.
    var end: SessionEnd?
    /// One reason for each subscription that was taken away or lowered, to be counted like denials.
    var denials: [String] = []
}

extension CarriedSession {
    /// Topic filters in one packet of the gateway's own: what every broker takes (the bound of our own codec).
    private static let filtersPerPacketMax = 64
    /// Fixed header, identifier and length of the properties, at most.
    private static let requestOverheadBytes = 16

    /// New rules gave the same device a new grant: it holds from the next packet on, and for the subscriptions that the
    /// device has made in this connection.
    ///
    /// A filter that is no longer permitted is given up at the broker by the gateway itself, or the session ends, as the
    /// profile says. A filter that is still permitted at a lower QoS is subscribed to again with that QoS, under MQTT
    /// 5.0; under 3.1.1 that would have the broker send its retained messages once more (section 3.8.4), so there the
    /// QoS stays as it was granted. Receive Maximum stays what CONNACK said, and the topic prefix is for the life of a
    /// connection: a profile with another one ends the session before it comes here.
    mutating func regranted(_ grant: DeviceGrant, now: NIODeadline) -> RegrantOutcome {
        self.regranted(grant, terms: SessionTerms(grant), now: now)
    }

    /// - Parameter terms: what the new grant says of the session.
    mutating func regranted(_ grant: DeviceGrant, terms: SessionTerms, now: NIODeadline) -> RegrantOutcome {
        self.adopt(grant, terms.limits, now: now)
        var outcome = RegrantOutcome()
        var lost: [String] = []
        for held in self.subscriptions.sorted {
            let subscription = held.subscription
            let verdict = grant.permitsSubscribe(
                filter: subscription.filter.utf8.span, qos: subscription.qos.rawValue
            )
            switch verdict {
            case .denied:
                outcome.denials.append("subscription-lost")
                lost.append(subscription.filter)
            case .granted(let maximumQoS):
                guard self.version == .v5, let qos = MQTTQoS(rawValue: maximumQoS), qos < subscription.qos else {
                    continue
                }
                outcome.denials.append("subscription-lowered")
                guard let bytes = self.lowering(held, to: qos) else { return Self.notMended(outcome) }
                outcome.toBroker.append(bytes)
            }
        }
        guard !lost.isEmpty else { return outcome }
        switch terms.limits.onLostSubscription {
        case .unsubscribe:
            guard let packets = self.givingUp(lost) else { return Self.notMended(outcome) }
            outcome.toBroker += packets
        case .disconnect:
            outcome.end = SessionEnd(
                .subscriptionLost, .operator, answer: .notAuthorized,
                "the new rules do not permit a subscription of the device"
            )
        }
        return outcome
    }

    /// The subscriptions cannot be brought in line with the new rules: the session ends instead, and the device comes
    /// back under them.
    private static func notMended(_ outcome: RegrantOutcome) -> RegrantOutcome {
        var ended = outcome
        ended.end = SessionEnd(
            .subscriptionLost, .operator, answer: .notAuthorized,
            "the new rules do not permit a subscription, and it cannot be given up within the session"
        )
        return ended
    }

    /// SUBSCRIBE with a lower QoS, in the place of a subscription that there is (MQTT-3.8.4-3). No retained message is
    /// sent for it again.
    private mutating func lowering(_ held: HeldSubscriptions.Held, to qos: MQTTQoS) -> ByteBuffer? {
        var subscription = held.subscription
        subscription.qos = qos
        subscription.retainHandling = .doNotSend
        guard let identifier = self.takeIdentifier(),
            let filter = self.topicPrefix.added(toFilter: subscription.filter)
        else { return nil }
        self.subscriptions.lowered(subscription.filter, to: qos)
        self.ownRequests[identifier] = .subscribe
        subscription.filter = filter
        return self.encoded(
            .subscribe(
                MQTTSubscribe(
                    packetIdentifier: identifier, subscriptions: [subscription],
                    properties: held.identifier.map { [.subscriptionIdentifier($0)] } ?? []
                )
            )
        )
    }

    /// UNSUBSCRIBE for these filters, in as few packets as the broker takes.
    private mutating func givingUp(_ filters: [String]) -> [ByteBuffer]? {
        var packets: [ByteBuffer] = []
        var batch: [String] = []
        var batchBytes = Self.requestOverheadBytes
        for filter in filters {
            guard let upstream = self.topicPrefix.added(toFilter: filter) else { return nil }
            let byteCount = 2 + upstream.utf8.count
            let isFull = batch.count == Self.filtersPerPacketMax
            if !batch.isEmpty, isFull || batchBytes + byteCount > self.agreement.brokerPacketBytesMax {
                guard let packet = self.unsubscribing(batch) else { return nil }
                packets.append(packet)
                (batch, batchBytes) = ([], Self.requestOverheadBytes)
            }
            batch.append(upstream)
            batchBytes += byteCount
            self.subscriptions.removed(filter)
        }
        guard let packet = self.unsubscribing(batch) else { return nil }
        return packets + [packet]
    }

    private mutating func unsubscribing(_ filters: [String]) -> ByteBuffer? {
        guard let identifier = self.takeIdentifier() else { return nil }
        self.ownRequests[identifier] = .unsubscribe
        return self.encoded(.unsubscribe(MQTTUnsubscribe(packetIdentifier: identifier, filters: filters)))
    }

    /// A packet identifier that neither the device nor the gateway has under way (MQTT-2.2.1-3), from the end that
    /// devices, which count up from 1, are least likely to reach; nil when none is certain to be free.
    private func takeIdentifier() -> UInt16? {
        guard !self.publishesUnderWay.isIncomplete, !self.requestsUnderWay.isIncomplete else { return nil }
        return (1...UInt16.max).reversed().first { identifier in
            self.ownRequests[identifier] == nil && !self.publishesUnderWay.contains(identifier)
                && !self.requestsUnderWay.contains(identifier)
        }
    }
}

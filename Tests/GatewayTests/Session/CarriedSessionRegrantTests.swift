internal import FleetPolicy
internal import MQTTCodec
internal import NIOCore
internal import Testing

@testable internal import Gateway

@Suite("CarriedSession: new rules for subscriptions already made")
struct CarriedSessionRegrantTests {
    /// Without `v/…/jobs/#`.
    private static let withoutJobs: ProfileTree = [["topic": "v/{tenant}/{device}/down/#", "qos": 1]]
    /// All of it, at QoS 0.
    private static let lowered: ProfileTree = [
        ["topic": "v/{tenant}/{device}/down/#", "qos": 0],
        ["topic": "v/{tenant}/jobs/#", "qos": 0, "shared": true],
    ]

    /// A session that holds down/set (QoS 1), jobs/1 (QoS 2) and the shared jobs (QoS 2).
    private func holding(
        _ version: MQTTProtocolVersion, prefix: String = "", agree: (inout SessionAgreement) -> Void = { _ in }
    ) throws -> CarriedConversation {
        var conversation = try CarriedConversation(version, terms: .make(prefix: prefix), agree: agree)
        _ = try conversation.device(
            .subscribe((Topic.down, .atLeastOnce), (Topic.job, .exactlyOnce), (Topic.sharedJobs, .exactlyOnce))
        )
        _ = try conversation.broker(.suback(.grantedQoS1, .grantedQoS2, .grantedQoS2))
        #expect(conversation.session.subscriptions.count == 3)
        return conversation
    }

    private func regrant(
        _ conversation: inout CarriedConversation, _ subscribe: ProfileTree, prefix: String = "",
        _ action: LostSubscriptionAction = .unsubscribe
    ) throws -> (packets: [MQTTPacket], end: SessionEnd?, denials: [String]) {
        let outcome = conversation.session.regranted(
            try Grants.make(subscribe: subscribe), terms: try .make(prefix: prefix) { $0.onLostSubscription = action },
            now: conversation.now
        )
        let packets = try outcome.toBroker.map { try $0.packet(conversation.version) }
        return (packets, outcome.end, outcome.denials)
    }

    private func unsubscribe(_ id: UInt16, _ filters: String...) -> MQTTPacket {
        .unsubscribe(MQTTUnsubscribe(packetIdentifier: id, filters: filters))
    }

    private func unsuback(_ id: UInt16, _ version: MQTTProtocolVersion, count: Int = 1) -> MQTTPacket {
        let codes = version == .v5 ? [MQTTReasonCode](repeating: .success, count: count) : []
        return .unsuback(MQTTUnsuback(packetIdentifier: id, reasonCodes: codes))
    }

    // MARK: Lost

    @Test("what is no longer permitted is given up at the broker, and the device hears nothing of it")
    func lost() throws {
        for version in MQTTProtocolVersion.allCases {
            var conversation = try self.holding(version)
            let (packets, end, denials) = try self.regrant(&conversation, Self.withoutJobs)
            #expect(packets == [self.unsubscribe(65_535, Topic.sharedJobs, Topic.job)])
            #expect(end == nil)
            #expect(denials == ["subscription-lost", "subscription-lost"])
            #expect(try conversation.broker(self.unsuback(65_535, version, count: 2)) == .absorbed())
            #expect(try conversation.broker(self.unsuback(65_535, version, count: 2)) == .passed, "one answer is ours")
            #expect(conversation.session.subscriptions.count == 1)
            // Nothing is left to give up.
            #expect(try self.regrant(&conversation, Self.withoutJobs).packets.isEmpty)
        }
    }

    @Test("a filter with a prefix is given up with it, a shared one after its group")
    func lostWithPrefix() throws {
        var conversation = try self.holding(.v5, prefix: "elbe/")
        let packets = try self.regrant(&conversation, Self.withoutJobs, prefix: "elbe/").packets
        #expect(
            packets == [self.unsubscribe(65_535, "$share/workers/elbe/v/hamburg/jobs/#", "elbe/" + Topic.job)]
        )
    }

    @Test("where the profile says so the session ends")
    func disconnects() throws {
        for version in MQTTProtocolVersion.allCases {
            var conversation = try self.holding(version)
            let (packets, end, denials) = try self.regrant(&conversation, Self.withoutJobs, .disconnect)
            #expect(packets.isEmpty)
            #expect(end?.code == .subscriptionLost)
            #expect(end?.fault == .operator)
            #expect(end?.answer == .notAuthorized)
            #expect(denials.count == 2)
        }
    }

    @Test("rules that permit everything held ask nothing of the broker and end nothing")
    func nothingLost() throws {
        for action in LostSubscriptionAction.allCases {
            for version in MQTTProtocolVersion.allCases {
                var conversation = try self.holding(version)
                let (packets, end, denials) = try self.regrant(&conversation, Grants.subscribe, action)
                #expect(packets.isEmpty && end == nil && denials.isEmpty)
                var none = try CarriedConversation(version)
                let without = try self.regrant(&none, [], action)
                #expect(without.packets.isEmpty && without.end == nil && without.denials.isEmpty)
            }
        }
    }

    @Test("what the broker refused or the device gave up is not held, and not given up again")
    func notHeld() throws {
        var conversation = try CarriedConversation(.v5)
        _ = try conversation.device(.subscribe((Topic.job, .exactlyOnce), ("v/hamburg/jobs/2", .atMostOnce)))
        _ = try conversation.broker(.suback(.unspecifiedError, .grantedQoS0))
        _ = try conversation.device(.unsubscribe(MQTTUnsubscribe(packetIdentifier: 4, filters: ["v/hamburg/jobs/2"])))
        #expect(try self.regrant(&conversation, Self.withoutJobs).packets.isEmpty)
    }

    @Test("a SUBSCRIBE that the broker has not answered is given up too: it comes first")
    func unanswered() throws {
        var conversation = try CarriedConversation(.v5)
        _ = try conversation.device(.subscribe((Topic.job, .exactlyOnce)))
        #expect(try self.regrant(&conversation, Self.withoutJobs).packets == [self.unsubscribe(65_535, Topic.job)])
        #expect(try conversation.broker(.suback(.grantedQoS2)) == .passed)
        #expect(conversation.session.subscriptions.count == 0)
    }

    @Test("many filters go in as few packets as the broker takes")
    func batches() throws {
        let terms = try SessionTerms.make { $0.subscriptionsMax = 200 }
        for (bytesMax, packetsExpected) in [(MQTTLimits.packetBytesAbsoluteMax, 3), (400, 9), (1, 150)] {
            var conversation = try CarriedConversation(.v5, terms: terms) { $0.brokerPacketBytesMax = bytesMax }
            for batch in 0..<15 {
                let subscriptions = (0..<10).map {
                    MQTTSubscription(filter: "v/hamburg/jobs/\(1000 + batch * 10 + $0)")
                }
                let request = MQTTSubscribe(packetIdentifier: UInt16(batch + 1), subscriptions: subscriptions)
                #expect(try conversation.device(.subscribe(request)) == .passed)
            }
            let packets = try self.regrant(&conversation, Self.withoutJobs).packets
            var filters: Set<String> = []
            var identifiers: Set<UInt16> = []
            for case .unsubscribe(let packet) in packets {
                filters.formUnion(packet.filters)
                identifiers.insert(packet.packetIdentifier)
                let size = try MQTTPacket.unsubscribe(packet).bytes(.v5).readableBytes
                #expect(size <= bytesMax || packet.filters.count == 1)
            }
            #expect(filters.count == 150)
            #expect(packets.count == packetsExpected)
            #expect(identifiers.count == packets.count)
            #expect(conversation.session.subscriptions.count == 0)
        }
    }

    // MARK: Identifiers

    @Test("the gateway takes no identifier that the device has under way (MQTT-2.2.1-3)")
    func identifiers() throws {
        for version in MQTTProtocolVersion.allCases {
            var conversation = try self.holding(version)
            _ = try conversation.device(.publish(Topic.up, qos: .atLeastOnce, id: 65_535))
            _ = try conversation.device(.publish(Topic.exact, qos: .exactlyOnce, id: 65_534))
            _ = try conversation.device(.subscribe(id: 65_533, (Topic.down, .atMostOnce)))
            _ = try conversation.device(self.unsubscribe(65_532, "a"))
            _ = try conversation.broker(.acknowledgement(.pubrec, id: 65_534))
            let packets = try self.regrant(&conversation, Self.withoutJobs).packets
            #expect(packets == [self.unsubscribe(65_531, Topic.sharedJobs, Topic.job)])
            // The device's own answers pass.
            #expect(try conversation.broker(.acknowledgement(.puback, id: 65_535)) == .passed)
            #expect(try conversation.broker(.suback(id: 65_533, .grantedQoS0)) == .passed)
            #expect(try conversation.broker(self.unsuback(65_532, version)) == .passed)
            #expect(try conversation.broker(self.unsuback(65_531, version, count: 2)) == .absorbed())
        }
    }

    @Test("an identifier that is free again is taken; a refused PUBLISH takes none up")
    func identifiersFreed() throws {
        var conversation = try self.holding(.v3_1_1)
        _ = try conversation.device(.publish(Topic.up, qos: .atLeastOnce, id: 65_535))
        _ = try conversation.broker(.acknowledgement(.puback, id: 65_535))
        _ = try conversation.device(.publish(Topic.foreign, qos: .atLeastOnce, id: 65_535))
        #expect(
            try self.regrant(&conversation, Self.withoutJobs).packets
                == [self.unsubscribe(65_535, Topic.sharedJobs, Topic.job)]
        )
    }

    @Test("a device that takes the gateway's identifier meanwhile gets the answer to its own packet")
    func identifierTakenMeanwhile() throws {
        var conversation = try self.holding(.v5)
        _ = try self.regrant(&conversation, Self.withoutJobs)
        #expect(try conversation.device(self.unsubscribe(65_535, Topic.down)) == .passed)
        #expect(try conversation.device(.subscribe(id: 65_535, (Topic.down, .atMostOnce))) == .passed)
        #expect(try conversation.broker(self.unsuback(65_535, .v5, count: 2)) == .absorbed())
        #expect(try conversation.broker(self.unsuback(65_535, .v5)) == .passed)
        #expect(try conversation.broker(.suback(id: 65_535, .grantedQoS0)) == .passed)
    }

    @Test("where no identifier is certainly free the session ends instead")
    func noIdentifier() throws {
        var publishes = try self.holding(.v3_1_1)
        for id in 1...1_025 as ClosedRange<UInt16> {
            #expect(try publishes.device(.publish(Topic.up, qos: .atLeastOnce, id: id)) == .passed)
        }
        let lost = try self.regrant(&publishes, Self.withoutJobs)
        #expect(lost.packets.isEmpty)
        #expect(lost.end?.code == .subscriptionLost)

        var requests = try self.holding(.v5)
        for id in 1...257 as ClosedRange<UInt16> {
            #expect(try requests.device(self.unsubscribe(id, "a")) == .passed)
        }
        #expect(try self.regrant(&requests, Self.withoutJobs).end?.code == .subscriptionLost)
    }

    // MARK: Lowered

    @Test("a lower QoS is asked for again, with the subscription's own options and no retained messages")
    func lowered() throws {
        var conversation = try CarriedConversation(.v5)
        var subscription = MQTTSubscription(
            filter: Topic.job, qos: .exactlyOnce, noLocal: true, retainAsPublished: true,
            retainHandling: .sendAtSubscribe
        )
        let request = MQTTSubscribe(
            packetIdentifier: 5, subscriptions: [subscription], properties: [.subscriptionIdentifier(9)]
        )
        _ = try conversation.device(.subscribe(request))
        _ = try conversation.broker(.suback(id: 5, .grantedQoS2))
        let (packets, end, denials) = try self.regrant(&conversation, Self.lowered, .disconnect)
        subscription.qos = .atMostOnce
        subscription.retainHandling = .doNotSend
        #expect(
            packets == [
                .subscribe(
                    MQTTSubscribe(
                        packetIdentifier: 65_535, subscriptions: [subscription],
                        properties: [.subscriptionIdentifier(9)]
                    )
                )
            ]
        )
        #expect(end == nil, "a lowered subscription is not a lost one")
        #expect(denials == ["subscription-lowered"])
        #expect(try conversation.broker(.suback(id: 65_535, .grantedQoS0)) == .absorbed())
        #expect(try conversation.broker(.suback(id: 65_535, .grantedQoS0)) == .passed)
        #expect(try self.regrant(&conversation, Self.lowered).packets.isEmpty, "it is lowered once")
    }

    @Test("what the broker granted is the measure, and each lowered one has a packet of its own")
    func loweredSome() throws {
        var conversation = try CarriedConversation(.v5, terms: .make(prefix: "elbe/"))
        _ = try conversation.device(
            .subscribe((Topic.down, .atLeastOnce), (Topic.job, .exactlyOnce), (Topic.sharedJobs, .exactlyOnce))
        )
        _ = try conversation.broker(.suback(.grantedQoS0, .grantedQoS1, .grantedQoS2))
        let packets = try self.regrant(&conversation, Self.lowered, prefix: "elbe/").packets
        let filters = packets.compactMap { packet -> String? in
            guard case .subscribe(let subscribe) = packet, subscribe.subscriptions.count == 1 else { return nil }
            return subscribe.subscriptions[0].filter
        }
        #expect(filters == ["$share/workers/elbe/v/hamburg/jobs/#", "elbe/" + Topic.job])
    }

    @Test("MQTT 3.1.1 would have retained messages sent again: there the QoS stays (section 3.8.4 of 3.1.1)")
    func loweredVersion311() throws {
        var conversation = try self.holding(.v3_1_1)
        let (packets, end, denials) = try self.regrant(&conversation, Self.lowered)
        #expect(packets.isEmpty && end == nil && denials.isEmpty)
    }

    @Test("rules that permit a higher QoS ask nothing again")
    func raised() throws {
        var conversation = try CarriedConversation(.v5, grant: Grants.make(subscribe: Self.lowered))
        _ = try conversation.device(.subscribe((Topic.job, .exactlyOnce)))
        _ = try conversation.broker(.suback(.grantedQoS0))
        #expect(try self.regrant(&conversation, Grants.subscribe).packets.isEmpty)
    }

    // MARK: The bound

    @Test("what the gateway gave up makes room, what the broker refused too, and a lower bound takes nothing away")
    func bound() throws {
        let two = try SessionTerms.make { $0.subscriptionsMax = 2 }
        var conversation = try CarriedConversation(.v5, terms: two)
        _ = try conversation.device(.subscribe((Topic.down, .atMostOnce), (Topic.job, .atMostOnce)))
        #expect(try conversation.device(.subscribe(id: 2, ("v/hamburg/jobs/2", .atMostOnce))) != .passed)
        _ = try conversation.broker(.suback(.grantedQoS0, .notAuthorized))
        #expect(try conversation.device(.subscribe(id: 3, ("v/hamburg/jobs/2", .atMostOnce))) == .passed)
        #expect(try conversation.device(.subscribe(id: 4, (Topic.job, .atMostOnce))) != .passed)

        let one = try SessionTerms.make { $0.subscriptionsMax = 1 }
        let outcome = conversation.session.regranted(try Grants.make(), terms: one, now: conversation.now)
        #expect(outcome.toBroker.isEmpty && outcome.end == nil)
        #expect(try conversation.device(.subscribe(id: 5, (Topic.down, .atMostOnce))) == .passed, "it is held")
        #expect(try conversation.device(.subscribe(id: 6, (Topic.job, .atMostOnce))) != .passed)
    }

    @Test("filters refused in one SUBSCRIBE take no place from those after them")
    func boundWithinOnePacket() throws {
        var conversation = try CarriedConversation(.v5, terms: .make { $0.subscriptionsMax = 1 })
        #expect(
            try conversation.device(.subscribe(("#", .atMostOnce), (Topic.job, .atMostOnce), (Topic.down, .atMostOnce)))
                == .rewritten(.subscribe((Topic.job, .atMostOnce)))
        )
        #expect(
            try conversation.broker(.suback(.grantedQoS0))
                == .rewritten(.suback(.notAuthorized, .grantedQoS0, .quotaExceeded))
        )
    }

    // MARK: Inherited

    @Test("a refused delivery in a session that the broker kept shows a subscription of an earlier connection")
    func inherited() throws {
        var conversation = try self.holding(.v5) { $0.isResumed = true }
        #expect(
            try conversation.broker(.publish(Topic.foreignDown, qos: .atLeastOnce, id: 5))
                == .absorbed(answer: .acknowledgement(.puback, id: 5), denial: "inherited-subscription")
        )
        // While the gateway's own UNSUBSCRIBE is under way, it may be one of what was just given up.
        _ = try self.regrant(&conversation, Self.withoutJobs)
        #expect(try conversation.broker(.publish(Topic.job)) == .absorbed(denial: "delivery-not-allowed"))
        _ = try conversation.broker(self.unsuback(65_535, .v5, count: 2))
        #expect(try conversation.broker(.publish(Topic.job)) == .absorbed(denial: "inherited-subscription"))
        var fresh = try self.holding(.v5)
        #expect(try fresh.broker(.publish(Topic.foreignDown)) == .absorbed(denial: "delivery-not-allowed"))
    }
}

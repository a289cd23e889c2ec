internal import FleetPolicy
internal import MQTTCodec
internal import NIOCore
internal import Testing

@testable internal import Gateway

/// What both suites of the topic prefix are made with.
enum Prefixed {
    static let prefix = "elbe/nord/"

    static func conversation(
        _ version: MQTTProtocolVersion, prefix: String = Self.prefix, onDenied: ProfileTree = "acknowledge",
        agree: (inout SessionAgreement) -> Void = { _ in }
    ) throws -> CarriedConversation {
        let grant = try Grants.make(onDeniedPublish: onDenied)
        var terms = SessionTerms(grant)
        terms.topicPrefix = TopicPrefix(prefix)
        return try CarriedConversation(version, grant: grant, terms: terms, agree: agree)
    }

    static func publish(
        _ topic: String, qos: MQTTQoS = .atMostOnce, id: UInt16 = 11, properties: MQTTProperties, payload: String = "x"
    ) -> MQTTPacket {
        .publish(
            MQTTPublish(
                qos: qos, topic: topic, packetIdentifier: qos == .atMostOnce ? nil : id, properties: properties,
                payload: ByteBuffer(string: payload)
            )
        )
    }
}

@Suite("CarriedSession: the topic prefix")
struct CarriedSessionPrefixTests {
    // MARK: PUBLISH

    @Test("a PUBLISH goes out below the prefix and nothing else of it changes", arguments: MQTTProtocolVersion.allCases)
    func publishes(version: MQTTProtocolVersion) throws {
        var conversation = try Prefixed.conversation(version)
        #expect(
            try conversation.device(.publish(Topic.up, qos: .atLeastOnce, retain: true))
                == .rewritten(.publish(Prefixed.prefix + Topic.up, qos: .atLeastOnce, retain: true))
        )
        #expect(
            try conversation.device(.publish(Topic.exact, qos: .exactlyOnce, id: 3, payload: ""))
                == .rewritten(.publish(Prefixed.prefix + Topic.exact, qos: .exactlyOnce, id: 3, payload: ""))
        )
    }

    @Test("the profile is asked in the device's own view", arguments: MQTTProtocolVersion.allCases)
    func judgedInTheDevicesView(version: MQTTProtocolVersion) throws {
        for topic in [Topic.foreign, Prefixed.prefix + Topic.up, Topic.secretUp, "$SYS/x", "/" + Topic.up] {
            var conversation = try Prefixed.conversation(version)
            guard case .absorbed(nil, true, .some) = try conversation.device(.publish(topic)) else {
                Issue.record("\(topic) was not refused")
                continue
            }
        }
    }

    @Test("a response topic gets the prefix too, in its place among the properties")
    func responseTopic() throws {
        var conversation = try Prefixed.conversation(.v5)
        let before = MQTTProperties([.contentType("a"), .responseTopic(Topic.down), .correlationData(ByteBuffer())])
        let after = MQTTProperties([
            .contentType("a"), .responseTopic(Prefixed.prefix + Topic.down), .correlationData(ByteBuffer()),
        ])
        #expect(
            try conversation.device(Prefixed.publish(Topic.up, properties: before))
                == .rewritten(Prefixed.publish(Prefixed.prefix + Topic.up, properties: after))
        )
        // Also in a packet that leaves its topic to an alias.
        _ = try conversation.device(.publish(Topic.up, alias: 1))
        #expect(
            try conversation.device(Prefixed.publish("", properties: [.topicAlias(1), .responseTopic(Topic.down)]))
                == .rewritten(
                    Prefixed.publish("", properties: [.topicAlias(1), .responseTopic(Prefixed.prefix + Topic.down)])
                )
        )
    }

    @Test("without a prefix a response topic passes, whatever it is")
    func responseTopicWithoutPrefix() throws {
        var conversation = try Prefixed.conversation(.v5, prefix: "")
        #expect(
            try conversation.device(Prefixed.publish(Topic.up, properties: [.responseTopic("anything/else")]))
                == .passed
        )
        #expect(
            try conversation.broker(Prefixed.publish(Topic.down, properties: [.responseTopic("anything/else")]))
                == .passed
        )
    }

    @Test("an alias is set below the prefix and used as it is; a refused setting is written out with the prefix")
    func deviceAliases() throws {
        var conversation = try Prefixed.conversation(.v5)
        #expect(
            try conversation.device(.publish(Topic.up, alias: 1))
                == .rewritten(.publish(Prefixed.prefix + Topic.up, alias: 1))
        )
        #expect(try conversation.device(.publish("", alias: 1)) == .passed)
        _ = try conversation.device(.publish(Topic.up + "/b", qos: .exactlyOnce, alias: 2))
        #expect(
            try conversation.device(.publish("", alias: 2))
                == .rewritten(.publish(Prefixed.prefix + Topic.up + "/b", alias: 2))
        )
        #expect(try conversation.device(.publish("", alias: 2)) == .passed)
    }

    // MARK: Too long

    @Test("a topic that the prefix makes too long for MQTT is refused (section 1.5.4), and its alias is not set")
    func topicTooLong() throws {
        let prefix = String(repeating: "p", count: 65_530) + "/"
        var conversation = try Prefixed.conversation(.v5, prefix: prefix)
        #expect(
            try conversation.device(.publish(Topic.up, qos: .atLeastOnce, id: 4, alias: 1))
                == .absorbed(
                    answer: .acknowledgement(.puback, id: 4, .topicNameInvalid), probe: true, denial: "topic-too-long"
                )
        )
        #expect(
            try conversation.device(.publish("", qos: .atLeastOnce, id: 5, alias: 1))
                == .absorbed(answer: .acknowledgement(.puback, id: 5, .topicNameInvalid), denial: "topic-too-long")
        )
        #expect(
            try conversation.device(.subscribe((Topic.down, .atMostOnce)))
                == .absorbed(answer: .suback(.topicFilterInvalid), denial: "filter-too-long")
        )
        var older = try Prefixed.conversation(.v3_1_1, prefix: prefix)
        #expect(
            try older.device(.publish(Topic.up, qos: .atLeastOnce, id: 4))
                == .absorbed(answer: .acknowledgement(.puback, id: 4), probe: true, denial: "topic-too-long")
        )
        var strict = try Prefixed.conversation(.v3_1_1, prefix: prefix, onDenied: "disconnect")
        #expect(try strict.device(.publish(Topic.up)) == .ended(.publishDenied, .device, answer: .notAuthorized))
    }

    @Test("a packet that the prefix makes too long for the broker is refused, not sent (MQTT-3.2.2-15)")
    func tooLongForTheBroker() throws {
        let bare = try MQTTPacket.publish(Topic.up, qos: .atLeastOnce, id: 4).bytes(.v5).readableBytes
        let longest = bare + Prefixed.prefix.utf8.count
        for (bytesMax, passes) in [(longest, true), (longest - 1, false), (bare, false), (1, false)] {
            var conversation = try Prefixed.conversation(.v5) { $0.brokerPacketBytesMax = bytesMax }
            let judged = try conversation.device(.publish(Topic.up, qos: .atLeastOnce, id: 4))
            if passes {
                #expect(judged == .rewritten(.publish(Prefixed.prefix + Topic.up, qos: .atLeastOnce, id: 4)))
            } else {
                #expect(
                    try judged
                        == .absorbed(
                            answer: .acknowledgement(.puback, id: 4, .quotaExceeded), probe: true,
                            denial: "packet-too-large-for-broker"
                        )
                )
            }
        }
    }

    @Test("a SUBSCRIBE and an UNSUBSCRIBE too long for the broker are answered, and nothing of them is held")
    func requestsTooLongForTheBroker() throws {
        var conversation = try Prefixed.conversation(.v5) { $0.brokerPacketBytesMax = 40 }
        #expect(
            try conversation.device(.subscribe(("#", .atMostOnce), (Topic.down, .atMostOnce)))
                == .absorbed(
                    answer: .suback(.quotaExceeded, .quotaExceeded), probe: true, denial: "packet-too-large-for-broker"
                )
        )
        #expect(conversation.session.subscriptions.count == 0)
        let request = MQTTUnsubscribe(packetIdentifier: 9, filters: [Topic.down, "a"])
        let refused = MQTTUnsuback(
            packetIdentifier: 9, reasonCodes: [.implementationSpecificError, .implementationSpecificError]
        )
        #expect(
            try conversation.device(.unsubscribe(request))
                == .absorbed(answer: .unsuback(refused), denial: "packet-too-large-for-broker")
        )
        var older = try Prefixed.conversation(.v3_1_1, prefix: String(repeating: "p", count: 65_530) + "/")
        #expect(
            try older.device(.unsubscribe(request)) == .ended(.packetTooLarge, .device, answer: .packetTooLarge)
        )
    }

    // MARK: SUBSCRIBE

    @Test("filters get the prefix, shared ones after their group", arguments: MQTTProtocolVersion.allCases)
    func subscribes(version: MQTTProtocolVersion) throws {
        var conversation = try Prefixed.conversation(version)
        #expect(
            try conversation.device(
                .subscribe((Topic.down, .exactlyOnce), ("#", .atMostOnce), (Topic.sharedJobs, .exactlyOnce))
            )
                == .rewritten(
                    .subscribe(
                        (Prefixed.prefix + Topic.down, .atLeastOnce),
                        ("$share/workers/\(Prefixed.prefix)v/hamburg/jobs/#", .exactlyOnce)
                    )
                )
        )
        let refusal: MQTTReasonCode = version == .v5 ? .notAuthorized : .unspecifiedError
        #expect(
            try conversation.broker(.suback(.grantedQoS1, .grantedQoS2))
                == .rewritten(.suback(.grantedQoS1, refusal, .grantedQoS2))
        )
        #expect(
            try conversation.device(
                .unsubscribe(MQTTUnsubscribe(packetIdentifier: 5, filters: [Topic.sharedJobs, "#"]))
            )
                == .rewritten(
                    .unsubscribe(
                        MQTTUnsubscribe(
                            packetIdentifier: 5,
                            filters: ["$share/workers/\(Prefixed.prefix)v/hamburg/jobs/#", "\(Prefixed.prefix)#"]
                        )
                    )
                )
        )
        #expect(conversation.session.subscriptions.count == 1)
    }

    @Test("SUBSCRIBE keeps its options and its Subscription Identifier below the prefix")
    func subscribeKeepsTheRest() throws {
        var conversation = try Prefixed.conversation(.v5)
        var request = MQTTSubscribe(
            packetIdentifier: 3,
            subscriptions: [
                MQTTSubscription(
                    filter: Topic.job, qos: .exactlyOnce, noLocal: true, retainAsPublished: true,
                    retainHandling: .sendIfNewSubscription
                )
            ],
            properties: [.subscriptionIdentifier(17)]
        )
        let judged = try conversation.device(.subscribe(request))
        request.subscriptions[0].filter = Prefixed.prefix + Topic.job
        #expect(judged == .rewritten(.subscribe(request)))
    }
}

internal import FleetPolicy
internal import MQTTCodec
internal import NIOCore
internal import Testing

@testable internal import Gateway

@Suite("CarriedSession: the topic prefix of deliveries")
struct CarriedSessionPrefixDeliveryTests {
    @Test("a delivery comes without the prefix", arguments: MQTTProtocolVersion.allCases, MQTTQoS.allCases)
    func deliveries(version: MQTTProtocolVersion, qos: MQTTQoS) throws {
        var conversation = try Prefixed.conversation(version)
        #expect(
            try conversation.broker(.publish(Prefixed.prefix + Topic.down, qos: qos, id: 8, retain: true))
                == .rewritten(.publish(Topic.down, qos: qos, id: 8, retain: true))
        )
    }

    @Test("a delivery outside the prefix is refused, even where its topic would be permitted within it")
    func deliveriesOutside() throws {
        for version in MQTTProtocolVersion.allCases {
            for topic in [
                Topic.down, "elbe/nord", "elbe/nord/", "elbe/sued/" + Topic.down, "elbe/nordsee/" + Topic.down,
                "x" + Prefixed.prefix + Topic.down, Prefixed.prefix + Topic.foreignDown,
                Prefixed.prefix + Prefixed.prefix + Topic.down,
                Prefixed.prefix + "/" + Topic.down,
            ] {
                var conversation = try Prefixed.conversation(version)
                #expect(
                    try conversation.broker(.publish(topic, qos: .atLeastOnce, id: 5))
                        == .absorbed(answer: .acknowledgement(.puback, id: 5), denial: "delivery-not-allowed"),
                    "\(topic)"
                )
            }
        }
    }

    @Test("a response topic of a delivery loses the prefix, and one outside it is left out")
    func responseTopicOfDelivery() throws {
        let cases =
            [
                (Prefixed.prefix + "a/b", "a/b"), ("a/b", nil), ("elbe/nord", nil), (Prefixed.prefix, nil),
                ("elbe/nordsee/a", nil), ("elbe/nor", nil),
            ] as [(String, String?)]
        for (sent, received) in cases {
            var conversation = try Prefixed.conversation(.v5)
            let sentProperties = MQTTProperties([.contentType("a"), .responseTopic(sent), .topicAlias(1)])
            var properties = sentProperties
            if let received {
                properties.set(.responseTopic(received))
            } else {
                properties.removeAll(like: .responseTopic(""))
            }
            #expect(
                try conversation.broker(Prefixed.publish(Prefixed.prefix + Topic.down, properties: sentProperties))
                    == .rewritten(Prefixed.publish(Topic.down, properties: properties)), "\(sent)"
            )
            // The alias is known to the device now, and the rest is rewritten all the same.
            #expect(
                try conversation.broker(Prefixed.publish("", properties: sentProperties))
                    == .rewritten(Prefixed.publish("", properties: properties)), "\(sent)"
            )
        }
    }

    @Test("an alias of the broker's stands for the whole topic; the device gets its own part of it")
    func brokerAliases() throws {
        var conversation = try Prefixed.conversation(.v5)
        #expect(
            try conversation.broker(.publish(Prefixed.prefix + Topic.down, alias: 1))
                == .rewritten(.publish(Topic.down, alias: 1))
        )
        #expect(try conversation.broker(.publish("", alias: 1)) == .passed)
        #expect(
            try conversation.broker(.publish(Topic.down, alias: 2)) == .absorbed(denial: "delivery-not-allowed")
        )
        #expect(try conversation.broker(.publish("", alias: 2)) == .absorbed(denial: "delivery-not-allowed"))
    }

    @Test("a delivery is measured without its prefix; one too long for the device counts as delivered (MQTT-3.1.2-25)")
    func tooLongForTheDevice() throws {
        let bare = try MQTTPacket.publish(Topic.down, qos: .exactlyOnce, id: 4).bytes(.v5).readableBytes
        var exact = try Prefixed.conversation(.v5) { $0.devicePacketBytesMax = bare }
        #expect(
            try exact.broker(.publish(Prefixed.prefix + Topic.down, qos: .exactlyOnce, id: 4))
                == .rewritten(.publish(Topic.down, qos: .exactlyOnce, id: 4))
        )
        var tooLong = try Prefixed.conversation(.v5) { $0.devicePacketBytesMax = bare - 1 }
        #expect(
            try tooLong.broker(.publish(Prefixed.prefix + Topic.down, qos: .exactlyOnce, id: 4))
                == .absorbed(answer: .acknowledgement(.pubrec, id: 4), denial: "packet-too-large-for-device")
        )
        #expect(
            try tooLong.broker(.acknowledgement(.pubrel, id: 4))
                == .absorbed(answer: .acknowledgement(.pubcomp, id: 4))
        )
        // With an alias there is no prefix in the packet that could come off.
        var aliased = try Prefixed.conversation(.v5) { $0.devicePacketBytesMax = 60 }
        _ = try aliased.broker(.publish(Prefixed.prefix + Topic.down, alias: 1))
        #expect(
            try aliased.broker(
                .publish("", qos: .atLeastOnce, id: 6, alias: 1, payload: String(repeating: "x", count: 60)))
                == .absorbed(answer: .acknowledgement(.puback, id: 6), denial: "packet-too-large-for-device")
        )
    }

    @Test("without a prefix too: a topic written in for an alias must not make a packet too long for the device")
    func aliasTooLongForTheDevice() throws {
        var conversation = try Prefixed.conversation(.v5, prefix: "") { $0.devicePacketBytesMax = 30 }
        _ = conversation.session.regranted(
            try Grants.make(subscribe: ["v/{tenant}/{device}/down/#"]), now: conversation.now
        )
        #expect(try conversation.broker(.publish(Topic.job, alias: 1)) == .absorbed(denial: "delivery-not-allowed"))
        _ = conversation.session.regranted(try Grants.make(), now: conversation.now)
        #expect(
            try conversation.broker(.publish("", qos: .atLeastOnce, id: 6, alias: 1))
                == .absorbed(answer: .acknowledgement(.puback, id: 6), denial: "packet-too-large-for-device")
        )
        #expect(
            try conversation.broker(.publish("", qos: .atLeastOnce, id: 6, alias: 1, payload: ""))
                == .rewritten(.publish(Topic.job, qos: .atLeastOnce, id: 6, alias: 1, payload: ""))
        )
    }

    @Test("a topic as long as a device may send it can be delivered with its prefix to another")
    func longestTopic() throws {
        let topic = Topic.down + "/" + String(repeating: "x", count: 1_024 - Topic.down.utf8.count - 1)
        for version in MQTTProtocolVersion.allCases {
            var conversation = try Prefixed.conversation(version)
            #expect(try conversation.broker(.publish(Prefixed.prefix + topic)) == .rewritten(.publish(topic)))
            #expect(
                try conversation.broker(.publish(Prefixed.prefix + topic + "x"))
                    == .ended(.upstreamProtocolError, .upstream, answer: .serverBusy)
            )
        }
    }
}

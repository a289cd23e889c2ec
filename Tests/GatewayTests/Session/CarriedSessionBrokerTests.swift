internal import FleetPolicy
internal import MQTTCodec
internal import NIOCore
internal import Testing

@testable internal import Gateway

@Suite("CarriedSession: packets from the broker")
struct CarriedSessionBrokerTests {
    @Test("a permitted message passes byte for byte", arguments: MQTTProtocolVersion.allCases, MQTTQoS.allCases)
    func permitted(version: MQTTProtocolVersion, qos: MQTTQoS) throws {
        var conversation = try CarriedConversation(version)
        #expect(try conversation.broker(.publish(Topic.down, qos: qos, retain: true)) == .passed)
        #expect(try conversation.broker(.publish(Topic.job, qos: qos)) == .passed)
    }

    @Test("a message the profile does not let the device subscribe to is taken off the broker and goes no further")
    func refused() throws {
        for version in MQTTProtocolVersion.allCases {
            for topic in [Topic.foreignDown, Topic.secretDown, "$SYS/broker/clients", Topic.up] {
                var conversation = try CarriedConversation(version)
                let denial = "delivery-not-allowed"
                #expect(try conversation.broker(.publish(topic)) == .absorbed(denial: denial))
                #expect(
                    try conversation.broker(.publish(topic, qos: .atLeastOnce, id: 5))
                        == .absorbed(answer: .acknowledgement(.puback, id: 5), denial: denial)
                )
                #expect(
                    try conversation.broker(.publish(topic, qos: .exactlyOnce, id: 6))
                        == .absorbed(answer: .acknowledgement(.pubrec, id: 6), denial: denial)
                )
                #expect(
                    try conversation.broker(.acknowledgement(.pubrel, id: 6))
                        == .absorbed(answer: .acknowledgement(.pubcomp, id: 6))
                )
                #expect(try conversation.broker(.acknowledgement(.pubrel, id: 6)) == .passed)
            }
        }
    }

    @Test("the two directions' QoS 2 exchanges have identifiers of their own (MQTT-2.2.1-4)")
    func directions() throws {
        var conversation = try CarriedConversation(.v3_1_1)
        _ = try conversation.device(.publish(Topic.foreign, qos: .exactlyOnce, id: 6))
        #expect(try conversation.broker(.acknowledgement(.pubrel, id: 6)) == .passed)
        _ = try conversation.broker(.publish(Topic.foreignDown, qos: .exactlyOnce, id: 7))
        #expect(try conversation.device(.acknowledgement(.pubrel, id: 7)) == .passed)
        #expect(
            try conversation.device(.acknowledgement(.pubrel, id: 6))
                == .absorbed(answer: .acknowledgement(.pubcomp, id: 6), probe: false)
        )
    }

    @Test("a broker that leaves refused exchanges open ends the session at the bound: not the device's fault")
    func refusedBounded() throws {
        var conversation = try CarriedConversation(.v5, limits: GatewayLimits(refusedExchangesMax: 2))
        for id in 1...2 as ClosedRange<UInt16> {
            _ = try conversation.broker(.publish(Topic.foreignDown, qos: .exactlyOnce, id: id))
        }
        #expect(
            try conversation.broker(.publish(Topic.foreignDown, qos: .exactlyOnce, id: 3))
                == .ended(.exchangesExceeded, .upstream, answer: .serverBusy)
        )
    }

    @Test("a new grant is the measure for the next message")
    func regranted() throws {
        var conversation = try CarriedConversation(.v5)
        #expect(try conversation.broker(.publish(Topic.job)) == .passed)
        _ = conversation.session.regranted(
            try Grants.make(subscribe: ["v/{tenant}/{device}/down/#"]), now: conversation.now
        )
        #expect(try conversation.broker(.publish(Topic.job)) == .absorbed(denial: "delivery-not-allowed"))
        #expect(try conversation.broker(.publish(Topic.down)) == .passed)
    }

    // MARK: Topic aliases

    @Test("an alias of the broker's is judged by its topic, and written out when the device has not seen it")
    func alias() throws {
        var conversation = try CarriedConversation(.v5)
        #expect(try conversation.broker(.publish(Topic.down, alias: 1)) == .passed)
        #expect(try conversation.broker(.publish("", alias: 1)) == .passed)
        #expect(
            try conversation.broker(.publish(Topic.job + "/x", alias: 2)) == .passed
        )
        // Refused under the one grant, permitted under the next: then the device needs the topic.
        _ = conversation.session.regranted(
            try Grants.make(subscribe: ["v/{tenant}/{device}/down/#"]), now: conversation.now
        )
        #expect(
            try conversation.broker(.publish(Topic.job, alias: 3)) == .absorbed(denial: "delivery-not-allowed")
        )
        #expect(try conversation.broker(.publish("", alias: 3)) == .absorbed(denial: "delivery-not-allowed"))
        _ = conversation.session.regranted(try Grants.make(), now: conversation.now)
        #expect(
            try conversation.broker(.publish("", qos: .exactlyOnce, id: 9, alias: 3, payload: "x"))
                == .rewritten(.publish(Topic.job, qos: .exactlyOnce, id: 9, alias: 3, payload: "x"))
        )
        #expect(try conversation.broker(.publish("", alias: 3)) == .passed)
    }

    @Test("an alias the device did not agree to ends the session: the broker's doing (MQTT-3.1.2-26)")
    func aliasInvalid() throws {
        for packet in [MQTTPacket.publish(Topic.down, alias: 5), .publish("", alias: 1)] {
            var conversation = try CarriedConversation(.v5, brokerAliasMax: 4)
            #expect(
                try conversation.broker(packet) == .ended(.topicAliasInvalid, .upstream, answer: .topicAliasInvalid)
            )
        }
        var none = try CarriedConversation(.v5, brokerAliasMax: 0)
        #expect(
            try none.broker(.publish(Topic.down, alias: 1))
                == .ended(.topicAliasInvalid, .upstream, answer: .topicAliasInvalid)
        )
    }

    @Test("the two directions' aliases are not the same (section 3.3.2.3.4)")
    func aliasDirections() throws {
        var conversation = try CarriedConversation(.v5)
        _ = try conversation.device(.publish(Topic.up, alias: 1))
        #expect(
            try conversation.broker(.publish("", alias: 1))
                == .ended(.topicAliasInvalid, .upstream, answer: .topicAliasInvalid)
        )
    }

    // MARK: Other packets

    @Test(
        "acknowledgements pass", arguments: MQTTProtocolVersion.allCases,
        [MQTTPacketType.puback, .pubrec, .pubrel, .pubcomp]
    )
    func acknowledgements(version: MQTTProtocolVersion, type: MQTTPacketType) throws {
        var conversation = try CarriedConversation(version)
        #expect(try conversation.broker(.acknowledgement(type, id: 1)) == .passed)
    }

    @Test("the broker's DISCONNECT passes, word for word, and is the last packet (section 3.14)")
    func disconnect() throws {
        var conversation = try CarriedConversation(.v5)
        let packet = MQTTDisconnect(reasonCode: .sessionTakenOver, properties: [.reasonString("another client")])
        #expect(try conversation.broker(.disconnect(packet)) == .last(.upstreamDisconnected, .upstream))
    }

    @Test("no broker of MQTT 3.1.1 sends DISCONNECT")
    func disconnectVersion311() throws {
        var conversation = try CarriedConversation(.v3_1_1)
        #expect(
            try conversation.broker(.disconnect(MQTTDisconnect()))
                == .ended(.upstreamProtocolError, .upstream, answer: .serverBusy)
        )
    }

    @Test(
        "what only a client sends, a second CONNACK and AUTH end the session", arguments: MQTTProtocolVersion.allCases)
    func notABrokers(version: MQTTProtocolVersion) throws {
        var packets: [MQTTPacket] = [
            .connect(MQTTConnect(version: version, clientIdentifier: "x")), .subscribe((Topic.down, .atMostOnce)),
            .unsubscribe(MQTTUnsubscribe(packetIdentifier: 1, filters: ["a"])), .pingreq,
            .connack(MQTTConnack(reasonCode: .success)),
        ]
        if version == .v5 {
            let properties: MQTTProperties = [.authenticationMethod("x")]
            packets.append(.auth(MQTTAuth(reasonCode: .continueAuthentication, properties: properties)))
        }
        for packet in packets {
            var conversation = try CarriedConversation(version)
            #expect(
                try conversation.broker(packet) == .ended(.upstreamProtocolError, .upstream, answer: .serverBusy)
            )
        }
    }

    @Test(
        "a malformed message ends the session, and it was not the device's fault",
        arguments: [
            ([0x32, 0x03, 0x00, 0x01, 0x61] as [UInt8], MQTTProtocolVersion.v3_1_1),
            ([0x32, 0x05, 0x00, 0x01, 0x61, 0x00, 0x00], .v3_1_1), ([0x30, 0x02, 0x00, 0x05], .v3_1_1),
            ([0x30, 0x03, 0x00, 0x01, 0x2B], .v3_1_1), ([0x30, 0x03, 0x00, 0x01, 0x61], .v5),
            ([0x30, 0x00], .v5), ([0x30, 0x07, 0x00, 0x01, 0x61, 0x03, 0x23, 0x00, 0x00], .v5),
        ]
    )
    func malformed(bytes: [UInt8], version: MQTTProtocolVersion) throws {
        var conversation = try CarriedConversation(version)
        #expect(try conversation.broker(bytes) == .ended(.upstreamProtocolError, .upstream, answer: .serverBusy))
    }

    @Test("a PUBREL too short for an identifier is left to the device")
    func shortPubrel() throws {
        var conversation = try CarriedConversation(.v5)
        _ = try conversation.broker(.publish(Topic.foreignDown, qos: .exactlyOnce, id: 1))
        #expect(try conversation.broker([0x62, 0x00]) == .passed)
    }
}

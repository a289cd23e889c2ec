internal import FleetPolicy
internal import MQTTCodec
internal import NIOCore
internal import Testing

@testable internal import Gateway

@Suite("CarriedSession: PUBLISH from the device")
struct CarriedSessionPublishTests {
    @Test("a permitted PUBLISH passes byte for byte", arguments: MQTTProtocolVersion.allCases)
    func permitted(version: MQTTProtocolVersion) throws {
        var conversation = try CarriedConversation(version)
        #expect(try conversation.device(.publish(Topic.up)) == .passed)
        #expect(try conversation.device(.publish(Topic.up, qos: .atLeastOnce, retain: true)) == .passed)
        #expect(try conversation.device(.publish(Topic.exact, qos: .exactlyOnce, payload: "")) == .passed)
    }

    @Test("what the profile does not allow is not forwarded", arguments: MQTTProtocolVersion.allCases)
    func denials(version: MQTTProtocolVersion) throws {
        let cases: [(MQTTPacket, String)] = [
            (.publish(Topic.foreign), "topic-not-allowed"), (.publish(Topic.secretUp), "topic-denied"),
            (.publish("$SYS/broker/uptime"), "topic-not-allowed"), (.publish("/" + Topic.up), "topic-not-allowed"),
            (.publish(Topic.exact, retain: true), "retain-not-allowed"),
            (.publish(Topic.down), "topic-not-allowed"), (.publish("V/hamburg/meter-7/up/x"), "topic-not-allowed"),
        ]
        for (packet, denial) in cases {
            var conversation = try CarriedConversation(version)
            let judged = try conversation.device(packet)
            #expect(judged == .absorbed(probe: true, denial: denial))
        }
    }

    @Test("MQTT 5.0 says Not authorized in PUBACK and PUBREC, whatever the profile says (section 3.4.2.1)")
    func deniedVersion5() throws {
        for onDenied in ["acknowledge", "disconnect"] as [ProfileTree] {
            var conversation = try CarriedConversation(.v5, grant: Grants.make(onDeniedPublish: onDenied))
            #expect(
                try conversation.device(.publish(Topic.foreign))
                    == .absorbed(probe: true, denial: "topic-not-allowed")
            )
            #expect(
                try conversation.device(.publish(Topic.foreign, qos: .atLeastOnce, id: 5))
                    == .absorbed(answer: .acknowledgement(.puback, id: 5, .notAuthorized), denial: "topic-not-allowed")
            )
            #expect(
                try conversation.device(.publish(Topic.up, qos: .exactlyOnce, id: 6))
                    == .absorbed(answer: .acknowledgement(.pubrec, id: 6, .notAuthorized), denial: "qos-too-high")
            )
        }
    }

    @Test("MQTT 3.1.1 acknowledges and drops where the profile says so (MQTT-3.3.5-2)")
    func deniedVersion311Acknowledge() throws {
        var conversation = try CarriedConversation(.v3_1_1)
        #expect(
            try conversation.device(.publish(Topic.foreign)) == .absorbed(probe: true, denial: "topic-not-allowed")
        )
        #expect(
            try conversation.device(.publish(Topic.foreign, qos: .atLeastOnce, id: 5))
                == .absorbed(answer: .acknowledgement(.puback, id: 5), denial: "topic-not-allowed")
        )
        #expect(
            try conversation.device(.publish(Topic.foreign, qos: .exactlyOnce, id: 6))
                == .absorbed(answer: .acknowledgement(.pubrec, id: 6), denial: "topic-not-allowed")
        )
    }

    @Test("MQTT 3.1.1 disconnects where the profile says so (MQTT-3.3.5-2)", arguments: MQTTQoS.allCases)
    func deniedVersion311Disconnect(qos: MQTTQoS) throws {
        var conversation = try CarriedConversation(.v3_1_1, grant: Grants.make(onDeniedPublish: "disconnect"))
        #expect(
            try conversation.device(.publish(Topic.foreign, qos: qos))
                == .ended(.publishDenied, .device, answer: .notAuthorized)
        )
    }

    @Test("a refused QoS 2 PUBLISH of MQTT 3.1.1 is completed by the gateway (section 4.3.3)")
    func refusedExactlyOnce() throws {
        var conversation = try CarriedConversation(.v3_1_1)
        _ = try conversation.device(.publish(Topic.foreign, qos: .exactlyOnce, id: 9))
        // Repeated, because the device did not see the PUBREC.
        #expect(
            try conversation.device(.publish(Topic.foreign, qos: .exactlyOnce, id: 9))
                == .absorbed(answer: .acknowledgement(.pubrec, id: 9), denial: "topic-not-allowed")
        )
        #expect(try conversation.device(.acknowledgement(.pubrel, id: 8)) == .passed)
        #expect(
            try conversation.device(.acknowledgement(.pubrel, id: 9))
                == .absorbed(answer: .acknowledgement(.pubcomp, id: 9))
        )
        #expect(try conversation.device(.acknowledgement(.pubrel, id: 9)) == .passed)
    }

    @Test("a refused QoS 2 PUBLISH of MQTT 5.0 is over with its PUBREC: a PUBREL would be the broker's to answer")
    func refusedExactlyOnceVersion5() throws {
        var conversation = try CarriedConversation(.v5)
        _ = try conversation.device(.publish(Topic.foreign, qos: .exactlyOnce, id: 9))
        #expect(try conversation.device(.acknowledgement(.pubrel, id: 9)) == .passed)
    }

    @Test("refused exchanges left open end the session at the bound, and not before")
    func refusedExchangesBounded() throws {
        var conversation = try CarriedConversation(.v3_1_1, limits: GatewayLimits(refusedExchangesMax: 3))
        for id in 1...3 as ClosedRange<UInt16> {
            _ = try conversation.device(.publish(Topic.foreign, qos: .exactlyOnce, id: id))
        }
        #expect(
            try conversation.device(.publish(Topic.foreign, qos: .exactlyOnce, id: 3))
                == .absorbed(answer: .acknowledgement(.pubrec, id: 3), denial: "topic-not-allowed")
        )
        #expect(
            try conversation.device(.publish(Topic.foreign, qos: .exactlyOnce, id: 4))
                == .ended(.exchangesExceeded, .device, answer: .receiveMaximumExceeded)
        )
    }

    @Test("refused MQTT 5.0 exchanges leave nothing behind, however many")
    func refusedVersion5Unbounded() throws {
        var conversation = try CarriedConversation(.v5, limits: GatewayLimits(refusedExchangesMax: 1))
        for id in 1...200 as ClosedRange<UInt16> {
            let judged = try conversation.device(.publish(Topic.foreign, qos: .exactlyOnce, id: id))
            guard case .absorbed(let answer, _, _) = judged else {
                Issue.record("PUBLISH \(id) led to \(judged)")
                return
            }
            #expect(try answer == .acknowledgement(.pubrec, id: id, .notAuthorized))
        }
    }

    // MARK: Topic aliases

    @Test("an alias passes as it is once its topic did")
    func alias() throws {
        var conversation = try CarriedConversation(.v5)
        #expect(try conversation.device(.publish(Topic.up, alias: 1)) == .passed)
        #expect(try conversation.device(.publish("", alias: 1)) == .passed)
    }

    @Test("an alias is judged by the topic it stands for")
    func aliasJudged() throws {
        var conversation = try CarriedConversation(.v5)
        #expect(
            try conversation.device(.publish(Topic.foreign, alias: 1))
                == .absorbed(probe: true, denial: "topic-not-allowed")
        )
        #expect(
            try conversation.device(.publish("", qos: .atLeastOnce, id: 3, alias: 1))
                == .absorbed(answer: .acknowledgement(.puback, id: 3, .notAuthorized), denial: "topic-not-allowed")
        )
    }

    @Test("an alias set by a refused PUBLISH is written out for the broker when it is used by a permitted one")
    func aliasOfRefusedPublish() throws {
        var conversation = try CarriedConversation(.v5)
        _ = try conversation.device(.publish(Topic.up, qos: .exactlyOnce, alias: 1))
        #expect(
            try conversation.device(.publish("", qos: .atLeastOnce, retain: true, alias: 1, payload: "second"))
                == .rewritten(.publish(Topic.up, qos: .atLeastOnce, retain: true, alias: 1, payload: "second"))
        )
        #expect(try conversation.device(.publish("", alias: 1)) == .passed)
    }

    @Test("a permitted topic cannot be smuggled under an alias that was set anew by a refused PUBLISH")
    func aliasSetAnew() throws {
        var conversation = try CarriedConversation(.v5)
        #expect(try conversation.device(.publish(Topic.up, alias: 1)) == .passed)
        _ = try conversation.device(.publish(Topic.secretUp, alias: 1))
        #expect(try conversation.device(.publish("", alias: 1)) == .absorbed(denial: "topic-denied"))
        // And back: the broker's alias 1 is still the first topic, so the new one is written out.
        #expect(try conversation.device(.publish(Topic.up + "/b", alias: 1)) == .passed)
        #expect(try conversation.device(.publish("", alias: 1)) == .passed)
    }

    @Test("invalid aliases end the session (MQTT-3.3.2-8, -9, -12)")
    func aliasInvalid() throws {
        let invalid = Judged.ended(.topicAliasInvalid, .device, answer: .topicAliasInvalid)
        for packet in [
            MQTTPacket.publish(Topic.up, alias: 5), .publish("", alias: 1), .publish("", alias: 65_535),
        ] {
            var conversation = try CarriedConversation(.v5, deviceAliasMax: 4)
            #expect(try conversation.device(packet) == invalid)
        }
        var forbidden = try CarriedConversation(.v5, deviceAliasMax: 0)
        #expect(try forbidden.device(.publish(Topic.up, alias: 1)) == invalid)
        // Alias 0 is caught by the codec: topic "a", properties of 3 bytes: 0x23, 0.
        var zero = try CarriedConversation(.v5)
        #expect(
            try zero.device([0x30, 0x07, 0x00, 0x01, 0x61, 0x03, 0x23, 0x00, 0x00])
                == .ended(SessionEnd.Code(rawValue: "bad-property"), .device, answer: .topicAliasInvalid)
        )
    }

    // MARK: Rate

    @Test("a PUBLISH over the rate is carried and the device is not read for a while")
    func throttled() throws {
        let limits: ProfileTree = ["messages": ["per-second": 4, "burst": 2, "on-exceeded": "throttle"]]
        var conversation = try CarriedConversation(.v5, grant: Grants.make(limits: limits))
        #expect(try conversation.delay(after: .publish(Topic.up)) == nil)
        // A refused one costs as much as a permitted one.
        #expect(try conversation.delay(after: .publish(Topic.foreign)) == nil)
        #expect(try conversation.delay(after: .publish(Topic.up)) == .milliseconds(250))
        #expect(try conversation.delay(after: .pingreq) == nil)
        conversation.now = conversation.now + .milliseconds(250)
        #expect(try conversation.device(.publish(Topic.up)) == .passed)
    }

    @Test("a PUBLISH over the rate ends the session where the profile says so", arguments: MQTTProtocolVersion.allCases)
    func rateDisconnects(version: MQTTProtocolVersion) throws {
        let limits: ProfileTree = ["messages": ["per-second": 1, "burst": 2, "on-exceeded": "disconnect"]]
        var conversation = try CarriedConversation(version, grant: Grants.make(limits: limits))
        #expect(try conversation.device(.publish(Topic.up)) == .passed)
        #expect(try conversation.device(.publish(Topic.up)) == .passed)
        #expect(try conversation.device(.pingreq) == .passed)
        #expect(
            try conversation.device(.publish(Topic.up))
                == .ended(.messageRateExceeded, .device, answer: .messageRateTooHigh)
        )
    }

    @Test("a new grant's rate holds from the next packet on, and an unchanged rate keeps what was spent")
    func regrantedRate() throws {
        let slow: ProfileTree = ["messages": ["per-second": 1, "burst": 1, "on-exceeded": "disconnect"]]
        let more: ProfileTree = [
            "messages": ["per-second": 1, "burst": 1, "on-exceeded": "disconnect"], "subscriptions": 1,
        ]
        let fast: ProfileTree = ["messages": ["per-second": 1, "burst": 2, "on-exceeded": "disconnect"]]
        var conversation = try CarriedConversation(.v5, grant: Grants.make(limits: slow))
        #expect(try conversation.device(.publish(Topic.up)) == .passed)
        var sameRate = conversation
        _ = sameRate.session.regranted(try Grants.make(limits: more), now: sameRate.now)
        #expect(
            try sameRate.device(.publish(Topic.up))
                == .ended(.messageRateExceeded, .device, answer: .messageRateTooHigh)
        )
        _ = conversation.session.regranted(try Grants.make(limits: fast), now: conversation.now)
        #expect(try conversation.device(.publish(Topic.up)) == .passed)
        #expect(try conversation.device(.publish(Topic.up)) == .passed)
    }

    // MARK: Malformed

    @Test(
        "a malformed PUBLISH ends the session",
        arguments: [
            // No packet identifier; identifier 0 (MQTT-2.2.1-3); topic longer than the packet; empty topic.
            ([0x32, 0x03, 0x00, 0x01, 0x61] as [UInt8], MQTTProtocolVersion.v3_1_1),
            ([0x32, 0x05, 0x00, 0x01, 0x61, 0x00, 0x00], .v3_1_1),
            ([0x30, 0x02, 0x00, 0x05], .v3_1_1), ([0x30, 0x02, 0x00, 0x00], .v3_1_1), ([0x30, 0x00], .v3_1_1),
            // A wildcard, U+0000 and ill-formed UTF-8 in the topic (MQTT-3.3.2-2, MQTT-1.5.4-1, -2).
            ([0x30, 0x03, 0x00, 0x01, 0x23], .v3_1_1), ([0x30, 0x03, 0x00, 0x01, 0x00], .v3_1_1),
            ([0x30, 0x03, 0x00, 0x01, 0xFF], .v3_1_1), ([0x30, 0x04, 0x00, 0x02, 0xC0, 0x80], .v3_1_1),
            // 5.0: no properties; an unknown one; a length beyond the packet; no topic and no alias.
            ([0x30, 0x03, 0x00, 0x01, 0x61], .v5), ([0x30, 0x05, 0x00, 0x01, 0x61, 0x01, 0x7F], .v5),
            ([0x30, 0x04, 0x00, 0x01, 0x61, 0x09], .v5), ([0x30, 0x03, 0x00, 0x00, 0x00], .v5),
            // A subscription identifier, which only a server sends (MQTT-3.3.4-6).
            ([0x30, 0x06, 0x00, 0x01, 0x61, 0x02, 0x0B, 0x01], .v5),
        ]
    )
    func malformed(bytes: [UInt8], version: MQTTProtocolVersion) throws {
        var conversation = try CarriedConversation(version)
        guard case .ended(_, .device, .some) = try conversation.device(bytes) else {
            Issue.record("\(bytes) was not refused")
            return
        }
    }
}

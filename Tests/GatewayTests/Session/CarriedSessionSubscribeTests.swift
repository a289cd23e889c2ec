internal import FleetPolicy
internal import MQTTCodec
internal import NIOCore
internal import Testing

@testable internal import Gateway

@Suite("CarriedSession: SUBSCRIBE, SUBACK and UNSUBSCRIBE")
struct CarriedSessionSubscribeTests {
    @Test("a permitted SUBSCRIBE passes byte for byte, and so does its SUBACK", arguments: MQTTProtocolVersion.allCases)
    func permitted(version: MQTTProtocolVersion) throws {
        var conversation = try CarriedConversation(version)
        #expect(
            try conversation.device(
                .subscribe((Topic.down, .atLeastOnce), (Topic.job, .exactlyOnce), (Topic.sharedJobs, .exactlyOnce))
            ) == .passed
        )
        #expect(try conversation.broker(.suback(.grantedQoS1, .grantedQoS2, .unspecifiedError)) == .passed)
    }

    @Test("the broker's answers and the gateway's refusals come back in the order asked (MQTT-3.8.4-6)")
    func partiallyDenied() throws {
        var conversation = try CarriedConversation(.v5)
        let request = MQTTPacket.subscribe(
            (Topic.foreignDown, .atMostOnce), (Topic.down, .atLeastOnce), ("#", .exactlyOnce),
            (Topic.job, .exactlyOnce), (Topic.secretDown, .atMostOnce)
        )
        #expect(
            try conversation.device(request)
                == .rewritten(.subscribe((Topic.down, .atLeastOnce), (Topic.job, .exactlyOnce)))
        )
        #expect(
            try conversation.broker(.suback(.grantedQoS1, .grantedQoS2))
                == .rewritten(
                    .suback(.notAuthorized, .grantedQoS1, .notAuthorized, .grantedQoS2, .notAuthorized)
                )
        )
        // The same identifier, used again, has a SUBACK of its own.
        #expect(try conversation.device(.subscribe((Topic.down, .atLeastOnce))) == .passed)
        #expect(try conversation.broker(.suback(.grantedQoS0)) == .passed)
    }

    @Test("MQTT 3.1.1 knows one failure, 0x80 (MQTT-3.9.3-2)")
    func partiallyDeniedVersion311() throws {
        var conversation = try CarriedConversation(.v3_1_1)
        #expect(
            try conversation.device(.subscribe((Topic.foreignDown, .atMostOnce), (Topic.down, .atMostOnce)))
                == .rewritten(.subscribe((Topic.down, .atMostOnce)))
        )
        #expect(
            try conversation.broker(.suback(.grantedQoS0)) == .rewritten(.suback(.unspecifiedError, .grantedQoS0))
        )
    }

    @Test("properties and options of a rewritten SUBSCRIBE are kept (section 3.8.2.1, 3.8.3.1)")
    func rewrittenKeepsTheRest() throws {
        var conversation = try CarriedConversation(.v5)
        var request = MQTTSubscribe(
            packetIdentifier: 3,
            subscriptions: [
                MQTTSubscription(filter: "#"),
                MQTTSubscription(
                    filter: Topic.down, qos: .atLeastOnce, noLocal: true, retainAsPublished: true,
                    retainHandling: .doNotSend
                ),
            ],
            properties: [.subscriptionIdentifier(17), .userProperty(name: "a", value: "b")]
        )
        let judged = try conversation.device(.subscribe(request))
        request.subscriptions.removeFirst()
        #expect(judged == .rewritten(.subscribe(request)))
    }

    @Test("the properties of the broker's SUBACK are kept")
    func subackKeepsProperties() throws {
        var conversation = try CarriedConversation(.v5)
        _ = try conversation.device(.subscribe(("#", .atMostOnce), (Topic.down, .atMostOnce)))
        let reason = MQTTProperties([.reasonString("because")])
        let answer = MQTTSuback(packetIdentifier: 21, reasonCodes: [.grantedQoS0], properties: reason)
        let merged = MQTTSuback(
            packetIdentifier: 21, reasonCodes: [.notAuthorized, .grantedQoS0], properties: reason
        )
        #expect(try conversation.broker(.suback(answer)) == .rewritten(.suback(merged)))
    }

    @Test("a SUBSCRIBE with nothing permitted is answered by the gateway")
    func allDenied() throws {
        var conversation = try CarriedConversation(.v5)
        #expect(
            try conversation.device(.subscribe(id: 5, ("#", .atMostOnce), (Topic.secretDown, .atMostOnce)))
                == .absorbed(
                    answer: .suback(id: 5, .notAuthorized, .notAuthorized), probe: true, denial: "filter-denied"
                )
        )
        // Nothing was left behind that a SUBACK of the broker's could be merged with.
        #expect(try conversation.broker(.suback(id: 5, .grantedQoS0)) == .passed)

        var older = try CarriedConversation(.v3_1_1)
        #expect(
            try older.device(.subscribe(id: 5, (Topic.foreignDown, .exactlyOnce)))
                == .absorbed(answer: .suback(id: 5, .unspecifiedError), probe: true, denial: "filter-not-allowed")
        )
    }

    @Test(
        "filters that would reach beyond the profile are refused",
        arguments: [
            "#", "+/#", "v/#", "v/+/meter-7/down/set", "v/hamburg/+/down/set", "v/hamburg/meter-7/#",
            "v/hamburg/meter-7/down/#", "v/hamburg/meter-7/down/+/key", Topic.secretDown, "v/hamburg/meter-70/down/x",
            "v/hamburg/meter-7/up/power", "$SYS/#", "$share/g/" + Topic.down, "$share/g/#", "/v/hamburg/jobs/1",
            "v/hamburg/jobs/../../x", "v/HAMBURG/jobs/1",
        ]
    )
    func refusedFilters(filter: String) throws {
        // "v/hamburg/jobs/../../x" is below jobs/: MQTT knows no parent level, and the broker neither.
        let isPermitted = filter.hasPrefix("v/hamburg/jobs/")
        for version in MQTTProtocolVersion.allCases {
            var conversation = try CarriedConversation(version)
            let judged = try conversation.device(.subscribe((filter, .atMostOnce)))
            if isPermitted {
                #expect(judged == .passed)
            } else {
                guard case .absorbed(.some(.suback), true, .some) = judged else {
                    Issue.record("\(filter) led to \(judged)")
                    return
                }
            }
        }
    }

    @Test("a QoS above the profile's is lowered, and the broker's SUBACK says what was granted (MQTT-3.8.4-7)")
    func qosLowered() throws {
        for version in MQTTProtocolVersion.allCases {
            var conversation = try CarriedConversation(version)
            #expect(
                try conversation.device(.subscribe((Topic.down, .exactlyOnce), (Topic.job, .exactlyOnce)))
                    == .rewritten(.subscribe((Topic.down, .atLeastOnce), (Topic.job, .exactlyOnce)))
            )
            #expect(try conversation.broker(.suback(.grantedQoS1, .grantedQoS2)) == .passed)
        }
    }

    @Test("SUBSCRIBEs whose QoS was lowered wait for nothing, however many are under way")
    func qosLoweredUnbounded() throws {
        var conversation = try CarriedConversation(.v5, limits: GatewayLimits(partialSubscriptionsMax: 1))
        for id in 1...20 as ClosedRange<UInt16> {
            #expect(
                try conversation.device(.subscribe(id: id, (Topic.down, .exactlyOnce)))
                    == .rewritten(.subscribe(id: id, (Topic.down, .atLeastOnce)))
            )
        }
    }

    @Test("shared subscriptions are judged by the filter after the share name (section 4.8.2)")
    func shared() throws {
        for version in MQTTProtocolVersion.allCases {
            var conversation = try CarriedConversation(version)
            #expect(try conversation.device(.subscribe((Topic.sharedJobs, .exactlyOnce))) == .passed)
            #expect(
                try conversation.device(.subscribe(("$share/g/v/hamburg/meter-7/down/set", .atMostOnce)))
                    == .absorbed(
                        answer: .suback(version == .v5 ? .notAuthorized : .unspecifiedError), probe: true,
                        denial: "shared-not-allowed"
                    )
            )
        }
    }

    @Test("no more subscriptions than the profile allows are held")
    func subscriptionsBounded() throws {
        var conversation = try CarriedConversation(.v5, grant: Grants.make(limits: ["subscriptions": 2]))
        #expect(
            try conversation.device(
                .subscribe(
                    ("v/hamburg/jobs/1", .atMostOnce), ("v/hamburg/jobs/2", .atMostOnce), (Topic.job, .atMostOnce))
            ) == .passed, "a filter asked for twice is one subscription (MQTT-3.8.4-3)"
        )
        #expect(
            try conversation.device(.subscribe(id: 1, ("v/hamburg/jobs/3", .atMostOnce), (Topic.job, .atMostOnce)))
                == .rewritten(.subscribe(id: 1, (Topic.job, .atMostOnce)))
        )
        #expect(
            try conversation.broker(.suback(id: 1, .grantedQoS0))
                == .rewritten(.suback(id: 1, .quotaExceeded, .grantedQoS0))
        )
        #expect(
            try conversation.device(.subscribe(id: 2, ("v/hamburg/jobs/3", .atMostOnce)))
                == .absorbed(answer: .suback(id: 2, .quotaExceeded), probe: true, denial: "too-many-subscriptions")
        )
        #expect(try conversation.device(.unsubscribe(id: 3, "v/hamburg/jobs/2")) == .passed)
        #expect(try conversation.device(.subscribe(id: 4, ("v/hamburg/jobs/3", .atMostOnce))) == .passed)
    }

    @Test("canonically equivalent filters are different subscriptions, as they are to the broker (section 4.7.3)")
    func normalization() throws {
        let composed = "v/hamburg/jobs/\u{E9}"
        let decomposed = "v/hamburg/jobs/e\u{301}"
        var conversation = try CarriedConversation(.v5, grant: Grants.make(limits: ["subscriptions": 1]))
        #expect(try conversation.device(.subscribe((composed, .atMostOnce))) == .passed)
        let refused = Judged.absorbed(answer: .suback(.quotaExceeded), probe: true, denial: "too-many-subscriptions")
        #expect(try conversation.device(.subscribe((decomposed, .atMostOnce))) == refused)
        // Giving up the one that is not held gives nothing back.
        #expect(try conversation.device(.unsubscribe(id: 3, decomposed)) == .passed)
        #expect(try conversation.device(.subscribe((Topic.down, .atMostOnce))) != .passed)
    }

    @Test("a profile without subscriptions holds none")
    func noSubscriptions() throws {
        var conversation = try CarriedConversation(.v3_1_1, grant: Grants.make(limits: ["subscriptions": 0]))
        #expect(
            try conversation.device(.subscribe((Topic.down, .atMostOnce)))
                == .absorbed(answer: .suback(.unspecifiedError), probe: true, denial: "too-many-subscriptions")
        )
    }

    @Test("partially refused SUBSCRIBEs without an answer end the session at the bound")
    func partialsBounded() throws {
        var conversation = try CarriedConversation(.v5, limits: GatewayLimits(partialSubscriptionsMax: 2))
        for id in 1...2 as ClosedRange<UInt16> {
            #expect(
                try conversation.device(.subscribe(id: id, ("#", .atMostOnce), (Topic.down, .atMostOnce)))
                    == .rewritten(.subscribe(id: id, (Topic.down, .atMostOnce)))
            )
        }
        #expect(
            try conversation.device(.subscribe(id: 3, ("#", .atMostOnce), (Topic.down, .atMostOnce)))
                == .ended(.exchangesExceeded, .device, answer: .receiveMaximumExceeded)
        )
    }

    @Test("a device that uses an identifier twice at once ends nobody's session but is answered in form")
    func identifierInUse() throws {
        var conversation = try CarriedConversation(.v5)
        _ = try conversation.device(.subscribe(("#", .atMostOnce), (Topic.down, .atMostOnce)))
        _ = try conversation.device(
            .subscribe((Topic.job, .atMostOnce), ("#", .atMostOnce), (Topic.down, .atMostOnce))
        )
        #expect(
            try conversation.broker(.suback(.grantedQoS0))
                == .rewritten(.suback(.grantedQoS0, .notAuthorized, .unspecifiedError))
        )
        #expect(try conversation.broker(.suback(.grantedQoS0, .grantedQoS0)) == .passed)
    }

    @Test("giving up a subscription is never refused", arguments: MQTTProtocolVersion.allCases)
    func unsubscribe(version: MQTTProtocolVersion) throws {
        var conversation = try CarriedConversation(version)
        #expect(try conversation.device(.unsubscribe(id: 1, "#", Topic.foreignDown, Topic.down)) == .passed)
        let answer = MQTTUnsuback(
            packetIdentifier: 1, reasonCodes: version == .v5 ? [.success, .noSubscriptionExisted, .success] : []
        )
        #expect(try conversation.broker(.unsuback(answer)) == .passed)
    }

    @Test("a SUBACK that is not one ends the session: it was the broker's doing")
    func malformedSuback() throws {
        let malformed: [[UInt8]] = [
            [0x90, 0x00], [0x90, 0x02, 0x00, 0x15], [0x90, 0x03, 0x00, 0x00, 0x00], [0x90, 0x03, 0x00, 0x15, 0x03],
        ]
        for bytes in malformed {
            var conversation = try CarriedConversation(.v3_1_1)
            _ = try conversation.device(.subscribe(("#", .atMostOnce), (Topic.down, .atMostOnce)))
            #expect(
                try conversation.broker(bytes) == .ended(.upstreamProtocolError, .upstream, answer: .serverBusy)
            )
        }
    }

    @Test(
        "a malformed SUBSCRIBE or UNSUBSCRIBE ends the session",
        arguments: [
            // SUBSCRIBE: nothing; identifier 0; no filter (MQTT-3.8.3-2); QoS 3; a reserved bit; a bad filter.
            ([0x82, 0x00] as [UInt8], MQTTProtocolVersion.v3_1_1),
            ([0x82, 0x06, 0x00, 0x00, 0x00, 0x01, 0x61, 0x00], .v3_1_1), ([0x82, 0x02, 0x00, 0x01], .v3_1_1),
            ([0x82, 0x06, 0x00, 0x01, 0x00, 0x01, 0x61, 0x03], .v3_1_1),
            ([0x82, 0x06, 0x00, 0x01, 0x00, 0x01, 0x61, 0x04], .v3_1_1),
            ([0x82, 0x07, 0x00, 0x01, 0x00, 0x02, 0x61, 0x23, 0x00], .v3_1_1),
            // 5.0: no filter; QoS 3; a reserved bit; retain handling 3; a property of another packet.
            ([0x82, 0x03, 0x00, 0x01, 0x00], .v5), ([0x82, 0x07, 0x00, 0x01, 0x00, 0x00, 0x01, 0x61, 0x03], .v5),
            ([0x82, 0x07, 0x00, 0x01, 0x00, 0x00, 0x01, 0x61, 0x40], .v5),
            ([0x82, 0x07, 0x00, 0x01, 0x00, 0x00, 0x01, 0x61, 0x30], .v5),
            ([0x82, 0x0A, 0x00, 0x01, 0x03, 0x23, 0x00, 0x01, 0x00, 0x01, 0x61, 0x00], .v5),
            // UNSUBSCRIBE: nothing; identifier 0; no filter (MQTT-3.10.3-2); an empty filter; bytes left over.
            ([0xA2, 0x00], .v3_1_1), ([0xA2, 0x05, 0x00, 0x00, 0x00, 0x01, 0x61], .v3_1_1),
            ([0xA2, 0x02, 0x00, 0x01], .v3_1_1), ([0xA2, 0x04, 0x00, 0x01, 0x00, 0x00], .v3_1_1),
            ([0xA2, 0x06, 0x00, 0x01, 0x00, 0x01, 0x61, 0x00], .v3_1_1), ([0xA2, 0x03, 0x00, 0x01, 0x00], .v5),
        ]
    )
    func malformed(bytes: [UInt8], version: MQTTProtocolVersion) throws {
        var conversation = try CarriedConversation(version)
        guard case .ended(_, .device, .some) = try conversation.device(bytes) else {
            Issue.record("\(bytes) was not refused")
            return
        }
    }

    @Test("more filters in one SUBSCRIBE than the codec's limit end the session")
    func tooManyFilters() throws {
        var conversation = try CarriedConversation(.v5)
        let subscriptions = (0..<65).map { MQTTSubscription(filter: "v/hamburg/jobs/\($0)") }
        let request = MQTTSubscribe(packetIdentifier: 1, subscriptions: subscriptions)
        #expect(
            try conversation.device(.subscribe(request))
                == .ended(SessionEnd.Code(rawValue: "limit-exceeded"), .device, answer: .quotaExceeded)
        )
    }
}

extension MQTTPacket {
    fileprivate static func unsubscribe(id: UInt16, _ filters: String...) -> MQTTPacket {
        .unsubscribe(MQTTUnsubscribe(packetIdentifier: id, filters: filters))
    }
}

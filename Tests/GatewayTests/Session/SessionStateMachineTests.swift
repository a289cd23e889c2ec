internal import FleetPolicy
internal import MQTTCodec
internal import NIOCore
internal import Testing

@testable internal import Gateway

@Suite("SessionStateMachine: the way of a connection")
struct SessionStateMachineTests {
    @Test("from the handshake to the last packet", arguments: MQTTProtocolVersion.allCases)
    func wholeWay(version: MQTTProtocolVersion) throws {
        var conversation = try SessionConversation(
            version, grant: Grants.make(limits: ["packet-bytes": unit("8KiB")])
        )
        #expect(try conversation.authenticated() == [.arm(.connect)])

        let connect = MQTTConnect(version: version, clientIdentifier: "x", keepAliveSeconds: 60)
        let claim = ConnectionClaim(
            key: DeviceKey(tenant: "hamburg", deviceID: "meter-7"), clientIdentifier: "hamburg/meter-7", maximum: 1,
            onExceeded: .takeOver, takesOverOwnName: false
        )
        #expect(try conversation.device(.connect(connect)) == [.arm(.admission), .claim(claim)])
        #expect(try conversation.place(.granted) == [.cancelDeadline, .dial()])

        var upstream = connect
        upstream.clientIdentifier = "hamburg/meter-7"
        upstream.userName = "hamburg/meter-7"
        if version == .v5 { upstream.properties = [.maximumPacketSize(262_144), .receiveMaximum(64)] }
        #expect(
            try conversation.upstreamConnected() == [
                .settleFraming(version, devicePacketBytesMax: 8_192), .toBroker(.connect(upstream)), .arm(.connack),
            ]
        )

        let connack = MQTTConnack(sessionPresent: true, reasonCode: .success)
        var answer = connack
        if version == .v5 { answer.properties = [.maximumPacketSize(8_192), .receiveMaximum(64)] }
        #expect(
            try conversation.broker(.connack(connack)) == [
                .cancelDeadline, .toDevice(.connack(answer)), .announceEstablished,
            ]
        )

        #expect(try conversation.device(.publish(Topic.up)) == [.carried])
        #expect(try conversation.broker(.publish(Topic.down)) == [.carried])
        #expect(try conversation.end(.deviceDisconnected()) == [.end(.deviceDisconnected, .none)])
        #expect(try conversation.end(.deviceClosed()) == [])
    }

    @Test("the device is held from its CONNECT until the broker's answer")
    func holds() throws {
        for place in SessionConversation.Place.allCases {
            let machine = try SessionConversation.at(place).machine
            #expect(machine.holdsDevice == place.isAdmission, "\(place)")
            #expect(machine.isEstablished == (place == .established), "\(place)")
            #expect((machine.grant == nil) == (place == .handshaking || place == .ended), "\(place)")
        }
    }

    @Test("the topic aliases agreed on are the ones carried")
    func aliases() throws {
        let connack = MQTTConnack(reasonCode: .success, properties: [.topicAliasMaximum(3)])
        var conversation = try SessionConversation.at(.established, connack: connack)
        #expect(try conversation.device(.publish(Topic.up, alias: 3)) == [.carried])
        let frame = try MQTTPacket.publish(Topic.up, alias: 4).frame(.v5)
        guard
            case .carried(.end(let end)) = conversation.machine.receivedFromDevice(frame, now: conversation.now).action
        else {
            Issue.record("alias 4 was carried")
            return
        }
        #expect(end.code == .topicAliasInvalid)
    }

    // MARK: The broker's answer

    @Test("the broker's refusal is the device's answer, word for word")
    func brokerRefuses() throws {
        let refusals: [(MQTTProtocolVersion, MQTTConnack)] = [
            (.v3_1_1, MQTTConnack(reasonCode: .notAuthorized)), (.v3_1_1, MQTTConnack(reasonCode: .serverUnavailable)),
            (.v5, MQTTConnack(reasonCode: .useAnotherServer, properties: [.serverReference("b"), .reasonString("c")])),
        ]
        for (version, refusal) in refusals {
            var conversation = try SessionConversation.at(.awaitingConnack, version)
            #expect(
                try conversation.broker(.connack(refusal)) == [
                    .toDevice(.connack(refusal)), .cancelDeadline, .end(.upstreamRefused, .upstream),
                ]
            )
        }
    }

    @Test("a broker of MQTT 3.1.1 alone refuses a 5.0 device in its own form (section 3.2.2.3 of MQTT 3.1.1)")
    func olderBroker() throws {
        var conversation = try SessionConversation.at(.awaitingConnack, .v5)
        let bytes: [UInt8] = [0x20, 0x02, 0x00, 0x01]
        let action = conversation.machine.receivedFromBroker(try .one(in: bytes, nil), now: conversation.now)
        guard case .lifecycle(let actions) = action, case .sendToDevice(let answer) = try #require(actions.first) else {
            Issue.record("no answer for the device")
            return
        }
        #expect(Array(answer.readableBytesView) == bytes)
        #expect(actions.count == 3)
    }

    @Test(
        "a broker that does not answer CONNECT with a CONNACK is at fault",
        arguments: [
            [0xD0, 0x00] as [UInt8], [0x30, 0x03, 0x00, 0x01, 0x61], [0xE0, 0x00], [0x20, 0x02, 0x00, 0x06],
            [0x20, 0x02, 0x02, 0x00], [0x20, 0x02, 0x01, 0x05], [0x20, 0x03, 0x00, 0x00, 0x00], [0x20, 0x00],
            [0x10, 0x00], [0xF0, 0x00],
        ]
    )
    func noConnack(bytes: [UInt8]) throws {
        for version in MQTTProtocolVersion.allCases {
            // The last of the list but one is well-formed under 5.0: CONNACK with success and no properties.
            if version == .v5, bytes == [0x20, 0x03, 0x00, 0x00, 0x00] { continue }
            var conversation = try SessionConversation.at(.awaitingConnack, version)
            let done = try conversation.broker(.one(in: bytes, nil))
            #expect(done.last == .end(.upstreamProtocolError, .upstream))
            guard case .toDevice(.connack(let answer)) = try #require(done.dropLast().last) else {
                Issue.record("\(bytes): the device gets no answer")
                continue
            }
            #expect([.serverUnavailable, .serverBusy].contains(answer.reasonCode))
        }
    }

    @Test("something that speaks before CONNECT is no broker, and no reason to trap")
    func speaksFirst() throws {
        for place in [
            SessionConversation.Place.handshaking, .awaitingConnect, .admitting, .claiming, .dialling,
        ] {
            var conversation = try SessionConversation.at(place)
            #expect(try conversation.broker(.pingresp).last == .end(.upstreamProtocolError, .upstream), "\(place)")
        }
    }

    // MARK: Ends from outside

    @Test("the broker cannot be reached: the device hears of it", arguments: MQTTProtocolVersion.allCases)
    func upstreamFails(version: MQTTProtocolVersion) throws {
        var conversation = try SessionConversation.at(.dialling, version)
        #expect(
            try conversation.upstreamFailed() == [
                .cancelDeadline, .toDevice(.refusal(version, .serverUnavailable, .upstreamUnavailable)),
                .end(.upstreamUnavailable, .upstream),
            ]
        )
        #expect(try conversation.upstreamConnected() == [], "a connection that comes too late is closed by the session")
    }

    @Test("every state has an end of its own", arguments: MQTTProtocolVersion.allCases)
    func ends(version: MQTTProtocolVersion) throws {
        for place in SessionConversation.Place.allCases {
            var conversation = try SessionConversation.at(place, version)
            let done = try conversation.end(.upstreamClosed())
            let expected: [Done] =
                switch place {
                case .handshaking, .awaitingConnect: [.cancelDeadline, .end(.upstreamClosed, .upstream)]
                case .admitting, .claiming, .dialling, .awaitingConnack:
                    [
                        .cancelDeadline,
                        .toDevice(
                            version == .v5
                                ? .refusal(.v5, .serverBusy, .upstreamClosed)
                                : .refusal(.v3_1_1, .serverUnavailable, nil)
                        ),
                        .end(.upstreamClosed, .upstream),
                    ]
                case .established where version == .v5:
                    [.toDevice(.goodbye(.serverBusy, .upstreamClosed)), .end(.upstreamClosed, .upstream)]
                case .established: [.end(.upstreamClosed, .upstream)]
                case .ended: []
                }
            #expect(done == expected, "\(place)")
            #expect(try conversation.end(.shuttingDown()) == [], "the first reason is the cause")
            #expect(conversation.machine.grant == nil)
        }
    }

    @Test("shutdown: DISCONNECT 0x8B to an MQTT 5.0 session; a device still waiting hears Server unavailable")
    func shutdown() throws {
        var established = try SessionConversation.at(.established)
        #expect(
            try established.end(.shuttingDown()) == [
                .toDevice(.goodbye(.serverShuttingDown, .shuttingDown)), .end(.shuttingDown, .operator),
            ]
        )
        for version in MQTTProtocolVersion.allCases {
            var waiting = try SessionConversation.at(.awaitingConnack, version)
            #expect(
                try waiting.end(.shuttingDown()) == [
                    // The broker has the CONNECT, and perhaps a will in it.
                    .toBroker(.disconnect(MQTTDisconnect())), .cancelDeadline,
                    .toDevice(.refusal(version, .serverUnavailable, .shuttingDown)),
                    .end(.shuttingDown, .operator),
                ]
            )
        }
    }

    @Test("what the device or the network ends while the broker is asked leaves its will to the broker")
    func willOfAWaitingDevice() throws {
        for end in [SessionEnd.deviceClosed(), .upstreamClosed()] {
            var waiting = try SessionConversation.at(.awaitingConnack, .v5)
            #expect(try !waiting.end(end).contains(.toBroker(.disconnect(MQTTDisconnect()))))
        }
    }

    @Test("a session that ended by itself gets no word")
    func noWord() throws {
        var conversation = try SessionConversation.at(.established)
        #expect(try conversation.end(.deviceClosed()) == [.end(.deviceClosed, .network)])
    }

    @Test("whatever the reason, an MQTT 5.0 device gets a code that DISCONNECT and CONNACK can carry")
    func everyAnswer() throws {
        for raw in UInt8(0x80)...UInt8(0xFF) {
            let end = SessionEnd(.internalError, .gateway, answer: MQTTReasonCode(rawValue: raw), "test")
            var established = try SessionConversation.at(.established)
            guard case .toDevice(.disconnect(let disconnect)) = try #require(try established.end(end).first) else {
                Issue.record("\(raw): no DISCONNECT")
                continue
            }
            #expect(disconnect.reasonCode.isValid(in: .disconnect, from: .server))
            var waiting = try SessionConversation.at(.dialling)
            guard case .toDevice(.connack(let connack)) = try #require(try waiting.end(end).dropFirst().first) else {
                Issue.record("\(raw): no CONNACK")
                continue
            }
            #expect(connack.reasonCode.isError)
        }
    }

    @Test("MQTT 3.1.1 has no words for some reasons: then the connection is closed without a CONNACK (section 3.2.2.3)")
    func noReturnCode() throws {
        var conversation = try SessionConversation.at(.dialling, .v3_1_1)
        let end = SessionEnd(.internalError, .gateway, answer: .unspecifiedError, "test")
        #expect(try conversation.end(end) == [.cancelDeadline, .end(.internalError, .gateway)])
    }

    @Test("a device that takes small packets only gets the code alone (MQTT-3.2.2-19, MQTT-3.14.2-3)")
    func smallPackets() throws {
        let connect = MQTTConnect(version: .v5, clientIdentifier: "x", properties: [.maximumPacketSize(127)])
        var established = try SessionConversation.at(.established, connect: connect)
        #expect(try established.end(.shuttingDown()).first == .toDevice(.goodbye(.serverShuttingDown, nil)))
        var waiting = try SessionConversation.at(.awaitingConnack, connect: connect)
        #expect(
            try waiting.end(.upstreamClosed()).dropFirst().first == .toDevice(.refusal(.v5, .serverBusy, nil))
        )
    }

    // MARK: Deadlines

    @Test("a deadline ends the state it was set for, and no other")
    func deadlines() throws {
        for place in SessionConversation.Place.allCases {
            for deadline in SessionStateMachine.Deadline.allCases {
                var conversation = try SessionConversation.at(place)
                let done = try conversation.deadlinePassed(deadline)
                switch (place, deadline) {
                case (.awaitingConnect, .connect):
                    #expect(done == [.cancelDeadline, .end(.connectTimeout, .device)])
                case (.awaitingConnack, .connack):
                    #expect(
                        done == [
                            .cancelDeadline, .toDevice(.refusal(.v5, .serverUnavailable, .upstreamTimeout)),
                            .end(.upstreamTimeout, .upstream),
                        ]
                    )
                case (.admitting, .admission), (.claiming, .admission):
                    #expect(
                        done == [
                            .cancelDeadline, .toDevice(.refusal(.v5, .serverUnavailable, .admissionTimeout)),
                            .end(.admissionTimeout, .gateway),
                        ]
                    )
                case (.handshaking, _), (.awaitingConnect, _), (.admitting, _), (.claiming, _), (.dialling, _),
                    (.awaitingConnack, _), (.established, _), (.ended, _):
                    #expect(done == [], "\(place), \(deadline)")
                }
            }
        }
    }

    // MARK: New grants

    @Test("a new grant takes the place of the old one where nothing was judged by it yet that it cannot take back")
    func regranted() throws {
        let other = try Grants.make(limits: ["packet-bytes": unit("1KiB")])
        for place in SessionConversation.Place.allCases {
            var conversation = try SessionConversation.at(place)
            let done = try conversation.regranted(other)
            switch place {
            case .established:
                #expect(done == [.settleFraming(.v5, devicePacketBytesMax: 1_024)])
                #expect(conversation.machine.grant === other)
            case .admitting, .claiming, .dialling, .awaitingConnack:
                // CONNECT was judged by the grant that is gone: will, keep-alive, session expiry.
                #expect(done.last == .end(.profileChanged, .operator))
                #expect(conversation.machine.grant == nil)
            case .awaitingConnect:
                #expect(done == [])
                #expect(conversation.machine.grant === other)
            case .handshaking, .ended:
                #expect(done == [])
                #expect(conversation.machine.grant == nil)
            }
        }
    }

    @Test("a will that the new grant does not permit is taken back from the broker")
    func regrantedWithoutWill() throws {
        let will = MQTTWill(qos: .atLeastOnce, retain: false, topic: Topic.status, payload: ByteBuffer(string: "gone"))
        let connect = MQTTConnect(version: .v5, clientIdentifier: "x", will: will)
        var kept = try SessionConversation.at(.established, connect: connect)
        #expect(try kept.regranted(Grants.make()) == [.settleFraming(.v5, devicePacketBytesMax: 65_536)])
        var lost = try SessionConversation.at(.established, connect: connect)
        let done = try lost.regranted(Grants.make(will: false))
        #expect(done.first == .toBroker(.disconnect(MQTTDisconnect())))
        #expect(done.last == .end(.profileChanged, .operator))
    }

    // MARK: Packets out of turn

    @Test("what was held of a device that left while the broker was asked is dropped: the session's end follows")
    func heldPackets() throws {
        for place in SessionConversation.Place.allCases.filter(\.isAdmission) {
            var conversation = try SessionConversation.at(place)
            #expect(try conversation.device(.publish(Topic.up)) == [])
            #expect(try conversation.end(.deviceClosed()) == [.cancelDeadline, .end(.deviceClosed, .network)])
        }
    }

    @Test("an ended session takes nothing any more")
    func ended() throws {
        var conversation = try SessionConversation.at(.ended)
        #expect(try conversation.authenticated() == [])
        #expect(try conversation.device(.publish(Topic.up)) == [])
        #expect(try conversation.upstreamConnected() == [])
        #expect(try conversation.upstreamFailed() == [])
        #expect(try conversation.broker(.connack(MQTTConnack(reasonCode: .success))) == [])
        #expect(try conversation.regranted(Grants.make()) == [])
        #expect(!conversation.machine.holdsDevice)
    }

    @Test("no packet comes before the handshake is finished: that would be our own defect")
    func beforeHandshake() throws {
        var conversation = try SessionConversation.at(.handshaking)
        #expect(
            try conversation.device(.connect(MQTTConnect(version: .v5, clientIdentifier: "x")))
                == [.cancelDeadline, .end(.internalError, .gateway)]
        )
    }
}

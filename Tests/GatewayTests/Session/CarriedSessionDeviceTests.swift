internal import FleetPolicy
internal import MQTTCodec
internal import NIOCore
internal import Testing

@testable internal import Gateway

@Suite("CarriedSession: the device's other packets")
struct CarriedSessionDeviceTests {
    @Test(
        "acknowledgements and PINGREQ pass byte for byte", arguments: MQTTProtocolVersion.allCases,
        [MQTTPacketType.puback, .pubrec, .pubrel, .pubcomp]
    )
    func passing(version: MQTTProtocolVersion, type: MQTTPacketType) throws {
        var conversation = try CarriedConversation(version)
        #expect(try conversation.device(.acknowledgement(type, id: 65_535)) == .passed)
        #expect(try conversation.device(.pingreq) == .passed)
    }

    @Test("a device's own refusal of a message passes (MQTT 5.0, section 3.5.2.1)")
    func refusalPasses() throws {
        var conversation = try CarriedConversation(.v5)
        #expect(try conversation.device(.acknowledgement(.pubrec, id: 4, .quotaExceeded)) == .passed)
    }

    @Test("a second CONNECT is a protocol error (MQTT-3.1.0-2)", arguments: MQTTProtocolVersion.allCases)
    func secondConnect(version: MQTTProtocolVersion) throws {
        var conversation = try CarriedConversation(version)
        let connect = MQTTPacket.connect(MQTTConnect(version: version, clientIdentifier: "x"))
        #expect(try conversation.device(connect) == .ended(.connectMisplaced, .device, answer: .protocolError))
    }

    @Test("what only a server sends ends the session", arguments: MQTTProtocolVersion.allCases)
    func serverOnly(version: MQTTProtocolVersion) throws {
        let unsuback = MQTTUnsuback(packetIdentifier: 1, reasonCodes: version == .v5 ? [.success] : [])
        for packet in [
            MQTTPacket.connack(MQTTConnack(reasonCode: .success)), .suback(.grantedQoS0), .unsuback(unsuback),
            .pingresp,
        ] {
            var conversation = try CarriedConversation(version)
            #expect(
                try conversation.device(packet) == .ended(.unexpectedPacket, .device, answer: .protocolError)
            )
        }
    }

    @Test("AUTH ends the session: no authentication method was agreed on (MQTT-4.12.0-6)")
    func auth() throws {
        var conversation = try CarriedConversation(.v5)
        let packet = MQTTPacket.auth(
            MQTTAuth(reasonCode: .reauthenticate, properties: [.authenticationMethod("SCRAM-SHA-1")])
        )
        #expect(try conversation.device(packet) == .ended(.unexpectedPacket, .device, answer: .protocolError))
    }

    // MARK: DISCONNECT

    @Test("DISCONNECT passes and is the last packet", arguments: MQTTProtocolVersion.allCases)
    func disconnect(version: MQTTProtocolVersion) throws {
        var conversation = try CarriedConversation(version)
        #expect(try conversation.device(.disconnect(MQTTDisconnect())) == .last(.deviceDisconnected, .none))
    }

    @Test("DISCONNECT with will message passes as it is: the broker publishes the will (section 3.14.2.1)")
    func disconnectWithWill() throws {
        var conversation = try CarriedConversation(.v5)
        let packet = MQTTDisconnect(
            reasonCode: .disconnectWithWillMessage, properties: [.reasonString("battery"), .sessionExpiryInterval(0)]
        )
        #expect(try conversation.device(.disconnect(packet)) == .last(.deviceDisconnected, .none))
    }

    @Test("DISCONNECT prolongs the session no further than the profile allows (section 3.14.2.2.2)")
    func disconnectSessionExpiry() throws {
        for (wished, isKept) in [(0, true), (59, true), (60, true), (61, false), (.max, false)] as [(UInt32, Bool)] {
            var conversation = try CarriedConversation(.v5, grant: Grants.make(limits: ["session-expiry": unit("60s")]))
            let wish = MQTTDisconnect(
                reasonCode: .disconnectWithWillMessage,
                properties: [.sessionExpiryInterval(wished), .userProperty(name: "a", value: "b")]
            )
            let bounded = MQTTDisconnect(
                reasonCode: .disconnectWithWillMessage,
                properties: [.sessionExpiryInterval(60), .userProperty(name: "a", value: "b")]
            )
            #expect(
                try conversation.device(.disconnect(wish))
                    == .last(.deviceDisconnected, .none, rewritten: isKept ? nil : .disconnect(bounded))
            )
        }
    }

    @Test("DISCONNECT keeps no session where the profile keeps none")
    func disconnectNoSession() throws {
        var conversation = try CarriedConversation(.v5, grant: Grants.make(limits: ["session-expiry": unit("0s")]))
        let wish = MQTTDisconnect(properties: [.sessionExpiryInterval(.max)])
        let bounded = MQTTDisconnect(properties: [.sessionExpiryInterval(0)])
        #expect(
            try conversation.device(.disconnect(wish))
                == .last(.deviceDisconnected, .none, rewritten: .disconnect(bounded))
        )
    }

    // MARK: Probes

    @Test("the broker hears of a device whose packets are kept back, by one PINGREQ at a time")
    func probes() throws {
        var conversation = try CarriedConversation(.v3_1_1)
        #expect(
            try conversation.device(.publish(Topic.foreign)) == .absorbed(probe: true, denial: "topic-not-allowed")
        )
        #expect(try conversation.device(.publish(Topic.foreign)) == .absorbed(denial: "topic-not-allowed"))
        #expect(try conversation.broker(.pingresp) == .absorbed())
        #expect(try conversation.broker(.pingresp) == .passed, "a PINGRESP nobody asked for is the broker's affair")
        #expect(
            try conversation.device(.publish(Topic.foreign)) == .absorbed(probe: true, denial: "topic-not-allowed")
        )
    }

    @Test("the device gets as many PINGRESPs as it sent PINGREQs (MQTT-3.12.4-1)")
    func pingresps() throws {
        var conversation = try CarriedConversation(.v5)
        #expect(try conversation.device(.pingreq) == .passed)
        _ = try conversation.device(.publish(Topic.foreign))
        #expect(try conversation.device(.pingreq) == .passed)
        let answers = try (0..<3).map { _ in try conversation.broker(.pingresp) }
        #expect(answers.filter { $0 == .passed }.count == 2)
        #expect(answers.filter { $0 == .absorbed() }.count == 1)
    }

    // MARK: Malformed

    @Test(
        "a malformed packet ends the session",
        arguments: [
            // PUBACK, PUBREC, PUBREL, PUBCOMP: too short, identifier 0 (MQTT-2.2.1-3).
            ([0x40, 0x00] as [UInt8], MQTTProtocolVersion.v3_1_1), ([0x40, 0x01, 0x01], .v3_1_1),
            ([0x40, 0x02, 0x00, 0x00], .v3_1_1), ([0x50, 0x02, 0x00, 0x00], .v3_1_1), ([0x50, 0x00], .v5),
            ([0x62, 0x02, 0x00, 0x00], .v3_1_1), ([0x62, 0x01, 0x01], .v5), ([0x70, 0x02, 0x00, 0x00], .v3_1_1),
            // 5.0: a reason code of another packet, a property of another packet, bytes left over.
            ([0x40, 0x03, 0x00, 0x01, 0x92], .v5), ([0x50, 0x03, 0x00, 0x01, 0x01], .v5),
            ([0x62, 0x03, 0x00, 0x01, 0x87], .v5), ([0x70, 0x07, 0x00, 0x01, 0x00, 0x03, 0x23, 0x00, 0x01], .v5),
            ([0x40, 0x05, 0x00, 0x01, 0x00, 0x00, 0x00], .v5),
            // DISCONNECT 5.0: an unknown code; a server's code; a server's property; a property twice.
            ([0xE0, 0x01, 0x7F], .v5), ([0xE0, 0x01, 0x8B], .v5), ([0xE0, 0x05, 0x00, 0x04, 0x1C, 0x00, 0x01], .v5),
            ([0xE0, 0x0C, 0x00, 0x0A, 0x11, 0, 0, 0, 1, 0x11, 0, 0, 0, 1], .v5), ([0xE0, 0x02, 0x00, 0x05], .v5),
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

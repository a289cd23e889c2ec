internal import FleetPolicy
internal import MQTTCodec
internal import NIOCore
internal import Testing

@testable internal import Gateway

@Suite("SessionStateMachine: CONNECT")
struct SessionStateMachineConnectTests {
    @Test("the first packet must be CONNECT (MQTT-3.1.0-1)")
    func notConnect() throws {
        for packet in [
            MQTTPacket.pingreq, .publish(Topic.up), .disconnect(MQTTDisconnect()),
            .subscribe((Topic.down, .atMostOnce)),
            .connack(MQTTConnack(reasonCode: .success)),
        ] {
            var conversation = try SessionConversation.at(.awaitingConnect)
            #expect(try conversation.device(packet) == [.cancelDeadline, .end(.connectMisplaced, .device)])
        }
    }

    @Test("a malformed first packet that is not CONNECT is misplaced before it is malformed")
    func malformedNotConnect() throws {
        for bytes in [[0x40, 0x00], [0x30, 0x00], [0x82, 0x00], [0xF0, 0x00]] as [[UInt8]] {
            var conversation = try SessionConversation.at(.awaitingConnect)
            #expect(
                try conversation.device(.one(in: bytes, nil)) == [.cancelDeadline, .end(.connectMisplaced, .device)]
            )
        }
    }

    @Test("a refused CONNECT is answered in the device's own version")
    func refused() throws {
        let will = MQTTWill(topic: Topic.foreign, payload: ByteBuffer())
        for version in MQTTProtocolVersion.allCases {
            var conversation = try SessionConversation.at(.awaitingConnect, version)
            let connect = MQTTConnect(version: version, clientIdentifier: "x", will: will)
            #expect(
                try conversation.device(.connect(connect)) == [
                    .cancelDeadline, .toDevice(.refusal(version, .notAuthorized, .willDenied)),
                    .end(.willDenied, .device),
                ]
            )
            #expect(try conversation.device(.connect(connect)) == [])
        }
    }

    @Test("enhanced authentication is answered with Bad authentication method (section 4.12)")
    func enhancedAuthentication() throws {
        var conversation = try SessionConversation.at(.awaitingConnect)
        let connect = MQTTConnect(version: .v5, clientIdentifier: "x", properties: [.authenticationMethod("GS2")])
        #expect(
            try conversation.device(.connect(connect)) == [
                .cancelDeadline, .toDevice(.refusal(.v5, .badAuthenticationMethod, .enhancedAuthentication)),
                .end(.enhancedAuthentication, .device),
            ]
        )
    }

    @Test("an unknown version is answered in the form its client reads (MQTT-3.1.2-2)")
    func unsupportedVersion() throws {
        let name: [UInt8] = [0x00, 0x04, 0x4D, 0x51, 0x54, 0x54]
        let rest: [UInt8] = [0x02, 0x00, 0x3C, 0x00, 0x00]
        let code = SessionEnd.Code(rawValue: "unsupported-protocol-version")
        for level in [0, 3, 6, 0x84, 0xFF] as [UInt8] {
            let version: MQTTProtocolVersion = level >= 5 ? .v5 : .v3_1_1
            var conversation = try SessionConversation.at(.awaitingConnect, version)
            let body = name + [level] + rest
            #expect(
                try conversation.device(.one(in: [0x10, UInt8(body.count)] + body, nil)) == [
                    .cancelDeadline, .toDevice(.refusal(version, .unsupportedProtocolVersion, code)),
                    .end(code, .device),
                ]
            )
        }
        // MQTT 3.1, the version before the first standard, calls itself otherwise.
        var older = try SessionConversation.at(.awaitingConnect, .v3_1_1)
        let body: [UInt8] = [0x00, 0x06] + Array("MQIsdp".utf8) + [3] + rest
        #expect(
            try older.device(.one(in: [0x10, UInt8(body.count)] + body, nil)).contains(
                .toDevice(.refusal(.v3_1_1, .unsupportedProtocolVersion, nil))
            )
        )
    }

    @Test("an empty client identifier with a session to keep gets return code 2 (MQTT-3.1.3-8 of 3.1.1)")
    func emptyClientIdentifier() throws {
        var conversation = try SessionConversation.at(.awaitingConnect, .v3_1_1)
        let body: [UInt8] = [0x00, 0x04, 0x4D, 0x51, 0x54, 0x54, 0x04, 0x00, 0x00, 0x3C, 0x00, 0x00]
        let code = SessionEnd.Code(rawValue: "client-identifier-rejected")
        #expect(
            try conversation.device(.one(in: [0x10, UInt8(body.count)] + body, nil)) == [
                .cancelDeadline, .toDevice(.refusal(.v3_1_1, .clientIdentifierNotValid, nil)), .end(code, .device),
            ]
        )
    }

    @Test("a client identifier too long for us is refused as such")
    func longClientIdentifier() throws {
        for version in MQTTProtocolVersion.allCases {
            var conversation = try SessionConversation.at(.awaitingConnect, version)
            let connect = MQTTConnect(version: version, clientIdentifier: String(repeating: "x", count: 257))
            let code = SessionEnd.Code(rawValue: "client-identifier-rejected")
            #expect(
                try conversation.device(.connect(connect)) == [
                    .cancelDeadline, .toDevice(.refusal(version, .clientIdentifierNotValid, code)),
                    .end(code, .device),
                ]
            )
        }
    }

    @Test(
        "a malformed CONNECT ends the connection: MQTT 3.1.1 gets silence (MQTT-3.1.4-1), 5.0 a reason (section 4.13)",
        arguments: [
            // The flags' reserved bit (MQTT-3.1.2-3); will flags without a will (-11); will QoS 3 (-12); a password
            // without a user name (3.1.1 only: MQTT-3.1.2-22); bytes missing; bytes left over.
            [0x03, 0x00, 0x3C] as [UInt8], [0x0A, 0x00, 0x3C], [0x22, 0x00, 0x3C], [0x1E, 0x00, 0x3C], [0x02, 0x00],
            [0x02], [], [0x82, 0x00, 0x3C],
        ]
    )
    func malformed(flags: [UInt8]) throws {
        for version in MQTTProtocolVersion.allCases {
            var conversation = try SessionConversation.at(.awaitingConnect, version)
            let properties: [UInt8] = version == .v5 && flags.count == 3 ? [0x00] : []
            let clientIdentifier: [UInt8] = flags.count == 3 ? [0x00, 0x01, 0x61] : []
            let body = [0x00, 0x04, 0x4D, 0x51, 0x54, 0x54, version.rawValue] + flags + properties + clientIdentifier
            let done = try conversation.device(.one(in: [0x10, UInt8(body.count)] + body, nil))
            guard case .end(_, .device) = try #require(done.last) else {
                Issue.record("\(body) led to \(done)")
                continue
            }
            #expect(done.count == (version == .v5 ? 3 : 2))
            #expect(conversation.machine.grant == nil)
        }
    }

    @Test("garbage behind a CONNECT header ends the connection, however short", arguments: 0..<12)
    func truncated(count: Int) throws {
        let whole = Array(
            try MQTTPacket.connect(MQTTConnect(version: .v5, clientIdentifier: "x")).bytes(.v5).readableBytesView
        )
        let body = Array(whole.dropFirst(2).prefix(count))
        var conversation = try SessionConversation.at(.awaitingConnect)
        let done = try conversation.device(.one(in: [0x10, UInt8(body.count)] + body, nil))
        guard case .end(_, .device) = try #require(done.last) else {
            Issue.record("\(count) bytes led to \(done)")
            return
        }
    }
}

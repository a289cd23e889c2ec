import NIOCore
import Testing

@testable import MQTTCodec

@Suite struct MQTTConnectTests {
    private static let name = text("MQTT")
    /// Protocol name, level, flags, keep-alive 60.
    private static func head(_ level: UInt8, _ flags: UInt8) -> Bytes {
        name + [level, flags] + u16(60)
    }

    static let accepted: [Accepted] = [
        Accepted(
            "smallest", .v3_1_1, packet(0x10, head(4, 0x02), text("")),
            .connect(MQTTConnect(version: .v3_1_1, clientIdentifier: ""))),
        Accepted(
            "kept session", .v3_1_1, packet(0x10, head(4, 0x00), text("d")),
            .connect(MQTTConnect(version: .v3_1_1, clientIdentifier: "d", cleanStart: false))),
        Accepted(
            "everything", .v3_1_1,
            packet(0x10, head(4, 0xF6), text("dev"), text("will/t"), data([1, 2]), text("user"), data([0, 255])),
            .connect(
                MQTTConnect(
                    version: .v3_1_1, clientIdentifier: "dev",
                    will: MQTTWill(
                        qos: .exactlyOnce, retain: true, topic: "will/t", payload: ByteBuffer(bytes: [1, 2])),
                    userName: "user", password: ByteBuffer(bytes: [0, 255])))),
        Accepted(
            "smallest", .v5, packet(0x10, head(5, 0x00), properties(), text("")),
            .connect(MQTTConnect(version: .v5, clientIdentifier: "", cleanStart: false))),
        Accepted(
            "password without user name", .v5, packet(0x10, head(5, 0x42), properties(), text("d"), data([7])),
            .connect(MQTTConnect(version: .v5, clientIdentifier: "d", password: ByteBuffer(bytes: [7])))),
        Accepted(
            "every property", .v5,
            packet(
                0x10, head(5, 0xCE),
                properties(
                    [0x11] + u32(3600), [0x21] + u16(10), [0x27] + u32(4096), [0x22] + u16(5), [0x19, 1], [0x17, 0],
                    [0x26] + text("k") + text("v"), [0x26] + text("k") + text(""), [0x15] + text("SCRAM"),
                    [0x16] + data([9, 9])),
                text("dev"),
                properties(
                    [0x18] + u32(30), [0x01, 1], [0x02] + u32(60), [0x03] + text("text/plain"), [0x08] + text("r/t"),
                    [0x09] + data([1]), [0x26] + text("w") + text("x")),
                text("will/t"), data([]), text("user"), data([1])),
            .connect(
                MQTTConnect(
                    version: .v5, clientIdentifier: "dev",
                    will: MQTTWill(
                        qos: .atLeastOnce, topic: "will/t", payload: ByteBuffer(),
                        properties: [
                            .willDelayInterval(30), .payloadFormatIndicator(isUTF8: true), .messageExpiryInterval(60),
                            .contentType("text/plain"), .responseTopic("r/t"), .correlationData(ByteBuffer(bytes: [1])),
                            .userProperty(name: "w", value: "x"),
                        ]),
                    userName: "user", password: ByteBuffer(bytes: [1]),
                    properties: [
                        .sessionExpiryInterval(3600), .receiveMaximum(10), .maximumPacketSize(4096),
                        .topicAliasMaximum(5), .requestResponseInformation(true), .requestProblemInformation(false),
                        .userProperty(name: "k", value: "v"), .userProperty(name: "k", value: ""),
                        .authenticationMethod("SCRAM"), .authenticationData(ByteBuffer(bytes: [9, 9])),
                    ]))),
    ]

    static let refused: [Refused] = [
        Refused("empty", .v5, packet(0x10), .truncatedPacket, .malformedPacket),
        Refused("name only", .v5, packet(0x10, name), .truncatedPacket),
        Refused("another name", .v5, packet(0x10, text("MQTX"), [5, 2], u16(0), text("")), .badProtocolName),
        Refused("name in lower case", .v5, packet(0x10, text("mqtt"), [5, 2], u16(0), text("")), .badProtocolName),
        Refused(
            "long name", .v5, packet(0x10, text("MQTTMQTT"), [5, 2]), .badProtocolName, .unsupportedProtocolVersion),
        Refused("empty name", .v5, packet(0x10, text(""), [5, 2]), .badProtocolName),
        Refused("name not UTF-8", .v5, packet(0x10, data([0xFF, 0xFE]), [5, 2]), .badUTF8),
        Refused(
            "MQTT 3.1", .v5, packet(0x10, text("MQIsdp"), [3, 2], u16(0), text("c")), .unsupportedProtocolVersion,
            .unsupportedProtocolVersion),
        Refused("MQIsdp with level 4", .v5, packet(0x10, text("MQIsdp"), [4, 2]), .unsupportedProtocolVersion),
        Refused("level 3", .v5, packet(0x10, head(3, 2), text("c")), .unsupportedProtocolVersion),
        Refused("level 6", .v5, packet(0x10, head(6, 2), text("c")), .unsupportedProtocolVersion),
        Refused("bridge's level", .v5, packet(0x10, head(0x84, 2), text("c")), .unsupportedProtocolVersion),
        Refused("level 6 and nothing more", .v5, packet(0x10, name, [6]), .unsupportedProtocolVersion),
        Refused("reserved flag 3.1.1", .v3_1_1, packet(0x10, head(4, 3), text("c")), .reservedBits, .malformedPacket),
        Refused("reserved flag", .v5, packet(0x10, head(5, 3), properties(), text("c")), .reservedBits),
        Refused(
            "will QoS 3", .v5, packet(0x10, head(5, 0x1E), properties(), text("c"), properties(), text("t"), data([])),
            .badQoS, .malformedPacket),
        Refused("will QoS without will", .v5, packet(0x10, head(5, 0x0A), properties(), text("c")), .badConnectFlags),
        Refused("will QoS without will", .v3_1_1, packet(0x10, head(4, 0x12), text("c")), .badConnectFlags),
        Refused("will retain without will", .v3_1_1, packet(0x10, head(4, 0x22), text("c")), .badConnectFlags),
        Refused("password alone", .v3_1_1, packet(0x10, head(4, 0x42), text("c"), data([1])), .badConnectFlags),
        Refused("keep-alive cut", .v3_1_1, packet(0x10, name, [4, 2, 0]), .truncatedPacket),
        Refused("no client identifier", .v3_1_1, packet(0x10, head(4, 2)), .truncatedPacket),
        Refused("client identifier cut", .v3_1_1, packet(0x10, head(4, 2), u16(3), [65, 65]), .truncatedPacket),
        Refused("client identifier with null", .v3_1_1, packet(0x10, head(4, 2), text("a\0b")), .badUTF8),
        Refused("client identifier not UTF-8", .v3_1_1, packet(0x10, head(4, 2), data([0xC3])), .badUTF8),
        Refused(
            "empty client identifier, kept session", .v3_1_1, packet(0x10, head(4, 0), text("")),
            .clientIdentifierRejected, .clientIdentifierNotValid),
        Refused(
            "client identifier over the limit", .v5,
            packet(0x10, head(5, 2), properties(), text(String(repeating: "c", count: 257))),
            .clientIdentifierRejected, .clientIdentifierNotValid),
        Refused("no will", .v3_1_1, packet(0x10, head(4, 6), text("c")), .truncatedPacket),
        Refused("no will payload", .v3_1_1, packet(0x10, head(4, 6), text("c"), text("t")), .truncatedPacket),
        Refused(
            "empty will topic", .v5,
            packet(0x10, head(5, 6), properties(), text("c"), properties(), text(""), data([])), .badTopic,
            .topicNameInvalid),
        Refused(
            "will topic with wildcard", .v3_1_1, packet(0x10, head(4, 6), text("c"), text("a/#"), data([])), .badTopic),
        Refused(
            "will payload over the limit", .v3_1_1,
            packet(0x10, head(4, 6), text("c"), text("t"), data([1, 2, 3, 4])), .limitExceeded, .quotaExceeded,
            limits: MQTTLimits(willPayloadBytesMax: 3)),
        Refused("no user name", .v3_1_1, packet(0x10, head(4, 0x82), text("c")), .truncatedPacket),
        Refused("user name not UTF-8", .v3_1_1, packet(0x10, head(4, 0x82), text("c"), data([0x80])), .badUTF8),
        Refused(
            "user name over the limit", .v3_1_1, packet(0x10, head(4, 0x82), text("c"), text("user")), .limitExceeded,
            limits: MQTTLimits(userNameBytesMax: 3)),
        Refused("no password", .v3_1_1, packet(0x10, head(4, 0xC2), text("c"), text("u")), .truncatedPacket),
        Refused(
            "password over the limit", .v3_1_1, packet(0x10, head(4, 0xC2), text("c"), text("u"), data([1, 2, 3, 4])),
            .limitExceeded, limits: MQTTLimits(passwordBytesMax: 3)),
        Refused("one byte more", .v3_1_1, packet(0x10, head(4, 2), text("c"), [0]), .trailingBytes, .malformedPacket),
        Refused("user name without its flag", .v3_1_1, packet(0x10, head(4, 2), text("c"), text("u")), .trailingBytes),
        Refused("no properties", .v5, packet(0x10, head(5, 2)), .truncatedPacket),
        Refused("properties cut", .v5, packet(0x10, head(5, 2), [5, 0x21, 0]), .truncatedPacket),
        Refused(
            "properties' length not minimal", .v5, packet(0x10, head(5, 2), [0x80, 0], text("c")),
            .badVariableByteInteger),
        Refused(
            "receive maximum 0", .v5, packet(0x10, head(5, 2), properties([0x21, 0, 0]), text("c")), .badProperty,
            .protocolError),
        Refused(
            "maximum packet size 0", .v5, packet(0x10, head(5, 2), properties([0x27, 0, 0, 0, 0]), text("c")),
            .badProperty),
        Refused("boolean 2", .v5, packet(0x10, head(5, 2), properties([0x17, 2]), text("c")), .badProperty),
        Refused(
            "topic alias", .v5, packet(0x10, head(5, 2), properties([0x23, 0, 1]), text("c")), .badProperty,
            .malformedPacket),
        Refused("will's property", .v5, packet(0x10, head(5, 2), properties([0x18] + u32(1)), text("c")), .badProperty),
        Refused(
            "twice", .v5, packet(0x10, head(5, 2), properties([0x21, 0, 1, 0x21, 0, 1]), text("c")), .duplicateProperty,
            .protocolError),
        Refused(
            "authentication data alone", .v5, packet(0x10, head(5, 2), properties([0x16] + data([1])), text("c")),
            .badAuthentication, .protocolError),
        Refused(
            "CONNECT's property in the will", .v5,
            packet(0x10, head(5, 6), properties(), text("c"), properties([0x21, 0, 1]), text("t"), data([])),
            .badProperty),
        Refused(
            "twice in the will", .v5,
            packet(0x10, head(5, 6), properties(), text("c"), properties([0x01, 0, 0x01, 0]), text("t"), data([])),
            .duplicateProperty),
        Refused(
            "from a server", .v5, packet(0x10, head(5, 2), properties(), text("c")), .unexpectedPacket,
            sender: .server),
    ]

    @Test(arguments: accepted) func accepts(_ vector: Accepted) throws {
        try expectAccepted(vector)
    }

    @Test(arguments: refused) func refuses(_ vector: Refused) {
        expectRefused(vector)
    }

    @Test(arguments: MQTTProtocolVersion.allCases)
    func itsOwnVersionCountsNotTheOneGiven(version: MQTTProtocolVersion) throws {
        for vector in Self.accepted {
            let packet = try MQTTPacket.decode(vector.vector.frame(), version: version, limits: MQTTLimits())
            #expect(packet == vector.packet)
            #expect(try encoded(packet, version) == vector.vector.bytes)
        }
    }

    @Test func protocolLevelIsReadableWhateverFollows() throws {
        func level(_ bytes: Bytes) throws -> UInt8? {
            try Vector(name: "", version: .v5, bytes: bytes).frame().connectProtocolLevel
        }
        #expect(try level(packet(0x10, Self.name, [6])) == 6)
        #expect(try level(packet(0x10, text("MQIsdp"), [3, 0xFF])) == 3)
        #expect(try level(packet(0x10, Self.name)) == nil)
        #expect(try level(packet(0x10)) == nil)
        #expect(try level(packet(0x10, [0xFF, 0xFF, 1])) == nil)
        #expect(try level(packet(0xC0)) == nil)
    }

    @Test func noDescriptionShowsThePassword() throws {
        let secret = ByteBuffer(string: "hunter2")
        let connect = MQTTConnect(
            version: .v5, clientIdentifier: "c", userName: "u", password: secret,
            properties: [.authenticationMethod("m"), .authenticationData(secret)])
        var shown = "\(connect)" + String(reflecting: connect) + "\(MQTTPacket.connect(connect))"
        shown += String(reflecting: MQTTPacket.connect(connect))
        dump(MQTTPacket.connect(connect), to: &shown)
        dump(connect.properties, to: &shown)
        let frame = try Vector(name: "", version: .v5, bytes: encoded(.connect(connect), .v5)).frame()
        shown += "\(frame)" + String(reflecting: frame)
        dump(frame, to: &shown)
        #expect(!shown.contains("hunter2"))
        #expect(!shown.contains("68756e74657232") && !shown.contains("68 75 6e"))
        #expect(shown.contains("password: present"))
    }

    @Test func refusesToEncode() {
        let connect = MQTTConnect(version: .v3_1_1, clientIdentifier: "c")
        func changed(_ change: (inout MQTTConnect) -> Void) -> MQTTPacket {
            var copy = connect
            change(&copy)
            return .connect(copy)
        }
        let long = String(repeating: "x", count: 65_536)
        expectUnencodable(changed { $0.password = ByteBuffer() }, .v3_1_1, .passwordWithoutUserName)
        expectUnencodable(
            changed {
                $0.clientIdentifier = ""
                $0.cleanStart = false
            }, .v3_1_1, .emptyClientIdentifier)
        expectUnencodable(changed { $0.properties = [.receiveMaximum(1)] }, .v5, .requiresVersion5)
        expectUnencodable(changed { $0.clientIdentifier = long }, .v3_1_1, .fieldTooLong)
        expectUnencodable(changed { $0.userName = "a\0" }, .v3_1_1, .nullCharacter)
        expectUnencodable(changed { $0.will = MQTTWill(topic: "+", payload: ByteBuffer()) }, .v3_1_1, .badTopic)
        expectUnencodable(changed { $0.will = MQTTWill(topic: "", payload: ByteBuffer()) }, .v3_1_1, .badTopic)
        expectUnencodable(
            changed { $0.will = MQTTWill(topic: "t", payload: ByteBuffer(string: long)) }, .v3_1_1, .fieldTooLong)
        expectUnencodable(
            changed {
                $0.version = .v5
                $0.properties = [.authenticationData(ByteBuffer())]
            }, .v5, .badAuthentication)
    }
}

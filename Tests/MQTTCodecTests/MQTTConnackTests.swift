import NIOCore
import Testing

@testable import MQTTCodec

@Suite struct MQTTConnackTests {
    static let accepted: [Accepted] =
        MQTTConnectReturnCode.allCases.map {
            Accepted(
                "\($0)", .v3_1_1, packet(0x20, [0, $0.rawValue]), .connack(MQTTConnack(reasonCode: $0.reasonCode)),
                sender: .server)
        } + [
            Accepted(
                "session present", .v3_1_1, packet(0x20, [1, 0]),
                .connack(MQTTConnack(sessionPresent: true, reasonCode: .success))),
            Accepted(
                "session present", .v5, packet(0x20, [1, 0], properties()),
                .connack(MQTTConnack(sessionPresent: true, reasonCode: .success))),
            Accepted(
                "refusal", .v5, packet(0x20, [0, 0x87], properties()), .connack(MQTTConnack(reasonCode: .notAuthorized))
            ),
            Accepted(
                "every property", .v5,
                packet(
                    0x20, [0, 0],
                    properties(
                        [0x11] + u32(5), [0x21] + u16(20), [0x24, 1], [0x25, 0], [0x27] + u32(1000),
                        [0x12] + text("assigned"), [0x22] + u16(10), [0x1F] + text("why"),
                        [0x26] + text("a") + text("b"), [0x28, 1], [0x29, 0], [0x2A, 1], [0x13] + u16(30),
                        [0x1A] + text("info"), [0x1C] + text("other"), [0x15] + text("m"), [0x16] + data([1]))),
                .connack(
                    MQTTConnack(
                        reasonCode: .success,
                        properties: [
                            .sessionExpiryInterval(5), .receiveMaximum(20), .maximumQoS(.atLeastOnce),
                            .retainAvailable(false), .maximumPacketSize(1000), .assignedClientIdentifier("assigned"),
                            .topicAliasMaximum(10), .reasonString("why"), .userProperty(name: "a", value: "b"),
                            .wildcardSubscriptionAvailable(true), .subscriptionIdentifierAvailable(false),
                            .sharedSubscriptionAvailable(true), .serverKeepAlive(30), .responseInformation("info"),
                            .serverReference("other"), .authenticationMethod("m"),
                            .authenticationData(ByteBuffer(bytes: [1])),
                        ]))),
        ]

    static let refused: [Refused] = [
        Refused("empty", .v3_1_1, packet(0x20), .truncatedPacket),
        Refused("flags only", .v3_1_1, packet(0x20, [0]), .truncatedPacket),
        Refused("flags only", .v5, packet(0x20, [0]), .truncatedPacket),
        Refused("success in the old form", .v5, packet(0x20, [0, 0]), .truncatedPacket),
        Refused("old form's other codes", .v5, packet(0x20, [0, 5]), .truncatedPacket),
        Refused("too long", .v3_1_1, packet(0x20, [0, 0, 0]), .trailingBytes),
        Refused("too long", .v5, packet(0x20, [0, 0], properties(), [0]), .trailingBytes),
        Refused("reserved flag", .v3_1_1, packet(0x20, [2, 0]), .reservedBits, .malformedPacket),
        Refused("reserved flag", .v5, packet(0x20, [0x80, 0], properties()), .reservedBits),
        Refused("return code 6", .v3_1_1, packet(0x20, [0, 6]), .badReasonCode, .protocolError),
        Refused("MQTT 5.0 code", .v3_1_1, packet(0x20, [0, 0x87]), .badReasonCode),
        Refused("return code 1", .v5, packet(0x20, [0, 1], properties()), .badReasonCode),
        Refused("not CONNACK's reason code", .v5, packet(0x20, [0, 0x92], properties()), .badReasonCode),
        Refused("session present with refusal", .v3_1_1, packet(0x20, [1, 5]), .badReasonCode),
        Refused("session present with refusal", .v5, packet(0x20, [1, 0x87], properties()), .badReasonCode),
        Refused("maximum QoS 2", .v5, packet(0x20, [0, 0], properties([0x24, 2])), .badProperty),
        Refused("retain available 2", .v5, packet(0x20, [0, 0], properties([0x25, 2])), .badProperty),
        Refused("CONNECT's property", .v5, packet(0x20, [0, 0], properties([0x17, 1])), .badProperty),
        Refused("reserved fixed header flags", .v5, packet(0x21, [0, 0], properties()), .reservedBits),
        Refused("from a client", .v5, packet(0x20, [0, 0], properties()), .unexpectedPacket, sender: .client),
    ]

    @Test(arguments: accepted) func accepts(_ vector: Accepted) throws {
        try expectAccepted(vector)
    }

    @Test(arguments: refused) func refuses(_ vector: Refused) {
        expectRefused(vector)
    }

    @Test func readsAnOldServersRefusalOfVersion5() throws {
        try expectRead(
            Accepted(
                "old server", .v5, packet(0x20, [0, 1]),
                .connack(MQTTConnack(reasonCode: .unsupportedProtocolVersion))))
    }

    @Test func writesTheNearestReturnCode() throws {
        #expect(try encoded(.connack(MQTTConnack(reasonCode: .banned)), .v3_1_1) == packet(0x20, [0, 5]))
        #expect(try encoded(.connack(MQTTConnack(reasonCode: .serverBusy)), .v3_1_1) == packet(0x20, [0, 3]))
    }

    @Test func refusesToEncode() {
        expectUnencodable(.connack(MQTTConnack(reasonCode: .malformedPacket)), .v3_1_1, .badReasonCode)
        expectUnencodable(.connack(MQTTConnack(reasonCode: .sessionTakenOver)), .v5, .badReasonCode)
        expectUnencodable(
            .connack(MQTTConnack(sessionPresent: true, reasonCode: .banned)), .v5, .badReasonCode)
        expectUnencodable(
            .connack(MQTTConnack(reasonCode: .success, properties: [.reasonString("r")])), .v3_1_1, .requiresVersion5)
        expectUnencodable(
            .connack(MQTTConnack(reasonCode: .success, properties: [.maximumQoS(.exactlyOnce)])), .v5, .badProperty)
    }
}

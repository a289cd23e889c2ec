import NIOCore
import Testing

@testable import MQTTCodec

@Suite struct MQTTAuthTests {
    static let accepted: [Accepted] = [
        Accepted("shortest", .v5, [0xF0, 0], .auth(MQTTAuth(reasonCode: .success)), sender: .server),
        Accepted(
            "every property", .v5,
            packet(
                0xF0, [0x18],
                properties(
                    [0x15] + text("m"), [0x16] + data([1, 2]), [0x1F] + text("r"), [0x26] + text("a") + text("b"))),
            .auth(
                MQTTAuth(
                    reasonCode: .continueAuthentication,
                    properties: [
                        .authenticationMethod("m"), .authenticationData(ByteBuffer(bytes: [1, 2])), .reasonString("r"),
                        .userProperty(name: "a", value: "b"),
                    ]))),
        Accepted(
            "again", .v5, packet(0xF0, [0x19], properties([0x15] + text("m"))),
            .auth(MQTTAuth(reasonCode: .reauthenticate, properties: [.authenticationMethod("m")])), sender: .client),
    ]

    static let refused: [Refused] = [
        Refused("in MQTT 3.1.1", .v3_1_1, [0xF0, 0], .badPacketType, .malformedPacket),
        Refused("reason code only", .v5, packet(0xF0, [0x18]), .truncatedPacket),
        Refused("no method", .v5, packet(0xF0, [0x18], properties()), .badAuthentication, .protocolError),
        Refused("data without method", .v5, packet(0xF0, [0x18], properties([0x16] + data([1]))), .badAuthentication),
        Refused("unknown reason code", .v5, packet(0xF0, [0x87], properties([0x15] + text("m"))), .badReasonCode),
        Refused(
            "client's success", .v5, packet(0xF0, [0], properties([0x15] + text("m"))), .badReasonCode,
            sender: .client),
        Refused("client's shortest", .v5, [0xF0, 0], .badReasonCode, sender: .client),
        Refused(
            "server's again", .v5, packet(0xF0, [0x19], properties([0x15] + text("m"))), .badReasonCode, sender: .server
        ),
        Refused("bad property", .v5, packet(0xF0, [0x18], properties([0x15] + text("m"), [0x21, 0, 1])), .badProperty),
        Refused(
            "two methods", .v5, packet(0xF0, [0x18], properties([0x15] + text("m"), [0x15] + text("m"))),
            .duplicateProperty),
        Refused("one byte more", .v5, packet(0xF0, [0x18], properties([0x15] + text("m")), [0]), .trailingBytes),
        Refused("reserved flags", .v5, [0xF1, 0], .reservedBits, .malformedPacket),
    ]

    @Test(arguments: accepted) func accepts(_ vector: Accepted) throws {
        try expectAccepted(vector)
    }

    @Test(arguments: refused) func refuses(_ vector: Refused) {
        expectRefused(vector)
    }

    @Test func decodeRefusesItInMQTT311EvenIfTheFramingDidNotKnowTheVersion() throws {
        let frame = try Vector(name: "", version: .v5, bytes: [0xF0, 0]).frame()
        for sender in MQTTSender.allCases {
            do {
                _ = try MQTTPacket.decode(frame, version: .v3_1_1, limits: MQTTLimits(), sender: sender)
                Issue.record("decoded")
            } catch {
                #expect(error.code == .badPacketType)
            }
        }
    }

    @Test func refusesToEncode() {
        expectUnencodable(.auth(MQTTAuth(reasonCode: .success)), .v3_1_1, .requiresVersion5)
        expectUnencodable(.auth(MQTTAuth(reasonCode: .continueAuthentication)), .v5, .badAuthentication)
        expectUnencodable(.auth(MQTTAuth(reasonCode: .banned)), .v5, .badReasonCode)
    }
}

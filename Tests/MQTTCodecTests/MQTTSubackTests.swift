import NIOCore
import Testing

@testable import MQTTCodec

@Suite struct MQTTSubackTests {
    static let accepted: [Accepted] = [
        Accepted(
            "all codes", .v3_1_1, packet(0x90, u16(1), [0, 1, 2, 0x80]),
            .suback(
                MQTTSuback(
                    packetIdentifier: 1, reasonCodes: [.grantedQoS0, .grantedQoS1, .grantedQoS2, .unspecifiedError])),
            sender: .server),
        Accepted(
            "codes and properties", .v5,
            packet(0x90, u16(1), properties([0x1F] + text("r"), [0x26] + text("a") + text("b")), [0, 0x87, 0xA2]),
            .suback(
                MQTTSuback(
                    packetIdentifier: 1,
                    reasonCodes: [.grantedQoS0, .notAuthorized, .wildcardSubscriptionsNotSupported],
                    properties: [.reasonString("r"), .userProperty(name: "a", value: "b")]))),
    ]

    static let refused: [Refused] = [
        Refused("empty", .v3_1_1, packet(0x90), .truncatedPacket),
        Refused("packet identifier 0", .v3_1_1, packet(0x90, u16(0), [0]), .badPacketIdentifier),
        Refused("no codes", .v3_1_1, packet(0x90, u16(1)), .emptyPayload, .protocolError),
        Refused("no codes", .v5, packet(0x90, u16(1), properties()), .emptyPayload),
        Refused("no properties", .v5, packet(0x90, u16(1)), .truncatedPacket),
        Refused("code 3", .v3_1_1, packet(0x90, u16(1), [3]), .badReasonCode, .protocolError),
        Refused("MQTT 5.0 code", .v3_1_1, packet(0x90, u16(1), [0, 0x87]), .badReasonCode),
        Refused("code 3", .v5, packet(0x90, u16(1), properties(), [3]), .badReasonCode),
        Refused("UNSUBACK's code", .v5, packet(0x90, u16(1), properties(), [0x11]), .badReasonCode),
        Refused("subscription identifier", .v5, packet(0x90, u16(1), properties([0x0B, 1]), [0]), .badProperty),
        Refused("reserved flags", .v5, packet(0x92, u16(1), properties(), [0]), .reservedBits),
        Refused("from a client", .v3_1_1, packet(0x90, u16(1), [0]), .unexpectedPacket, sender: .client),
    ]

    @Test(arguments: accepted) func accepts(_ vector: Accepted) throws {
        try expectAccepted(vector)
    }

    @Test(arguments: refused) func refuses(_ vector: Refused) {
        expectRefused(vector)
    }

    @Test func everyFailureIsTheOneMQTT311Has() throws {
        let suback = MQTTSuback(packetIdentifier: 1, reasonCodes: [.grantedQoS1, .notAuthorized, .topicFilterInvalid])
        #expect(try encoded(.suback(suback), .v3_1_1) == packet(0x90, u16(1), [1, 0x80, 0x80]))
    }

    @Test func refusesToEncode() {
        expectUnencodable(.suback(MQTTSuback(packetIdentifier: 1, reasonCodes: [])), .v5, .emptyPayload)
        expectUnencodable(.suback(MQTTSuback(packetIdentifier: 0, reasonCodes: [.success])), .v5, .badPacketIdentifier)
        expectUnencodable(.suback(MQTTSuback(packetIdentifier: 1, reasonCodes: [.banned])), .v5, .badReasonCode)
        expectUnencodable(
            .suback(MQTTSuback(packetIdentifier: 1, reasonCodes: [.success], properties: [.reasonString("")])),
            .v3_1_1, .requiresVersion5)
    }
}

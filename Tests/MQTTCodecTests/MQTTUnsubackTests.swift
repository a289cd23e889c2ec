import NIOCore
import Testing

@testable import MQTTCodec

@Suite struct MQTTUnsubackTests {
    static let accepted: [Accepted] = [
        Accepted(
            "plain", .v3_1_1, packet(0xB0, u16(1)), .unsuback(MQTTUnsuback(packetIdentifier: 1, reasonCodes: [])),
            sender: .server),
        Accepted(
            "codes and properties", .v5, packet(0xB0, u16(1), properties([0x1F] + text("r")), [0, 0x11, 0x8F]),
            .unsuback(
                MQTTUnsuback(
                    packetIdentifier: 1, reasonCodes: [.success, .noSubscriptionExisted, .topicFilterInvalid],
                    properties: [.reasonString("r")]))),
    ]

    static let refused: [Refused] = [
        Refused("empty", .v3_1_1, packet(0xB0), .truncatedPacket),
        Refused("packet identifier 0", .v3_1_1, packet(0xB0, u16(0)), .badPacketIdentifier),
        Refused("codes", .v3_1_1, packet(0xB0, u16(1), [0]), .trailingBytes),
        Refused("no properties", .v5, packet(0xB0, u16(1)), .truncatedPacket),
        Refused("no codes", .v5, packet(0xB0, u16(1), properties()), .emptyPayload),
        Refused("SUBACK's code", .v5, packet(0xB0, u16(1), properties(), [1]), .badReasonCode),
        Refused("bad property", .v5, packet(0xB0, u16(1), properties([0x13, 0, 1]), [0]), .badProperty),
        Refused("reserved flags", .v5, packet(0xB2, u16(1), properties(), [0]), .reservedBits),
        Refused("from a client", .v3_1_1, packet(0xB0, u16(1)), .unexpectedPacket, sender: .client),
    ]

    @Test(arguments: accepted) func accepts(_ vector: Accepted) throws {
        try expectAccepted(vector)
    }

    @Test(arguments: refused) func refuses(_ vector: Refused) {
        expectRefused(vector)
    }

    @Test func successesAreLeftOutInMQTT311() throws {
        let unsuback = MQTTUnsuback(packetIdentifier: 1, reasonCodes: [.success, .noSubscriptionExisted])
        #expect(try encoded(.unsuback(unsuback), .v3_1_1) == packet(0xB0, u16(1)))
    }

    @Test func refusesToEncode() {
        expectUnencodable(.unsuback(MQTTUnsuback(packetIdentifier: 1, reasonCodes: [])), .v5, .emptyPayload)
        expectUnencodable(
            .unsuback(MQTTUnsuback(packetIdentifier: 1, reasonCodes: [.notAuthorized])), .v3_1_1, .requiresVersion5)
        expectUnencodable(.unsuback(MQTTUnsuback(packetIdentifier: 1, reasonCodes: [.banned])), .v5, .badReasonCode)
    }
}

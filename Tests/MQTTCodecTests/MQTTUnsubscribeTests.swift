import NIOCore
import Testing

@testable import MQTTCodec

@Suite struct MQTTUnsubscribeTests {
    static let accepted: [Accepted] = [
        Accepted(
            "two filters", .v3_1_1, packet(0xA2, u16(1), text("a"), text("b/#")),
            .unsubscribe(MQTTUnsubscribe(packetIdentifier: 1, filters: ["a", "b/#"])), sender: .client),
        Accepted(
            "property", .v5, packet(0xA2, u16(1), properties([0x26] + text("a") + text("b")), text("$share/g/a")),
            .unsubscribe(
                MQTTUnsubscribe(
                    packetIdentifier: 1, filters: ["$share/g/a"], properties: [.userProperty(name: "a", value: "b")]))),
    ]

    static let refused: [Refused] = [
        Refused("empty", .v3_1_1, packet(0xA2), .truncatedPacket),
        Refused("packet identifier 0", .v3_1_1, packet(0xA2, u16(0), text("a")), .badPacketIdentifier),
        Refused("no filters", .v3_1_1, packet(0xA2, u16(1)), .emptyPayload, .protocolError),
        Refused("no filters", .v5, packet(0xA2, u16(1), properties()), .emptyPayload),
        Refused("no properties", .v5, packet(0xA2, u16(1)), .truncatedPacket),
        Refused("empty filter", .v3_1_1, packet(0xA2, u16(1), text("")), .badFilter),
        Refused("filter cut", .v3_1_1, packet(0xA2, u16(1), u16(2), [65]), .truncatedPacket),
        Refused("bad filter", .v5, packet(0xA2, u16(1), properties(), text("a#")), .badFilter, .topicFilterInvalid),
        Refused("filter not UTF-8", .v5, packet(0xA2, u16(1), properties(), data([0x80])), .badUTF8),
        Refused("subscription identifier", .v5, packet(0xA2, u16(1), properties([0x0B, 1]), text("a")), .badProperty),
        Refused(
            "filters over the limit", .v3_1_1, packet(0xA2, u16(1), text("a"), text("b")), .limitExceeded,
            limits: MQTTLimits(subscriptionFiltersMax: 1)),
        Refused("flags 0", .v5, packet(0xA0, u16(1), properties(), text("a")), .reservedBits),
        Refused("from a server", .v3_1_1, packet(0xA2, u16(1), text("a")), .unexpectedPacket, sender: .server),
    ]

    @Test(arguments: accepted) func accepts(_ vector: Accepted) throws {
        try expectAccepted(vector)
    }

    @Test(arguments: refused) func refuses(_ vector: Refused) {
        expectRefused(vector)
    }

    @Test func refusesToEncode() {
        expectUnencodable(.unsubscribe(MQTTUnsubscribe(packetIdentifier: 1, filters: [])), .v5, .emptyPayload)
        expectUnencodable(.unsubscribe(MQTTUnsubscribe(packetIdentifier: 0, filters: ["a"])), .v5, .badPacketIdentifier)
        expectUnencodable(.unsubscribe(MQTTUnsubscribe(packetIdentifier: 1, filters: ["+a"])), .v3_1_1, .badFilter)
    }
}

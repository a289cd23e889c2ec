import NIOCore
import Testing

@testable import MQTTCodec

@Suite struct MQTTSubscribeTests {
    static let accepted: [Accepted] = [
        Accepted(
            "two filters", .v3_1_1, packet(0x82, u16(10), text("a/b"), [1], text("c/+/#"), [2]),
            .subscribe(
                MQTTSubscribe(
                    packetIdentifier: 10,
                    subscriptions: [
                        MQTTSubscription(filter: "a/b", qos: .atLeastOnce),
                        MQTTSubscription(filter: "c/+/#", qos: .exactlyOnce),
                    ])), sender: .client),
        Accepted(
            "shared", .v3_1_1, packet(0x82, u16(1), text("$share/g/a/#"), [0]),
            .subscribe(MQTTSubscribe(packetIdentifier: 1, subscriptions: [MQTTSubscription(filter: "$share/g/a/#")]))),
        Accepted(
            "every option and property", .v5,
            packet(
                0x82, u16(10), properties([0x0B] + variable(300), [0x26] + text("a") + text("b")), text("#"), [0x2E],
                text("$share/g/+"), [0x19]),
            .subscribe(
                MQTTSubscribe(
                    packetIdentifier: 10,
                    subscriptions: [
                        MQTTSubscription(
                            filter: "#", qos: .exactlyOnce, noLocal: true, retainAsPublished: true,
                            retainHandling: .doNotSend),
                        MQTTSubscription(
                            filter: "$share/g/+", qos: .atLeastOnce, retainAsPublished: true,
                            retainHandling: .sendIfNewSubscription),
                    ], properties: [.subscriptionIdentifier(300), .userProperty(name: "a", value: "b")]))),
    ]

    private static func one(_ filter: Bytes, _ options: UInt8 = 0) -> Bytes {
        packet(0x82, u16(1), properties(), filter, [options])
    }

    private static func filters(_ count: Int) -> Bytes {
        Bytes(Array(repeating: text("a") + [0], count: count).joined())
    }

    static let refused: [Refused] =
        [
            "", "a/#/b", "a#", "#/", "##", "a+", "+a", "a/+b/c", "++", "$share", "$share/", "$share//a", "$share/g",
            "$share/g/", "$share/+/a", "$share/g#/a", "$share/g/a#", "$share/g/#/a", "$share/g/+a",
        ].map { Refused("filter '\($0)'", .v5, one(text($0)), .badFilter, .topicFilterInvalid) }
        + [
            Refused("empty", .v3_1_1, packet(0x82), .truncatedPacket),
            Refused("packet identifier 0", .v3_1_1, packet(0x82, u16(0), text("a"), [0]), .badPacketIdentifier),
            Refused(
                "packet identifier 0", .v5, packet(0x82, u16(0), properties(), text("a"), [0]), .badPacketIdentifier),
            Refused("no filters", .v3_1_1, packet(0x82, u16(1)), .emptyPayload, .protocolError),
            Refused("no filters", .v5, packet(0x82, u16(1), properties()), .emptyPayload),
            Refused("no properties", .v5, packet(0x82, u16(1)), .truncatedPacket),
            Refused("no options", .v3_1_1, packet(0x82, u16(1), text("a")), .truncatedPacket),
            Refused("second filter cut", .v3_1_1, packet(0x82, u16(1), text("a"), [0, 0]), .truncatedPacket),
            Refused("QoS 3", .v3_1_1, packet(0x82, u16(1), text("a"), [3]), .badQoS, .malformedPacket),
            Refused("QoS 3", .v5, one(text("a"), 3), .badQoS),
            Refused("No Local", .v3_1_1, packet(0x82, u16(1), text("a"), [4]), .reservedBits, .malformedPacket),
            Refused("reserved options", .v5, one(text("a"), 0x40), .reservedBits),
            Refused("reserved options", .v5, one(text("a"), 0x80), .reservedBits),
            Refused("retain handling 3", .v5, one(text("a"), 0x30), .malformedPacket, .protocolError),
            Refused("No Local, shared", .v5, one(text("$share/g/a"), 4), .badFilter, .protocolError),
            Refused("bad filter", .v3_1_1, packet(0x82, u16(1), text("a/#/b"), [0]), .badFilter),
            Refused("incomplete share", .v3_1_1, packet(0x82, u16(1), text("$share/g"), [0]), .badFilter),
            Refused("filter not UTF-8", .v5, one(data([0xF5, 0x80, 0x80, 0x80])), .badUTF8),
            Refused("filter with null", .v5, one(text("a\0")), .badUTF8),
            Refused(
                "filter over the limit", .v5, one(text(String(repeating: "a", count: 1025))), .limitExceeded,
                .topicFilterInvalid),
            Refused("levels over the limit", .v5, one(text(String(repeating: "/", count: 128))), .limitExceeded),
            Refused(
                "filters over the limit", .v3_1_1, packet(0x82, u16(1), filters(65)), .limitExceeded, .quotaExceeded),
            Refused(
                "subscription identifier 0", .v5, packet(0x82, u16(1), properties([0x0B, 0]), text("a"), [0]),
                .badProperty),
            Refused(
                "two subscription identifiers", .v5,
                packet(0x82, u16(1), properties([0x0B, 1, 0x0B, 1]), text("a"), [0]), .duplicateProperty),
            Refused(
                "reason string", .v5, packet(0x82, u16(1), properties([0x1F] + text("")), text("a"), [0]),
                .badProperty),
            Refused("flags 0", .v3_1_1, packet(0x80, u16(1), text("a"), [0]), .reservedBits, .malformedPacket),
            Refused("flags 3", .v5, packet(0x83, u16(1), properties(), text("a"), [0]), .reservedBits),
            Refused("from a server", .v5, one(text("a")), .unexpectedPacket, sender: .server),
        ]

    @Test(arguments: accepted) func accepts(_ vector: Accepted) throws {
        try expectAccepted(vector)
    }

    @Test(arguments: refused) func refuses(_ vector: Refused) {
        expectRefused(vector)
    }

    @Test func asManyFiltersAsTheLimitSays() throws {
        let bytes = packet(0x82, u16(1), Self.filters(64))
        guard case .subscribe(let subscribe) = try Vector(name: "", version: .v3_1_1, bytes: bytes).decode() else {
            Issue.record("not a SUBSCRIBE")
            return
        }
        #expect(subscribe.subscriptions.count == 64)
    }

    @Test func refusesToEncode() {
        func subscribe(_ subscriptions: MQTTSubscription..., identifier: UInt16 = 1) -> MQTTPacket {
            .subscribe(MQTTSubscribe(packetIdentifier: identifier, subscriptions: subscriptions))
        }
        expectUnencodable(subscribe(), .v5, .emptyPayload)
        expectUnencodable(subscribe(MQTTSubscription(filter: "a"), identifier: 0), .v5, .badPacketIdentifier)
        expectUnencodable(subscribe(MQTTSubscription(filter: "a/#/b")), .v5, .badFilter)
        expectUnencodable(subscribe(MQTTSubscription(filter: "")), .v3_1_1, .badFilter)
        expectUnencodable(subscribe(MQTTSubscription(filter: "$share/g/a", noLocal: true)), .v5, .badFilter)
        expectUnencodable(subscribe(MQTTSubscription(filter: "a", noLocal: true)), .v3_1_1, .requiresVersion5)
        expectUnencodable(
            subscribe(MQTTSubscription(filter: "a", retainHandling: .doNotSend)), .v3_1_1, .requiresVersion5)
        expectUnencodable(subscribe(MQTTSubscription(filter: "a\0")), .v5, .nullCharacter)
    }
}

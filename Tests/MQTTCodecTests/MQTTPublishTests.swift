import NIOCore
import Testing

@testable import MQTTCodec

@Suite struct MQTTPublishTests {
    static let accepted: [Accepted] = [
        Accepted(
            "QoS 0, no payload", .v3_1_1, packet(0x30, text("t")),
            .publish(MQTTPublish(topic: "t", payload: ByteBuffer()))),
        Accepted(
            "QoS 1, retained", .v3_1_1, packet(0x33, text("a/b"), u16(7), [1, 2, 3]),
            .publish(
                MQTTPublish(
                    qos: .atLeastOnce, retain: true, topic: "a/b", packetIdentifier: 7,
                    payload: ByteBuffer(bytes: [1, 2, 3])))),
        Accepted(
            "QoS 2, duplicate, system topic", .v3_1_1, packet(0x3C, text("$SYS/x"), u16(65_535), [0]),
            .publish(
                MQTTPublish(
                    duplicate: true, qos: .exactlyOnce, topic: "$SYS/x", packetIdentifier: 65_535,
                    payload: ByteBuffer(bytes: [0])))),
        Accepted(
            "topic beyond ASCII", .v3_1_1, packet(0x30, text("température/\u{1F321}/ "), [1]),
            .publish(MQTTPublish(topic: "température/\u{1F321}/ ", payload: ByteBuffer(bytes: [1])))),
        Accepted(
            "QoS 0", .v5, packet(0x30, text("/"), properties(), [0xFF]),
            .publish(MQTTPublish(topic: "/", payload: ByteBuffer(bytes: [0xFF])))),
        Accepted(
            "alias without topic", .v5, packet(0x30, text(""), properties([0x23] + u16(1)), [5]),
            .publish(MQTTPublish(topic: "", properties: [.topicAlias(1)], payload: ByteBuffer(bytes: [5]))),
            sender: .client),
        Accepted(
            "every property", .v5,
            packet(
                0x32, text("t"), u16(9),
                properties(
                    [0x01, 1], [0x02] + u32(10), [0x23] + u16(4), [0x08] + text("reply"), [0x09] + data([1, 2]),
                    [0x26] + text("a") + text("1"), [0x0B] + variable(1), [0x26] + text("a") + text("2"),
                    [0x0B] + variable(268_435_455), [0x03] + text("json")),
                Bytes("payload".utf8)),
            .publish(
                MQTTPublish(
                    qos: .atLeastOnce, topic: "t", packetIdentifier: 9,
                    properties: [
                        .payloadFormatIndicator(isUTF8: true), .messageExpiryInterval(10), .topicAlias(4),
                        .responseTopic("reply"), .correlationData(ByteBuffer(bytes: [1, 2])),
                        .userProperty(name: "a", value: "1"), .subscriptionIdentifier(1),
                        .userProperty(name: "a", value: "2"), .subscriptionIdentifier(268_435_455),
                        .contentType("json"),
                    ], payload: ByteBuffer(string: "payload"))),
            sender: .server),
        Accepted(
            "remaining length of three bytes", .v5,
            packet(0x30, text("t"), properties(), Bytes(repeating: 7, count: 100_000)),
            .publish(MQTTPublish(topic: "t", payload: ByteBuffer(repeating: 7, count: 100_000)))),
    ]

    static let refused: [Refused] = [
        Refused("QoS 3", .v3_1_1, packet(0x36, text("t"), u16(1)), .badQoS, .malformedPacket),
        Refused("QoS 3, duplicate", .v5, packet(0x3E, text("t"), u16(1), properties()), .badQoS),
        Refused("QoS 0, duplicate", .v3_1_1, packet(0x38, text("t")), .badQoS, .malformedPacket),
        Refused("QoS 0, duplicate, retained", .v5, packet(0x39, text("t"), properties()), .badQoS),
        Refused("empty", .v3_1_1, packet(0x30), .truncatedPacket),
        Refused("one byte", .v5, packet(0x30, [0]), .truncatedPacket),
        Refused("topic cut", .v3_1_1, packet(0x30, u16(5), [65]), .truncatedPacket),
        Refused("empty topic", .v3_1_1, packet(0x30, text(""), [1]), .badTopic, .topicNameInvalid),
        Refused("empty topic, no alias", .v5, packet(0x30, text(""), properties(), [1]), .badTopic, .protocolError),
        Refused("plus in topic", .v3_1_1, packet(0x30, text("a/+/b")), .badTopic, .topicNameInvalid),
        Refused("plus inside a level", .v5, packet(0x30, text("a+b"), properties()), .badTopic),
        Refused("hash in topic", .v5, packet(0x30, text("a/#"), properties()), .badTopic),
        Refused("wildcard with alias", .v5, packet(0x30, text("#"), properties([0x23, 0, 1])), .badTopic),
        Refused("null in topic", .v3_1_1, packet(0x30, text("a\0")), .badUTF8, .malformedPacket),
        Refused("surrogate in topic", .v3_1_1, packet(0x30, data([0xED, 0xA0, 0x80])), .badUTF8),
        Refused("overlong slash", .v5, packet(0x30, data([0xC0, 0xAF]), properties()), .badUTF8),
        Refused(
            "control character where refused", .v3_1_1, packet(0x30, text("a\u{7}b")), .badUTF8,
            limits: MQTTLimits(acceptsControlCharacters: false)),
        Refused(
            "topic over the limit", .v3_1_1, packet(0x30, text(String(repeating: "t", count: 1025))), .limitExceeded,
            .topicNameInvalid),
        Refused(
            "levels over the limit", .v3_1_1, packet(0x30, text(String(repeating: "/", count: 128))), .limitExceeded,
            .topicNameInvalid),
        Refused("no packet identifier", .v3_1_1, packet(0x32, text("t")), .truncatedPacket),
        Refused("half a packet identifier", .v3_1_1, packet(0x34, text("t"), [1]), .truncatedPacket),
        Refused("packet identifier 0", .v3_1_1, packet(0x32, text("t"), u16(0)), .badPacketIdentifier, .protocolError),
        Refused("packet identifier 0", .v5, packet(0x34, text("t"), u16(0), properties()), .badPacketIdentifier),
        Refused("no properties", .v5, packet(0x30, text("t")), .truncatedPacket),
        Refused("properties after the end", .v5, packet(0x30, text("t"), [3, 0x23, 0]), .truncatedPacket),
        Refused(
            "properties' length of five bytes", .v5, packet(0x30, text("t"), [0xFF, 0xFF, 0xFF, 0xFF, 1]),
            .badVariableByteInteger),
        Refused("property across their end", .v5, packet(0x30, text("t"), [2, 0x23, 0, 1]), .truncatedPacket),
        Refused(
            "unknown property", .v5, packet(0x30, text("t"), properties([0x04, 0])), .badProperty, .malformedPacket),
        Refused("property of two bytes", .v5, packet(0x30, text("t"), properties([0x81, 0x01, 0])), .badProperty),
        Refused("property 0", .v5, packet(0x30, text("t"), properties([0, 0])), .badProperty),
        Refused("CONNECT's property", .v5, packet(0x30, text("t"), properties([0x11] + u32(1))), .badProperty),
        Refused("alias 0", .v5, packet(0x30, text("t"), properties([0x23, 0, 0])), .badProperty, .topicAliasInvalid),
        Refused(
            "two aliases", .v5, packet(0x30, text("t"), properties([0x23, 0, 1, 0x23, 0, 2])), .duplicateProperty,
            .protocolError),
        Refused(
            "format indicator 2", .v5, packet(0x30, text("t"), properties([0x01, 2])), .badProperty, .protocolError),
        Refused("wildcard response topic", .v5, packet(0x30, text("t"), properties([0x08] + text("a/+"))), .badTopic),
        Refused("empty response topic", .v5, packet(0x30, text("t"), properties([0x08] + text(""))), .badTopic),
        Refused("response topic not UTF-8", .v5, packet(0x30, text("t"), properties([0x08] + data([0xFF]))), .badUTF8),
        Refused(
            "two response topics", .v5, packet(0x30, text("t"), properties([0x08] + text("a"), [0x08] + text("b"))),
            .duplicateProperty),
        Refused("subscription identifier 0", .v5, packet(0x30, text("t"), properties([0x0B, 0])), .badProperty),
        Refused(
            "subscription identifier not minimal", .v5, packet(0x30, text("t"), properties([0x0B, 0x81, 0])),
            .badVariableByteInteger),
        Refused(
            "client's subscription identifier", .v5, packet(0x30, text("t"), properties([0x0B, 1])), .badProperty,
            sender: .client),
        Refused(
            "content type not UTF-8", .v5, packet(0x30, text("t"), properties([0x03] + data([0xC1, 0x80]))), .badUTF8),
        Refused(
            "user property's value missing", .v5, packet(0x30, text("t"), properties([0x26] + text("a"))),
            .truncatedPacket),
        Refused(
            "user property's name with null", .v5, packet(0x30, text("t"), properties([0x26] + text("\0") + text("a"))),
            .badUTF8),
        Refused(
            "user properties over the limit", .v5,
            packet(
                0x30, text("t"), properties(Bytes(Array(repeating: [0x26] + text("a") + text("b"), count: 33).joined()))
            ),
            .limitExceeded, .quotaExceeded),
        Refused(
            "correlation data over the limit", .v5, packet(0x30, text("t"), properties([0x09] + data([1, 2, 3]))),
            .limitExceeded, limits: MQTTLimits(propertyDataBytesMax: 2)),
        Refused(
            "content type over the limit", .v5, packet(0x30, text("t"), properties([0x03] + text("abc"))),
            .limitExceeded, limits: MQTTLimits(propertyStringBytesMax: 2)),
        Refused(
            "subscription identifiers over the limit", .v5,
            packet(0x30, text("t"), properties([0x0B, 1, 0x0B, 2])), .limitExceeded,
            limits: MQTTLimits(subscriptionIdentifiersMax: 1)),
        Refused(
            "packet over the limit", .v3_1_1, packet(0x30, text("t"), Bytes(repeating: 0, count: 20)), .packetTooLarge,
            .packetTooLarge, limits: MQTTLimits(packetBytesMax: 24)),
    ]

    @Test(arguments: accepted) func accepts(_ vector: Accepted) throws {
        try expectAccepted(vector)
    }

    @Test(arguments: refused) func refuses(_ vector: Refused) {
        expectRefused(vector)
    }

    @Test func limitsAreInclusive() throws {
        let limits = MQTTLimits(packetBytesMax: 11, topicBytesMax: 3, topicLevelsMax: 2)
        let bytes = packet(0x30, text("a/b"), [1, 2, 3, 4])
        #expect(bytes.count == 11)
        _ = try Vector(name: "", version: .v3_1_1, bytes: bytes, limits: limits).decode()
    }

    @Test func descriptionHasTheSizeOfThePayloadOnly() {
        let publish = MQTTPublish(topic: "t", payload: ByteBuffer(string: "reading"))
        #expect("\(publish)".contains("payload: 7 bytes"))
        #expect(!"\(MQTTPacket.publish(publish))".contains("72656164"))
    }

    @Test func refusesToEncode() {
        func publish(
            duplicate: Bool = false, qos: MQTTQoS = .atMostOnce, _ topic: String = "t", identifier: UInt16? = nil,
            _ properties: MQTTProperties = []
        ) -> MQTTPacket {
            .publish(
                MQTTPublish(
                    duplicate: duplicate, qos: qos, topic: topic, packetIdentifier: identifier, properties: properties,
                    payload: ByteBuffer()))
        }
        expectUnencodable(publish(duplicate: true), .v5, .badQoS)
        expectUnencodable(publish(qos: .atLeastOnce), .v5, .badPacketIdentifier)
        expectUnencodable(publish(qos: .atLeastOnce, identifier: 0), .v5, .badPacketIdentifier)
        expectUnencodable(publish(identifier: 1), .v5, .badPacketIdentifier)
        expectUnencodable(publish("a/#"), .v5, .badTopic)
        expectUnencodable(publish(""), .v5, .badTopic)
        expectUnencodable(publish("", [.topicAlias(1)]), .v3_1_1, .badTopic)
        expectUnencodable(publish("t", [.topicAlias(1)]), .v3_1_1, .requiresVersion5)
        expectUnencodable(publish("t", [.topicAlias(0)]), .v5, .badProperty)
        expectUnencodable(publish("t", [.subscriptionIdentifier(0)]), .v5, .badProperty)
        expectUnencodable(publish("t", [.subscriptionIdentifier(268_435_456)]), .v5, .badProperty)
        expectUnencodable(publish("t", [.responseTopic("#")]), .v5, .badTopic)
        expectUnencodable(publish("t", [.receiveMaximum(1)]), .v5, .badProperty)
        expectUnencodable(publish("t", [.topicAlias(1), .topicAlias(2)]), .v5, .duplicateProperty)
        expectUnencodable(publish("t", [.userProperty(name: "a", value: "\0")]), .v5, .nullCharacter)
    }
}

import NIOCore
import Testing

@testable import MQTTCodec

@Suite struct MQTTDisconnectTests {
    static let accepted: [Accepted] = [
        Accepted("normal", .v3_1_1, [0xE0, 0], .disconnect(MQTTDisconnect()), sender: .client),
        Accepted("normal", .v5, [0xE0, 0], .disconnect(MQTTDisconnect())),
        Accepted(
            "with will", .v5, packet(0xE0, [4]), .disconnect(MQTTDisconnect(reasonCode: .disconnectWithWillMessage)),
            sender: .client),
        Accepted(
            "client's properties", .v5,
            packet(0xE0, [0], properties([0x11] + u32(0), [0x1F] + text("r"), [0x26] + text("a") + text("b"))),
            .disconnect(
                MQTTDisconnect(
                    properties: [.sessionExpiryInterval(0), .reasonString("r"), .userProperty(name: "a", value: "b")])),
            sender: .client),
        Accepted(
            "server's properties", .v5, packet(0xE0, [0x9D], properties([0x1C] + text("other"))),
            .disconnect(MQTTDisconnect(reasonCode: .serverMoved, properties: [.serverReference("other")])),
            sender: .server),
    ]

    static let refused: [Refused] = [
        Refused("reason code", .v3_1_1, packet(0xE0, [0]), .trailingBytes, .malformedPacket),
        Refused("from a server", .v3_1_1, [0xE0, 0], .unexpectedPacket, sender: .server),
        Refused("unknown reason code", .v5, packet(0xE0, [1]), .badReasonCode, .protocolError),
        Refused("CONNACK's reason code", .v5, packet(0xE0, [0x85]), .badReasonCode),
        Refused("client's reason code from a server", .v5, packet(0xE0, [4]), .badReasonCode, sender: .server),
        Refused("server's reason code from a client", .v5, packet(0xE0, [0x8B]), .badReasonCode, sender: .client),
        Refused("properties cut", .v5, packet(0xE0, [0, 1]), .truncatedPacket),
        Refused("one byte more", .v5, packet(0xE0, [0], properties(), [0]), .trailingBytes),
        Refused(
            "session expiry from a server", .v5, packet(0xE0, [0], properties([0x11] + u32(1))), .badProperty,
            sender: .server),
        Refused(
            "server reference from a client", .v5, packet(0xE0, [0], properties([0x1C] + text("o"))), .badProperty,
            sender: .client),
        Refused("bad property", .v5, packet(0xE0, [0], properties([0x15] + text("m"))), .badProperty),
        Refused("twice", .v5, packet(0xE0, [0], properties([0x11] + u32(1), [0x11] + u32(1))), .duplicateProperty),
        Refused("reserved flags", .v5, [0xE1, 0], .reservedBits),
    ]

    @Test(arguments: accepted) func accepts(_ vector: Accepted) throws {
        try expectAccepted(vector)
    }

    @Test(arguments: refused) func refuses(_ vector: Refused) {
        expectRefused(vector)
    }

    @Test func readsTheLongFormsThatSayNothing() throws {
        try expectRead(Accepted("", .v5, packet(0xE0, [0]), .disconnect(MQTTDisconnect())))
        try expectRead(Accepted("", .v5, packet(0xE0, [0, 0]), .disconnect(MQTTDisconnect())))
        try expectRead(
            Accepted("", .v5, packet(0xE0, [0x81, 0]), .disconnect(MQTTDisconnect(reasonCode: .malformedPacket))))
    }

    @Test func refusesToEncode() {
        expectUnencodable(
            .disconnect(MQTTDisconnect(reasonCode: .disconnectWithWillMessage)), .v3_1_1, .requiresVersion5)
        expectUnencodable(.disconnect(MQTTDisconnect(properties: [.reasonString("")])), .v3_1_1, .requiresVersion5)
        expectUnencodable(.disconnect(MQTTDisconnect(reasonCode: .grantedQoS1)), .v5, .badReasonCode)
        expectUnencodable(.disconnect(MQTTDisconnect(properties: [.contentType("")])), .v5, .badProperty)
    }
}

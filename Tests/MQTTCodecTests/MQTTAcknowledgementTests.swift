import NIOCore
import Testing

@testable import MQTTCodec

@Suite struct MQTTAcknowledgementTests {
    /// The four packet types with their first byte, a failure they may carry, and how they are made.
    private static let kinds: [(first: UInt8, failure: UInt8, make: @Sendable (MQTTAcknowledgement) -> MQTTPacket)] = [
        (0x40, 0x87, { .puback($0) }), (0x50, 0x97, { .pubrec($0) }), (0x62, 0x92, { .pubrel($0) }),
        (0x70, 0x92, { .pubcomp($0) }),
    ]

    static let accepted: [Accepted] = kinds.flatMap { kind -> [Accepted] in
        let failure = MQTTReasonCode(rawValue: kind.failure)
        return [
            Accepted(
                "\(kind.first)", .v3_1_1, packet(kind.first, u16(1)),
                kind.make(MQTTAcknowledgement(packetIdentifier: 1))),
            Accepted(
                "\(kind.first) of two bytes", .v5, packet(kind.first, u16(65_535)),
                kind.make(MQTTAcknowledgement(packetIdentifier: 65_535))),
            Accepted(
                "\(kind.first) of three bytes", .v5, packet(kind.first, u16(2), [kind.failure]),
                kind.make(MQTTAcknowledgement(packetIdentifier: 2, reasonCode: failure))),
            Accepted(
                "\(kind.first) with properties", .v5,
                packet(
                    kind.first, u16(2), [kind.failure],
                    properties([0x1F] + text("why"), [0x26] + text("a") + text("b"), [0x26] + text("a") + text("b"))),
                kind.make(
                    MQTTAcknowledgement(
                        packetIdentifier: 2, reasonCode: failure,
                        properties: [
                            .reasonString("why"), .userProperty(name: "a", value: "b"),
                            .userProperty(name: "a", value: "b"),
                        ]))),
            Accepted(
                "\(kind.first) with properties and success", .v5,
                packet(kind.first, u16(2), [0], properties([0x1F] + text(""))),
                kind.make(MQTTAcknowledgement(packetIdentifier: 2, properties: [.reasonString("")]))),
        ]
    }

    static let refused: [Refused] = kinds.flatMap { kind -> [Refused] in
        let first = kind.first
        return [
            Refused("\(first) empty", .v3_1_1, packet(first), .truncatedPacket, .malformedPacket),
            Refused("\(first) empty", .v5, packet(first), .truncatedPacket),
            Refused("\(first) of one byte", .v5, packet(first, [1]), .truncatedPacket),
            Refused(
                "\(first) packet identifier 0", .v3_1_1, packet(first, u16(0)), .badPacketIdentifier, .protocolError),
            Refused("\(first) packet identifier 0", .v5, packet(first, u16(0), [0]), .badPacketIdentifier),
            Refused("\(first) with reason code", .v3_1_1, packet(first, u16(1), [0]), .trailingBytes),
            Refused("\(first) unknown reason code", .v5, packet(first, u16(1), [0x42]), .badReasonCode, .protocolError),
            Refused("\(first) another packet's reason code", .v5, packet(first, u16(1), [0x8D]), .badReasonCode),
            Refused("\(first) one byte more", .v5, packet(first, u16(1), [0], properties(), [0]), .trailingBytes),
            Refused("\(first) properties cut", .v5, packet(first, u16(1), [0, 4, 0x1F]), .truncatedPacket),
            Refused(
                "\(first) two reason strings", .v5,
                packet(first, u16(1), [0], properties([0x1F] + text("a"), [0x1F] + text("b"))), .duplicateProperty),
            Refused(
                "\(first) another packet's property", .v5, packet(first, u16(1), [0], properties([0x23, 0, 1])),
                .badProperty),
            Refused("\(first) reserved flags", .v5, packet(first ^ 0x02, u16(1)), .reservedBits, .malformedPacket),
            Refused("\(first) reserved flags", .v3_1_1, packet(first | 0x01, u16(1)), .reservedBits),
        ]
    }

    @Test(arguments: accepted) func accepts(_ vector: Accepted) throws {
        try expectAccepted(vector)
    }

    @Test(arguments: refused) func refuses(_ vector: Refused) {
        expectRefused(vector)
    }

    @Test func readsTheLongFormsThatSayNothing() throws {
        for kind in Self.kinds {
            let expected = kind.make(MQTTAcknowledgement(packetIdentifier: 3))
            try expectRead(Accepted("", .v5, packet(kind.first, u16(3), [0]), expected))
            try expectRead(Accepted("", .v5, packet(kind.first, u16(3), [0], properties()), expected))
        }
    }

    @Test func refusesToEncode() {
        for kind in Self.kinds {
            let failure = MQTTReasonCode(rawValue: kind.failure)
            expectUnencodable(kind.make(MQTTAcknowledgement(packetIdentifier: 0)), .v5, .badPacketIdentifier)
            expectUnencodable(
                kind.make(MQTTAcknowledgement(packetIdentifier: 1, reasonCode: failure)), .v3_1_1, .requiresVersion5)
            expectUnencodable(
                kind.make(MQTTAcknowledgement(packetIdentifier: 1, reasonCode: .keepAliveTimeout)), .v5, .badReasonCode)
            expectUnencodable(
                kind.make(MQTTAcknowledgement(packetIdentifier: 1, properties: [.reasonString("")])), .v3_1_1,
                .requiresVersion5)
            expectUnencodable(
                kind.make(MQTTAcknowledgement(packetIdentifier: 1, properties: [.topicAlias(1)])), .v5, .badProperty)
        }
    }

    /// The reason code without a decode: success where it is left out, nil for what has none, and never a trap.
    @Test func reasonCodeOfTheFrame() throws {
        let cases: [(Bytes, MQTTReasonCode?)] = [
            ([0x40, 2, 0, 1], .success), ([0x50, 3, 0, 1, 0x87], .notAuthorized),
            ([0x62, 3, 0, 1, 0x92], .init(rawValue: 0x92)),
            ([0x70, 4, 0, 1, 0x80, 0], .unspecifiedError), ([0x50, 3, 0, 1, 0x7F], .init(rawValue: 0x7F)),
            ([0x40, 0], .success), ([0x50, 1, 0], .success), ([0xC0, 0], nil), ([0x90, 3, 0, 1, 0x80], nil),
            ([0x30, 4, 0, 1, 0x61, 0], nil), ([0xB0, 2, 0, 1], nil),
        ]
        for (bytes, code) in cases {
            let frame = try Vector(name: "", version: .v5, bytes: bytes).frame()
            #expect(frame.acknowledgementReasonCode == code, "\(bytes)")
        }
    }
}

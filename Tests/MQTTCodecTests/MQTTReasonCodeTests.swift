import Testing

@testable import MQTTCodec

@Suite struct MQTTReasonCodeTests {
    /// The tables of MQTT 5.0, packet by packet.
    private static let tables: [MQTTPacketType: Set<UInt8>] = [
        .connack: [
            0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x8C, 0x90, 0x95, 0x97, 0x99, 0x9A,
            0x9B, 0x9C, 0x9D, 0x9F,
        ],
        .puback: [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
        .pubrec: [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
        .pubrel: [0x00, 0x92],
        .pubcomp: [0x00, 0x92],
        .suback: [0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2],
        .unsuback: [0x00, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91],
        .disconnect: [
            0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8B, 0x8C, 0x8D, 0x8E, 0x8F, 0x90, 0x93, 0x94, 0x95, 0x96,
            0x97, 0x98, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9E, 0x9F, 0xA0, 0xA1, 0xA2,
        ],
        .auth: [0x00, 0x18, 0x19],
    ]

    @Test(arguments: MQTTPacketType.allCases) func validOnlyWhereTheTablesSay(type: MQTTPacketType) {
        let allowed = Self.tables[type] ?? []
        for value in UInt8.min...UInt8.max {
            #expect(MQTTReasonCode(rawValue: value).isValid(in: type) == allowed.contains(value), "\(value)")
        }
    }

    @Test func eachEndHasItsOwn() {
        let clientDisconnects: Set<UInt8> = [
            0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99,
        ]
        for value in UInt8.min...UInt8.max {
            let code = MQTTReasonCode(rawValue: value)
            #expect(code.isValid(in: .disconnect, from: .client) == clientDisconnects.contains(value))
            let fromEither =
                code.isValid(in: .disconnect, from: .client) || code.isValid(in: .disconnect, from: .server)
            #expect(fromEither == code.isValid(in: .disconnect))
        }
        #expect(!MQTTReasonCode.disconnectWithWillMessage.isValid(in: .disconnect, from: .server))
        #expect(!MQTTReasonCode.reauthenticate.isValid(in: .auth, from: .server))
        #expect(!MQTTReasonCode.success.isValid(in: .auth, from: .client))
    }

    @Test func description() {
        #expect("\(MQTTReasonCode.success)" == "0x00")
        #expect("\(MQTTReasonCode.wildcardSubscriptionsNotSupported)" == "0xA2")
    }

    @Test func returnCodesMapBackToThemselves() {
        for code in MQTTConnectReturnCode.allCases {
            #expect(MQTTConnectReturnCode(code.reasonCode) == code)
        }
    }

    @Test func everyRefusalInConnackIsMappedOrSilent() {
        #expect(MQTTConnectReturnCode(.badAuthenticationMethod) == .badUserNameOrPassword)
        #expect(MQTTConnectReturnCode(.banned) == .notAuthorized)
        #expect(MQTTConnectReturnCode(.serverBusy) == .serverUnavailable)
        #expect(MQTTConnectReturnCode(.malformedPacket) == nil)
        #expect(MQTTConnectReturnCode(.unspecifiedError) == nil)
        for value in UInt8(0x80)...0xFF {
            #expect(MQTTConnectReturnCode(MQTTReasonCode(rawValue: value)) != .accepted)
        }
    }
}

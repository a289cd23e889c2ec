import NIOCore
import Testing

@testable import MQTTCodec

@Suite struct MQTTPingTests {
    static let accepted: [Accepted] = MQTTProtocolVersion.allCases.flatMap {
        [
            Accepted("PINGREQ", $0, [0xC0, 0], .pingreq, sender: .client),
            Accepted("PINGRESP", $0, [0xD0, 0], .pingresp, sender: .server),
        ]
    }

    static let refused: [Refused] = MQTTProtocolVersion.allCases.flatMap {
        [
            Refused("PINGREQ with body", $0, [0xC0, 1, 0], .trailingBytes, .malformedPacket),
            Refused("PINGRESP with body", $0, [0xD0, 1, 0], .trailingBytes),
            Refused("PINGREQ reserved flags", $0, [0xC1, 0], .reservedBits),
            Refused("PINGRESP reserved flags", $0, [0xD8, 0], .reservedBits),
            Refused("PINGREQ from a server", $0, [0xC0, 0], .unexpectedPacket, .protocolError, sender: .server),
            Refused("PINGRESP from a client", $0, [0xD0, 0], .unexpectedPacket, sender: .client),
        ]
    }

    @Test(arguments: accepted) func accepts(_ vector: Accepted) throws {
        try expectAccepted(vector)
    }

    @Test(arguments: refused) func refuses(_ vector: Refused) {
        expectRefused(vector)
    }
}

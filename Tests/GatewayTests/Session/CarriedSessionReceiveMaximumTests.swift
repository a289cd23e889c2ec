internal import FleetPolicy
internal import MQTTCodec
internal import NIOCore
internal import Testing

@testable internal import Gateway

@Suite("CarriedSession: Receive Maximum (MQTT 5.0, sections 3.3.4 and 4.9)")
struct CarriedSessionReceiveMaximumTests {
    private static let exceeded = Judged.ended(.receiveMaximumExceeded, .device, answer: .receiveMaximumExceeded)

    private func conversation(_ version: MQTTProtocolVersion = .v5, maximum: UInt16) throws -> CarriedConversation {
        try CarriedConversation(version) { $0.deviceReceiveMaximum = version == .v5 ? maximum : nil }
    }

    private func publish(_ id: UInt16, qos: MQTTQoS = .exactlyOnce) -> MQTTPacket {
        .publish(qos == .exactlyOnce ? Topic.exact : Topic.up, qos: qos, id: id)
    }

    @Test("more than CONNACK allowed ends the session (MQTT-3.3.4-9)", arguments: [1, 3, 64] as [UInt16])
    func exceeded(maximum: UInt16) throws {
        var conversation = try self.conversation(maximum: maximum)
        for id in 1...maximum { #expect(try conversation.device(self.publish(id)) == .passed) }
        #expect(try conversation.device(.publish(Topic.up)) == .passed, "QoS 0 does not count")
        #expect(try conversation.device(self.publish(maximum + 1, qos: .atLeastOnce)) == Self.exceeded)
    }

    @Test("what the broker has ended makes room: PUBACK, PUBCOMP, a failing PUBREC")
    func ended() throws {
        var conversation = try self.conversation(maximum: 1)
        #expect(try conversation.device(self.publish(1, qos: .atLeastOnce)) == .passed)
        #expect(try conversation.broker(.acknowledgement(.puback, id: 1)) == .passed)
        #expect(try conversation.device(self.publish(2)) == .passed)
        #expect(try conversation.broker(.acknowledgement(.pubrec, id: 2)) == .passed)
        #expect(try conversation.device(.acknowledgement(.pubrel, id: 2)) == .passed)
        #expect(try conversation.broker(.acknowledgement(.pubcomp, id: 2)) == .passed)
        #expect(try conversation.device(self.publish(3)) == .passed)
        #expect(try conversation.broker(.acknowledgement(.pubrec, id: 3, .quotaExceeded)) == .passed)
        #expect(try conversation.device(self.publish(4)) == .passed)
    }

    @Test("what ends nothing makes no room")
    func notEnded() throws {
        let others: [MQTTPacket] = [
            try .acknowledgement(.pubrec, id: 1), try .acknowledgement(.pubrec, id: 1, .noMatchingSubscribers),
            try .acknowledgement(.puback, id: 2), try .acknowledgement(.pubcomp, id: 2),
            try .acknowledgement(.pubrec, id: 2, .quotaExceeded), try .acknowledgement(.pubrel, id: 1),
            .suback(id: 1, .grantedQoS0), .unsuback(MQTTUnsuback(packetIdentifier: 1, reasonCodes: [.success])),
            .pingresp, .publish(Topic.down, qos: .atLeastOnce, id: 1),
        ]
        for packet in others {
            var conversation = try self.conversation(maximum: 1)
            _ = try conversation.device(self.publish(1))
            _ = try conversation.broker(packet)
            #expect(try conversation.device(self.publish(3)) == Self.exceeded, "\(packet)")
        }
        // The device's own acknowledgements are of the other direction.
        var conversation = try self.conversation(maximum: 1)
        _ = try conversation.device(self.publish(1))
        _ = try conversation.device(.acknowledgement(.puback, id: 1))
        _ = try conversation.device(.acknowledgement(.pubrel, id: 1))
        _ = try conversation.device(.acknowledgement(.pubcomp, id: 1))
        #expect(try conversation.device(self.publish(3)) == Self.exceeded)
    }

    @Test("a message that is sent again counts once (section 4.4)")
    func sentAgain() throws {
        var conversation = try self.conversation(maximum: 2)
        for _ in 0..<5 {
            #expect(try conversation.device(self.publish(1)) == .passed)
            let again = MQTTPublish(
                duplicate: true, qos: .exactlyOnce, topic: Topic.exact, packetIdentifier: 1, payload: ByteBuffer()
            )
            #expect(try conversation.device(.publish(again)) == .passed)
        }
        #expect(try conversation.device(self.publish(2)) == .passed)
        #expect(try conversation.device(self.publish(3)) == Self.exceeded)
    }

    @Test("one that the gateway refuses is over with its answer, and must have been allowed at all")
    func refused() throws {
        var conversation = try self.conversation(maximum: 1)
        for id in 1...20 as ClosedRange<UInt16> {
            for qos in [MQTTQoS.atLeastOnce, .exactlyOnce] {
                guard
                    case .absorbed(.some, _, .some) = try conversation.device(.publish(Topic.foreign, qos: qos, id: id))
                else {
                    Issue.record("\(id) was not refused by the profile")
                    return
                }
            }
        }
        #expect(try conversation.device(self.publish(1)) == .passed)
        #expect(try conversation.device(.publish(Topic.foreign, qos: .atLeastOnce, id: 2)) == Self.exceeded)
    }

    @Test("MQTT 3.1.1 has no word for it: a device of that version is not held to it")
    func version311() throws {
        var conversation = try self.conversation(.v3_1_1, maximum: 1)
        for id in 1...3_000 as ClosedRange<UInt16> { #expect(try conversation.device(self.publish(id)) == .passed) }
    }

    @Test("a broker's acknowledgement of nothing under way, or in a bad form, passes and does not trap")
    func unknown() throws {
        var conversation = try self.conversation(maximum: 1)
        for bytes in [[0x40, 0x00], [0x50, 0x01, 0x00], [0x70, 0x02, 0x00, 0x00], [0x50, 0x03, 0x00, 0x09, 0xFF]]
            as [[UInt8]]
        {
            #expect(try conversation.broker(bytes) == .passed)
        }
    }
}

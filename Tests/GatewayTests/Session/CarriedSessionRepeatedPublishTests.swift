internal import FleetPolicy
internal import MQTTCodec
internal import NIOCore
internal import Testing

@testable internal import Gateway

/// A PUBLISH like one that was permitted is not looked at again; nothing else may come of that than of looking.
@Suite("CarriedSession: the same PUBLISH again")
struct CarriedSessionRepeatedPublishTests {
    private func holding(_ version: MQTTProtocolVersion) throws -> CarriedConversation {
        var conversation = try CarriedConversation(version)
        #expect(try conversation.device(.publish(Topic.up)) == .passed)
        #expect(conversation.session.granted != nil)
        return conversation
    }

    @Test("passes, with any payload", arguments: MQTTProtocolVersion.allCases)
    func passes(version: MQTTProtocolVersion) throws {
        var conversation = try self.holding(version)
        for payload in ["", "1", String(repeating: "2", count: 1_000)] {
            #expect(try conversation.device(.publish(Topic.up, payload: payload)) == .passed)
        }
    }

    @Test("another topic, QoS or RETAIN is judged for itself", arguments: MQTTProtocolVersion.allCases)
    func others(version: MQTTProtocolVersion) throws {
        var conversation = try self.holding(version)
        #expect(
            try conversation.device(.publish(Topic.foreign)) == .absorbed(probe: true, denial: "topic-not-allowed"))
        #expect(
            try conversation.device(.publish(Topic.secretUp)) == .absorbed(denial: "topic-denied"))
        conversation = try CarriedConversation(version)
        #expect(try conversation.device(.publish(Topic.exact)) == .passed)
        #expect(
            try conversation.device(.publish(Topic.exact, retain: true))
                == .absorbed(probe: true, denial: "retain-not-allowed"))
    }

    @Test("new rules are asked anew", arguments: MQTTProtocolVersion.allCases)
    func regranted(version: MQTTProtocolVersion) throws {
        var conversation = try self.holding(version)
        // The topics of another device.
        _ = conversation.session.regranted(
            try Grants.make(serial: "8"), terms: try .make(), now: conversation.now)
        #expect(try conversation.device(.publish(Topic.up)) == .absorbed(probe: true, denial: "topic-not-allowed"))
        _ = conversation.session.regranted(try Grants.make(), terms: try .make(), now: conversation.now)
        #expect(try conversation.device(.publish(Topic.up)) == .passed)
    }

    @Test("Receive Maximum counts each")
    func receiveMaximum() throws {
        var conversation = try CarriedConversation(.v5) { $0.deviceReceiveMaximum = 3 }
        for id in UInt16(1)...3 {
            #expect(try conversation.device(.publish(Topic.up, qos: .atLeastOnce, id: id)) == .passed)
        }
        #expect(
            try conversation.device(.publish(Topic.up, qos: .atLeastOnce, id: 4))
                == .ended(.receiveMaximumExceeded, .device, answer: .receiveMaximumExceeded))
    }

    @Test("the rate limit counts each", arguments: MQTTProtocolVersion.allCases)
    func rate(version: MQTTProtocolVersion) throws {
        let terms = try SessionTerms.make {
            $0.messageRate.perSecond = 1
            $0.messageRate.burst = 3
            $0.messageRate.onExceeded = .disconnect
        }
        var conversation = try CarriedConversation(version, terms: terms)
        for _ in 0..<3 { #expect(try conversation.device(.publish(Topic.up)) == .passed) }
        #expect(
            try conversation.device(.publish(Topic.up))
                == .ended(.messageRateExceeded, .device, answer: .messageRateTooHigh))
    }

    @Test("with a prefix every one is rewritten", arguments: MQTTProtocolVersion.allCases)
    func prefix(version: MQTTProtocolVersion) throws {
        var conversation = try CarriedConversation(version, terms: .make(prefix: "p/"))
        for _ in 0..<10 {
            #expect(try conversation.device(.publish(Topic.up)) == .rewritten(.publish("p/" + Topic.up)))
        }
        #expect(conversation.session.granted == nil)
    }

    @Test("an alias of the same topic is not taken for it")
    func alias() throws {
        var conversation = try CarriedConversation(.v5)
        #expect(try conversation.device(.publish(Topic.up)) == .passed)
        #expect(try conversation.device(.publish(Topic.up, alias: 1)) == .passed)
        #expect(try conversation.device(.publish("", alias: 1)) == .passed)
        #expect(
            try conversation.device(.publish(Topic.up, alias: 9))
                == .ended(.topicAliasInvalid, .device, answer: .topicAliasInvalid))
    }

    @Test("a device that takes turns among topics has some of them remembered, all judged")
    func turns() throws {
        var conversation = try CarriedConversation(.v3_1_1)
        for turn in 0..<20 {
            #expect(try conversation.device(.publish(Topic.up)) == .passed)
            #expect(try conversation.device(.publish(Topic.exact)) == .passed)
            #expect(
                try conversation.device(.publish(Topic.foreign))
                    == .absorbed(probe: turn == 0, denial: "topic-not-allowed"))
        }
    }

    // MARK: Several in one read

    private func bytes(_ packets: [MQTTPacket], _ version: MQTTProtocolVersion) throws -> ByteBuffer {
        var bytes = ByteBuffer()
        for packet in packets { bytes.writeImmutableBuffer(try packet.bytes(version)) }
        return bytes
    }

    @Test("go together, up to the first that is different or not whole", arguments: MQTTProtocolVersion.allCases)
    func run(version: MQTTProtocolVersion) throws {
        var conversation = try self.holding(version)
        let alike = (0..<5).map { MQTTPacket.publish(Topic.up, payload: String(repeating: "x", count: $0)) }
        let count = try self.bytes(alike, version).readableBytes
        for other in [MQTTPacket.pingreq, .publish(Topic.foreign), .publish(Topic.up, retain: true)] {
            let bytes = try self.bytes(alike + [other] + alike, version)
            let passing = conversation.session.passing(prefixOf: bytes, packetBytesMax: .max, now: conversation.now)
            #expect(passing.packetCount == 5 && passing.byteCount == count && passing.delay == nil)
        }
        var cut = try self.bytes(alike + alike.suffix(1), version)
        cut.moveWriterIndex(to: cut.writerIndex - 1)
        let passing = conversation.session.passing(prefixOf: cut, packetBytesMax: .max, now: conversation.now)
        #expect(passing.packetCount == 5 && passing.byteCount == count)
    }

    @Test("a packet longer than the device may send is left to be refused")
    func tooLong() throws {
        var conversation = try self.holding(.v5)
        let bytes = try self.bytes([.publish(Topic.up, payload: String(repeating: "x", count: 500))], .v5)
        let passing = conversation.session.passing(
            prefixOf: bytes, packetBytesMax: bytes.readableBytes - 1, now: conversation.now)
        #expect(passing.packetCount == 0 && passing.byteCount == 0)
    }

    @Test("end where the rate makes the device wait", arguments: MQTTProtocolVersion.allCases)
    func throttled(version: MQTTProtocolVersion) throws {
        let terms = try SessionTerms.make {
            $0.messageRate.perSecond = 10
            $0.messageRate.burst = 3
            $0.messageRate.onExceeded = .throttle
        }
        var conversation = try CarriedConversation(version, terms: terms)
        #expect(try conversation.device(.publish(Topic.up)) == .passed)
        let bytes = try self.bytes(Array(repeating: .publish(Topic.up), count: 9), version)
        let passing = conversation.session.passing(prefixOf: bytes, packetBytesMax: .max, now: conversation.now)
        #expect(passing.packetCount == 3)
        #expect(passing.delay == .milliseconds(100))
    }

    @Test("leave one that is too many to be judged by itself")
    func tooMany() throws {
        var conversation = try CarriedConversation(.v5) { $0.deviceReceiveMaximum = 4 }
        #expect(try conversation.device(.publish(Topic.up, qos: .atLeastOnce, id: 1)) == .passed)
        let packets = (UInt16(2)...9).map { MQTTPacket.publish(Topic.up, qos: .atLeastOnce, id: $0) }
        let passing = conversation.session.passing(
            prefixOf: try self.bytes(packets, .v5), packetBytesMax: .max, now: conversation.now)
        #expect(passing.packetCount == 3)
        #expect(
            try conversation.device(packets[3])
                == .ended(.receiveMaximumExceeded, .device, answer: .receiveMaximumExceeded))
    }

    @Test("what is too many is charged once, and ends for its own reason")
    func twoLimits() throws {
        let terms = try SessionTerms.make {
            $0.messageRate.perSecond = 1
            $0.messageRate.burst = 4
            $0.messageRate.onExceeded = .disconnect
        }
        var conversation = try CarriedConversation(.v5, terms: terms) { $0.deviceReceiveMaximum = 3 }
        for id in UInt16(1)...3 {
            #expect(try conversation.device(.publish(Topic.up, qos: .atLeastOnce, id: id)) == .passed)
        }
        // The fourth message that the rate permits, and one more than Receive Maximum does.
        #expect(
            try conversation.device(.publish(Topic.up, qos: .atLeastOnce, id: 4))
                == .ended(.receiveMaximumExceeded, .device, answer: .receiveMaximumExceeded))
    }

    @Test("a byte rate that is exceeded takes no message", arguments: MQTTProtocolVersion.allCases)
    func byteRate(version: MQTTProtocolVersion) throws {
        let size = try MQTTPacket.publish(Topic.up).bytes(version).readableBytes
        let terms = try SessionTerms.make {
            $0.messageRate.perSecond = 1
            $0.messageRate.burst = 3
            $0.messageRate.onExceeded = .disconnect
            $0.byteRate.perSecond = 1
            $0.byteRate.burst = 2 * size
            $0.byteRate.onExceeded = .disconnect
        }
        var conversation = try CarriedConversation(version, terms: terms)
        for _ in 0..<2 { #expect(try conversation.device(.publish(Topic.up)) == .passed) }
        #expect(
            try conversation.device(.publish(Topic.up))
                == .ended(.byteRateExceeded, .device, answer: .messageRateTooHigh))
    }
}

import NIOCore
import Testing

@testable import MQTTCodec

/// What a pattern calls alike must decode to the same, but for identifier and payload; whatever it was made of.
@Suite struct MQTTPublishPatternTests {
    private func frame(_ bytes: Bytes) -> MQTTFrame? {
        var decoder = MQTTFrameDecoder(limits: MQTTLimits())
        var buffer = ByteBuffer(bytes: bytes)
        return try? decoder.decode(buffer: &buffer)
    }

    private func frame(
        _ version: MQTTProtocolVersion, topic: String = "m/1/t", qos: MQTTQoS = .atMostOnce, id: UInt16? = nil,
        retain: Bool = false, duplicate: Bool = false, payload: String = "x", properties: MQTTProperties = []
    ) throws -> MQTTFrame {
        let publish = MQTTPublish(
            duplicate: duplicate, qos: qos, retain: retain, topic: topic, packetIdentifier: id, properties: properties,
            payload: ByteBuffer(string: payload))
        return try #require(frame(try encoded(.publish(publish), version)))
    }

    private func pattern(_ frame: MQTTFrame, _ version: MQTTProtocolVersion) throws -> MQTTPublishPattern? {
        let header = try frame.publishHeader(version: version, limits: MQTTLimits(), sender: .client)
        return MQTTPublishPattern(frame, header, version: version)
    }

    /// What the pattern makes of a frame that stands behind other bytes, with others behind it.
    private func identifier(_ pattern: MQTTPublishPattern, _ frame: MQTTFrame) -> UInt16?? {
        var bytes = ByteBuffer(repeating: 0x30, count: 3)
        bytes.writeImmutableBuffer(frame.bytes)
        bytes.writeBytes([0x30, 0x00])
        let count = frame.bytes.readableBytes
        let found = pattern.packet(in: bytes, at: 3, packetBytesMax: count)
        #expect(pattern.packet(in: bytes, at: 3, packetBytesMax: count - 1) == nil)
        #expect(pattern.packet(in: frame.bytes, at: 0, packetBytesMax: .max) == found)
        #expect(found == nil || found?.byteCount == count)
        return found.map(\.packetIdentifier)
    }

    @Test func whatIsNotThereAsAWholeIsNotAlike() throws {
        let frame = try frame(.v5, qos: .atLeastOnce, id: 7)
        let pattern = try #require(try pattern(frame, .v5))
        for count in 0..<frame.bytes.readableBytes {
            let part = frame.bytes.getSlice(at: frame.bytes.readerIndex, length: count) ?? ByteBuffer()
            #expect(pattern.packet(in: part, at: 0, packetBytesMax: .max) == nil)
        }
    }

    @Test func lengthsThatTheDecoderRefusesAreNotAlike() throws {
        let good = try frame(.v3_1_1)
        let pattern = try #require(try pattern(good, .v3_1_1))
        let body = Bytes(good.bytes.readableBytesView.dropFirst(2))
        let length = UInt8(body.count)
        for header in [
            [0x30, length | 0x80, 0], [0x30, length | 0x80, 0x80, 0x80, 0x80, 0], [0x38, length], [0x31, length],
        ]
            as [[UInt8]]
        {
            let bytes = ByteBuffer(bytes: header + body)
            #expect(pattern.packet(in: bytes, at: 0, packetBytesMax: .max) == nil)
        }
        let long = try frame(.v3_1_1, payload: String(repeating: "z", count: 20_000))
        #expect(identifier(pattern, long) == .some(nil))
    }

    @Test(arguments: MQTTProtocolVersion.allCases) func sameTopicIsAlike(version: MQTTProtocolVersion) throws {
        let once = try #require(try pattern(try frame(version), version))
        #expect(identifier(once, try frame(version, payload: "")) == .some(nil))
        #expect(
            identifier(once, try frame(version, payload: String(repeating: "y", count: 300))) == .some(nil))
        let acknowledged = try #require(try pattern(try frame(version, qos: .atLeastOnce, id: 1), version))
        for duplicate in [false, true] {
            let again = try frame(version, qos: .atLeastOnce, id: 0xABCD, duplicate: duplicate, payload: "z")
            #expect(identifier(acknowledged, again) == 0xABCD)
        }
    }

    @Test(arguments: MQTTProtocolVersion.allCases) func othersAreDifferent(version: MQTTProtocolVersion) throws {
        let pattern = try #require(try pattern(try frame(version, qos: .atLeastOnce, id: 1), version))
        let others = [
            try frame(version, topic: "m/2/t", qos: .atLeastOnce, id: 1),
            try frame(version, topic: "m/1/", qos: .atLeastOnce, id: 1),
            try frame(version, topic: "m/1/t/u", qos: .atLeastOnce, id: 1),
            try frame(version), try frame(version, qos: .exactlyOnce, id: 1),
            try frame(version, qos: .atLeastOnce, id: 1, retain: true),
        ]
        for other in others { #expect(identifier(pattern, other) == nil) }
        let ping = try #require(frame(Bytes([0xC0, 0x00])))
        #expect(identifier(pattern, ping) == nil)
    }

    @Test func propertiesAreDifferent() throws {
        let pattern = try #require(try pattern(try frame(.v5), .v5))
        #expect(identifier(pattern, try frame(.v5, properties: [.topicAlias(1)])) == nil)
        #expect(identifier(pattern, try frame(.v5, properties: [.messageExpiryInterval(1)])) == nil)
        #expect(try self.pattern(try frame(.v5, properties: [.topicAlias(1)]), .v5) == nil)
        #expect(try self.pattern(try frame(.v5, topic: "", properties: [.topicAlias(1)]), .v5) == nil)
    }

    @Test(arguments: MQTTProtocolVersion.allCases) func brokenOnesAreDifferent(version: MQTTProtocolVersion) throws {
        let pattern = try #require(try pattern(try frame(version, qos: .atLeastOnce, id: 1, payload: ""), version))
        let good = Bytes(try frame(version, qos: .atLeastOnce, id: 1, payload: "").bytes.readableBytesView)
        // Cut anywhere, with the length mended.
        for count in 2..<good.count {
            var cut = Bytes(good.prefix(count))
            cut[1] = UInt8(count - 2)
            #expect(identifier(pattern, try #require(frame(cut))) == nil, "cut to \(count) bytes")
        }
        var zero = good
        zero[9] = 0
        zero[10] = 0
        #expect(identifier(pattern, try #require(frame(zero))) == nil)
    }

    @Test(arguments: UInt64(1)...4) func agreesWithTheDecoder(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var alike = 0
        for _ in 0..<4000 {
            let version = MQTTProtocolVersion.allCases.randomElement(using: &generator) ?? .v5
            let qos = MQTTQoS.allCases.randomElement(using: &generator) ?? .atMostOnce
            let first = try frame(
                version, topic: ["a", "m/1/t", "m/12345678/telemetry"].randomElement(using: &generator) ?? "a",
                qos: qos,
                id: qos == .atMostOnce ? nil : 7, retain: Bool.random(using: &generator))
            let made = try #require(try pattern(first, version))
            var bytes = Bytes(first.bytes.readableBytesView)
            for _ in 0..<Int.random(in: 0...2, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            guard let second = frame(bytes), let identifier = identifier(made, second) else { continue }
            alike += 1
            let header = try second.publishHeader(version: version, limits: MQTTLimits(), sender: .client)
            let before = try first.publishHeader(version: version, limits: MQTTLimits(), sender: .client)
            #expect(header.qos == before.qos && header.retain == before.retain && header.topic == before.topic)
            #expect(header.packetIdentifier == identifier)
            #expect(header.topicAlias == nil && header.responseTopic == nil)
        }
        #expect(alike > 500)
    }
}

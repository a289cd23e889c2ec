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

    @Test(arguments: MQTTProtocolVersion.allCases) func sameTopicIsAlike(version: MQTTProtocolVersion) throws {
        let once = try #require(try pattern(try frame(version), version))
        #expect(once.compare(try frame(version, payload: "")) == .alike(packetIdentifier: nil))
        #expect(
            once.compare(try frame(version, payload: String(repeating: "y", count: 300)))
                == .alike(packetIdentifier: nil))
        let acknowledged = try #require(try pattern(try frame(version, qos: .atLeastOnce, id: 1), version))
        for duplicate in [false, true] {
            let again = try frame(version, qos: .atLeastOnce, id: 0xABCD, duplicate: duplicate, payload: "z")
            #expect(acknowledged.compare(again) == .alike(packetIdentifier: 0xABCD))
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
        for other in others { #expect(pattern.compare(other) == .different) }
        let ping = try #require(frame(Bytes([0xC0, 0x00])))
        #expect(pattern.compare(ping) == .different)
    }

    @Test func propertiesAreDifferent() throws {
        let pattern = try #require(try pattern(try frame(.v5), .v5))
        #expect(pattern.compare(try frame(.v5, properties: [.topicAlias(1)])) == .different)
        #expect(pattern.compare(try frame(.v5, properties: [.messageExpiryInterval(1)])) == .different)
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
            #expect(pattern.compare(try #require(frame(cut))) == .different, "cut to \(count) bytes")
        }
        var zero = good
        zero[9] = 0
        zero[10] = 0
        #expect(pattern.compare(try #require(frame(zero))) == .different)
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
            guard let second = frame(bytes), case .alike(let identifier) = made.compare(second) else { continue }
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

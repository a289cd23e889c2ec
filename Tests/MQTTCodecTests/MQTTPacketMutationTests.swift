import NIOCore
import Testing

@testable import MQTTCodec

/// How it works: 1. take a good packet; 2. change, insert, remove or splice a few bytes, and often repair the remaining
/// length so that the change reaches the body's decoder; 3. decode under both versions and from each sender. Nothing
/// may trap, what decodes must encode to something that decodes to the same, and the publish header must agree.
@Suite struct MQTTPacketMutationTests {
    private static let seeds = AllVectors.accepted.map(\.vector.bytes).filter { $0.count < 1000 }

    @Test(arguments: UInt64(1)...4) func mutatedPackets(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var decodedCount = 0
        for _ in 0..<5000 {
            let bytes = Self.mutated(using: &generator)
            var buffer = ByteBuffer(bytes: bytes)
            let version = MQTTProtocolVersion.allCases.randomElement(using: &generator) ?? .v5
            let sender = MQTTSender.allCases.randomElement(using: &generator) ?? .either
            var decoder = MQTTFrameDecoder(
                limits: MQTTLimits(), version: Bool.random(using: &generator) ? version : nil)
            while let frame = try? decoder.decode(buffer: &buffer) {
                decodedCount += check(frame, version, sender) ? 1 : 0
            }
        }
        // Otherwise the mutations are too coarse to test anything but the refusals.
        #expect(decodedCount > 500)
    }

    /// Whether the frame decoded.
    private func check(_ frame: MQTTFrame, _ version: MQTTProtocolVersion, _ sender: MQTTSender) -> Bool {
        if frame.type == .publish {
            expectHeaderAgrees(frame, version, MQTTLimits(), sender)
        }
        guard let packet = try? MQTTPacket.decode(frame, version: version, limits: MQTTLimits(), sender: sender) else {
            return false
        }
        do {
            let again = Vector(name: "", version: version, bytes: try encoded(packet, version), sender: sender)
            #expect(try again.decode() == packet)
            #expect(again.bytes.count <= frame.bytes.readableBytes || packet.type == .connack)
            if case .publish(let publish) = packet { try checkRewriting(frame, publish, version, sender) }
        } catch {
            Issue.record("\(packet) does not go round: \(error)")
        }
        return true
    }

    /// Every PUBLISH that decodes can be given other topics, and nothing else of it changes.
    private func checkRewriting(
        _ frame: MQTTFrame, _ publish: MQTTPublish, _ version: MQTTProtocolVersion, _ sender: MQTTSender
    ) throws {
        let header = try frame.publishHeader(version: version, limits: MQTTLimits(), sender: sender)
        for (dropsTopicAlias, response) in [(false, "r"), (true, "r"), (false, nil), (true, nil)] {
            let edit = MQTTPublishEdit(
                topic: ByteBuffer(string: "t"), prefix: ByteBuffer(string: "p/"), dropsTopicAlias: dropsTopicAlias,
                responseTopic: response.map { .replaced(ByteBuffer(string: $0)) } ?? .removed
            )
            let parts = try frame.rewritingPublish(header, edit)
            let bytes = Bytes(parts.head.readableBytesView) + Bytes(parts.payload.readableBytesView)
            var expected = publish
            expected.topic = "p/t"
            if dropsTopicAlias { expected.properties.removeAll(like: .topicAlias(0)) }
            if publish.properties.responseTopic != nil {
                expected.properties.removeAll(like: .responseTopic(""))
            }
            let rewritten = try Vector(name: "", version: version, bytes: bytes, sender: sender).decode()
            guard case .publish(var found) = rewritten else { throw Unexpected() }
            if publish.properties.responseTopic != nil {
                #expect(found.properties.responseTopic == response.map { "p/" + $0 })
                found.properties.removeAll(like: .responseTopic(""))
            }
            #expect(found == expected)
        }
    }

    private struct Unexpected: Error {}

    private static func mutated(using generator: inout SeededGenerator) -> Bytes {
        var bytes = seeds.randomElement(using: &generator) ?? [0xC0, 0]
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
            let place = Int.random(in: 0..<bytes.count, using: &generator)
            switch Int.random(in: 0..<6, using: &generator) {
            case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
            case 1: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &generator)
            case 2: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: place)
            case 3: bytes.remove(at: place)
            case 4: bytes.removeLast(bytes.count - place)
            default: bytes += (seeds.randomElement(using: &generator) ?? []).suffix(from: min(2, bytes.count))
            }
            if bytes.isEmpty { bytes = [0x30] }
        }
        if Bool.random(using: &generator), bytes.count >= 2, bytes.count < 120 {
            bytes[1] = UInt8(bytes.count - 2)
        }
        return bytes
    }

    @Test func everyGoodPacketCutAnywhereIsIncompleteOrRefused() throws {
        for accepted in AllVectors.accepted where accepted.vector.bytes.count < 120 {
            let bytes = accepted.vector.bytes
            for count in 2..<max(2, bytes.count) {
                var cut = Bytes(bytes[..<count])
                cut[1] = UInt8(count - 2)
                let vector = Vector(name: "", version: accepted.vector.version, bytes: cut)
                // A payload may end anywhere; so may a list after its first element, and what may be left out.
                if let packet = try? vector.decode() {
                    #expect(packet != accepted.packet)
                }
            }
        }
    }
}

import NIOCore
import Testing

@testable import MQTTCodec

@Suite struct MQTTPublishRewriteTests {
    private func rewrite(
        _ vector: Vector, _ topic: String, droppingTopicAlias: Bool
    ) throws -> (parts: MQTTPublishParts, publish: MQTTPublish) {
        let frame = try vector.frame()
        let header = try frame.publishHeader(version: vector.version, limits: .protocolMaximum)
        let parts = try MQTTFrame.rewritingPublish(
            frame, header, topic: ByteBuffer(string: topic), droppingTopicAlias: droppingTopicAlias)
        var whole = parts.head
        whole.writeImmutableBuffer(parts.payload)
        #expect(whole.readableBytes == parts.byteCount)
        let bytes = Bytes(whole.readableBytesView)
        let packet = try Vector(name: "", version: vector.version, bytes: bytes, limits: .protocolMaximum).decode()
        guard case .publish(let publish) = packet else { throw Unexpected() }
        return (parts, publish)
    }

    private struct Unexpected: Error {}

    @Test(arguments: MQTTPublishTests.accepted, ["x", "some/other/topic", String(repeating: "t", count: 300)])
    func changesTheTopicAndTheAliasOnly(accepted: Accepted, topic: String) throws {
        guard case .publish(var expected) = accepted.packet else { return }
        expected.topic = topic
        #expect(try rewrite(accepted.vector, topic, droppingTopicAlias: false).publish == expected)
        expected.properties.removeAll(like: .topicAlias(0))
        #expect(try rewrite(accepted.vector, topic, droppingTopicAlias: true).publish == expected)
    }

    @Test func thePayloadIsNotCopied() throws {
        let bytes = packet(0x30, text(""), properties([0x23, 0, 1]), Bytes(repeating: 1, count: 1000))
        let vector = Vector(name: "", version: .v5, bytes: bytes)
        let parts = try rewrite(vector, "resolved", droppingTopicAlias: true).parts
        #expect(parts.head.readableBytes < 20)
        #expect(parts.payload.readableBytes == 1000)
    }

    @Test func refusesTopicsThatAreNone() throws {
        let aliased = Vector(name: "", version: .v5, bytes: packet(0x30, text(""), properties([0x23, 0, 1])))
        let frame = try aliased.frame()
        let header = try frame.publishHeader(version: .v5, limits: MQTTLimits())
        let refused: [(Bytes, Bool, MQTTEncodingError.Code)] = [
            ([], true, .badTopic), (Bytes("a/#".utf8), true, .badTopic), (Bytes("+".utf8), false, .badTopic),
            ([0xFF], true, .badTopic), ([0x61, 0], false, .badTopic),
            (Bytes(repeating: 97, count: 65_536), true, .fieldTooLong),
        ]
        for (topic, dropping, code) in refused {
            do {
                _ = try MQTTFrame.rewritingPublish(
                    frame, header, topic: ByteBuffer(bytes: topic), droppingTopicAlias: dropping)
                Issue.record("accepted \(topic.prefix(5))")
            } catch {
                #expect(error.code == code)
            }
        }
        #expect(try rewrite(aliased, "", droppingTopicAlias: false).publish.topic == "")
    }

    @Test func refusesAnotherPacketsHeader() throws {
        let one = try Vector(name: "", version: .v5, bytes: packet(0x30, text("topic"), properties(), [1, 2, 3]))
            .frame()
        let header = try one.publishHeader(version: .v5, limits: MQTTLimits())
        for bytes in [packet(0x30, text("t"), properties()), [0xC0, 0]] {
            let other = try Vector(name: "", version: .v5, bytes: bytes).frame()
            do {
                _ = try MQTTFrame.rewritingPublish(
                    other, header, topic: ByteBuffer(string: "x"), droppingTopicAlias: true)
                Issue.record("no error")
            } catch {
                #expect(error.code == .headerMismatch)
            }
            #expect(other.payload(header).readableBytes == 0)
        }
    }
}

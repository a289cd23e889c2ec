import NIOCore
import Testing

@testable import MQTTCodec

@Suite struct MQTTPublishRewriteTests {
    private func rewrite(
        _ vector: Vector, _ edit: MQTTPublishEdit
    ) throws -> (parts: MQTTPublishParts, publish: MQTTPublish) {
        let frame = try vector.frame()
        let header = try frame.publishHeader(version: vector.version, limits: .protocolMaximum)
        let parts = try frame.rewritingPublish(header, edit)
        var whole = parts.head
        whole.writeImmutableBuffer(parts.payload)
        #expect(whole.readableBytes == parts.byteCount)
        let bytes = Bytes(whole.readableBytesView)
        let packet = try Vector(name: "", version: vector.version, bytes: bytes, limits: .protocolMaximum).decode()
        guard case .publish(let publish) = packet else { throw Unexpected() }
        return (parts, publish)
    }

    private struct Unexpected: Error {}

    private static func buffer(_ text: String) -> ByteBuffer { ByteBuffer(string: text) }

    @Test(arguments: MQTTPublishTests.accepted, ["x", "some/other/topic", String(repeating: "t", count: 300)])
    func changesTheTopicAndTheAliasOnly(accepted: Accepted, topic: String) throws {
        guard case .publish(var expected) = accepted.packet else { return }
        expected.topic = topic
        var edit = MQTTPublishEdit(topic: Self.buffer(topic))
        #expect(try rewrite(accepted.vector, edit).publish == expected)
        expected.properties.removeAll(like: .topicAlias(0))
        edit.dropsTopicAlias = true
        #expect(try rewrite(accepted.vector, edit).publish == expected)
    }

    @Test(arguments: MQTTPublishTests.accepted, ["r", String(repeating: "r/", count: 200) + "r"])
    func changesTheResponseTopicInItsPlace(accepted: Accepted, response: String) throws {
        guard case .publish(var expected) = accepted.packet else { return }
        for dropsTopicAlias in [false, true] {
            expected.topic = "p/x"
            if dropsTopicAlias { expected.properties.removeAll(like: .topicAlias(0)) }
            let had = expected.properties.responseTopic != nil
            if had { expected.properties.set(.responseTopic("p/" + response)) }
            let replaced = MQTTPublishEdit(
                topic: Self.buffer("x"), prefix: Self.buffer("p/"), dropsTopicAlias: dropsTopicAlias,
                responseTopic: .replaced(Self.buffer(response))
            )
            #expect(try rewrite(accepted.vector, replaced).publish == expected)

            var removed = expected
            removed.topic = "x"
            removed.properties.removeAll(like: .responseTopic(""))
            let edit = MQTTPublishEdit(
                topic: Self.buffer("x"), dropsTopicAlias: dropsTopicAlias, responseTopic: .removed
            )
            #expect(try rewrite(accepted.vector, edit).publish == removed)
        }
    }

    /// The alias and the response topic may come in either order, next to each other or not, first or last.
    @Test func everyOrderOfProperties() throws {
        let alias: Bytes = [0x23, 0, 7]
        let response: Bytes = [0x08] + text("a/b")
        let other: Bytes = [0x26] + text("n") + text("v")
        let orders: [[Bytes]] = [
            [alias, response], [response, alias], [alias, other, response], [response, other, alias],
            [other, alias, response], [other, response, alias, other], [other, alias, other, response, other],
            [response], [alias], [other], [],
        ]
        for order in orders {
            let vector = Vector(
                name: "", version: .v5,
                bytes: packet(0x32, text("t"), [0, 9], properties(order.flatMap { $0 }), [1, 2])
            )
            for drops in [false, true] {
                for edit: MQTTPublishEdit.ResponseTopic in [.kept, .removed, .replaced(Self.buffer("new"))] {
                    let (parts, publish) = try rewrite(
                        vector,
                        MQTTPublishEdit(
                            topic: Self.buffer("u"), prefix: Self.buffer("p/"), dropsTopicAlias: drops,
                            responseTopic: edit
                        )
                    )
                    #expect(publish.topic == "p/u" && publish.packetIdentifier == 9)
                    #expect(Bytes(parts.payload.readableBytesView) == [1, 2])
                    #expect((publish.properties.topicAlias == 7) == (order.contains(alias) && !drops))
                    #expect(publish.properties.userProperties.count == order.count { $0 == other })
                    let expected: String? =
                        switch edit {
                        case .kept: "a/b"
                        case .removed: nil
                        case .replaced: "p/new"
                        }
                    #expect(publish.properties.responseTopic == (order.contains(response) ? expected : nil))
                }
            }
        }
    }

    @Test func noPrefixIsWrittenForATopicLeftToItsAlias() throws {
        let vector = Vector(
            name: "", version: .v5,
            bytes: packet(0x30, text(""), properties([0x23, 0, 1], [0x08] + text("r")), [1])
        )
        let edit = MQTTPublishEdit(
            topic: ByteBuffer(), prefix: Self.buffer("p/"), responseTopic: .replaced(Self.buffer("r"))
        )
        let publish = try rewrite(vector, edit).publish
        #expect(publish.topic == "")
        #expect(publish.properties == [.topicAlias(1), .responseTopic("p/r")])
    }

    @Test func thePayloadIsNotCopied() throws {
        let bytes = packet(0x30, text(""), properties([0x23, 0, 1]), Bytes(repeating: 1, count: 1000))
        let vector = Vector(name: "", version: .v5, bytes: bytes)
        let edit = MQTTPublishEdit(topic: Self.buffer("resolved"), dropsTopicAlias: true)
        let parts = try rewrite(vector, edit).parts
        #expect(parts.head.readableBytes < 20)
        #expect(parts.payload.readableBytes == 1000)
    }

    @Test func refusesTopicsThatAreNone() throws {
        let vector = Vector(
            name: "", version: .v5, bytes: packet(0x30, text(""), properties([0x23, 0, 1], [0x08] + text("r")))
        )
        let frame = try vector.frame()
        let header = try frame.publishHeader(version: .v5, limits: MQTTLimits())
        let long = Bytes(repeating: 97, count: 65_536)
        let edge = Bytes(repeating: 97, count: 65_534)
        // Topic, prefix, response topic, whether the alias goes.
        let refused: [(Bytes, Bytes, Bytes?, Bool, MQTTEncodingError.Code)] = [
            ([], [], nil, true, .badTopic), (Bytes("a/#".utf8), [], nil, true, .badTopic),
            (Bytes("+".utf8), [], nil, false, .badTopic), ([0xFF], [], nil, true, .badTopic),
            ([0x61, 0], [], nil, false, .badTopic), (long, [], nil, true, .fieldTooLong),
            (edge, Bytes("p/".utf8), nil, true, .fieldTooLong), ([0x61], Bytes("+/".utf8), nil, false, .badTopic),
            ([0x61], [0xC3], nil, false, .badTopic), ([], [0xC3], nil, false, .badTopic),
            ([0x61], [0], nil, false, .badTopic), ([0x61], long, nil, false, .badTopic),
            ([0x61], Bytes("p/".utf8), [], false, .badTopic), ([0x61], [], Bytes("#".utf8), false, .badTopic),
            ([0x61], Bytes("p/".utf8), edge, false, .fieldTooLong), ([], [], long, false, .fieldTooLong),
            ([], [], [0xED, 0xA0, 0x80], false, .badTopic),
        ]
        for (topic, prefix, response, dropping, code) in refused {
            let edit = MQTTPublishEdit(
                topic: ByteBuffer(bytes: topic), prefix: ByteBuffer(bytes: prefix), dropsTopicAlias: dropping,
                responseTopic: response.map { .replaced(ByteBuffer(bytes: $0)) } ?? .kept
            )
            do {
                _ = try frame.rewritingPublish(header, edit)
                Issue.record("accepted \(topic.prefix(5)), \(prefix.prefix(5))")
            } catch {
                #expect(error.code == code, "\(topic.prefix(5)), \(prefix.prefix(5))")
            }
        }
        #expect(try rewrite(vector, MQTTPublishEdit(topic: ByteBuffer())).publish.topic == "")
        let longest = MQTTPublishEdit(
            topic: ByteBuffer(bytes: edge.dropLast()), prefix: Self.buffer("p/"), dropsTopicAlias: true
        )
        #expect(try rewrite(vector, longest).publish.topic.utf8.count == 65_535)
    }

    @Test func refusesAnotherPacketsHeader() throws {
        let one = try Vector(
            name: "", version: .v5,
            bytes: packet(0x30, text("topic"), properties([0x23, 0, 1], [0x08] + text("reply")), [1, 2, 3])
        ).frame()
        let header = try one.publishHeader(version: .v5, limits: MQTTLimits())
        for bytes in [packet(0x30, text("t"), properties()), [0xC0, 0]] {
            let other = try Vector(name: "", version: .v5, bytes: bytes).frame()
            for response: MQTTPublishEdit.ResponseTopic in [.kept, .removed, .replaced(Self.buffer("r"))] {
                do {
                    let edit = MQTTPublishEdit(
                        topic: Self.buffer("x"), dropsTopicAlias: true, responseTopic: response
                    )
                    _ = try other.rewritingPublish(header, edit)
                    Issue.record("no error")
                } catch {
                    #expect(error.code == .headerMismatch)
                }
            }
            #expect(other.payload(header).readableBytes == 0)
        }
    }
}

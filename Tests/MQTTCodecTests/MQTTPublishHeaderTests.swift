import NIOCore
import Testing

@testable import MQTTCodec

/// The publish header must say what the full decode says, on good and on bad packets.
func expectHeaderAgrees(
    _ frame: MQTTFrame, _ version: MQTTProtocolVersion, _ limits: MQTTLimits, _ sender: MQTTSender,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    let full = Result { () throws(MQTTProtocolError) in
        try MQTTPacket.decode(frame, version: version, limits: limits, sender: sender)
    }
    let header = Result { () throws(MQTTProtocolError) in
        try frame.publishHeader(version: version, limits: limits, sender: sender)
    }
    switch (full, header) {
    case (.success(.publish(let publish)), .success(let header)):
        let agrees =
            header.duplicate == publish.duplicate && header.qos == publish.qos && header.retain == publish.retain
            && header.packetIdentifier == publish.packetIdentifier
            && Bytes(header.topic.readableBytesView) == Bytes(publish.topic.utf8)
            && header.topicAlias == publish.properties.topicAlias
            && header.responseTopic.map { Bytes($0.readableBytesView) }
                == publish.properties.responseTopic.map { Bytes($0.utf8) }
            && header.payloadBytes == publish.payload.readableBytes && frame.payload(header) == publish.payload
        #expect(agrees, sourceLocation: sourceLocation)
    case (.failure(let fullError), .failure(let headerError)):
        #expect(fullError == headerError, sourceLocation: sourceLocation)
    default:
        Issue.record("full: \(full), header: \(header)", sourceLocation: sourceLocation)
    }
}

@Suite struct MQTTPublishHeaderTests {
    @Test func agreesWithTheFullDecode() throws {
        let vectors = MQTTPublishTests.accepted.map(\.vector) + MQTTPublishTests.refused.map(\.vector)
        var compared = 0
        for vector in vectors {
            var decoder = MQTTFrameDecoder(limits: vector.limits)
            var buffer = ByteBuffer(bytes: vector.bytes)
            guard let frame = try? decoder.decode(buffer: &buffer) else { continue }
            for version in MQTTProtocolVersion.allCases {
                for sender in MQTTSender.allCases {
                    expectHeaderAgrees(frame, version, vector.limits, sender)
                    compared += 1
                }
            }
        }
        #expect(compared > 200)
    }

    @Test func fieldsAreSlicesOfThePacket() throws {
        let vector = try #require(MQTTPublishTests.accepted.first { $0.vector.name == "every property" }).vector
        let header = try vector.frame().publishHeader(version: .v5, limits: MQTTLimits())
        #expect(header.qos == .atLeastOnce && header.packetIdentifier == 9 && header.topicAlias == 4)
        #expect(String(buffer: header.topic) == "t")
        #expect(header.responseTopic.map { String(buffer: $0) } == "reply")
        #expect(header.payloadBytes == 7)
        #expect(try String(buffer: vector.frame().payload(header)) == "payload")
    }

    @Test func onlyOfAPublish() throws {
        let frame = try Vector(name: "", version: .v5, bytes: [0xC0, 0]).frame()
        do {
            _ = try frame.publishHeader(version: .v5, limits: MQTTLimits())
            Issue.record("no error")
        } catch {
            #expect(error.code == .unexpectedPacket)
        }
    }
}

internal import MQTTCodec
internal import Testing

@testable internal import Gateway

@Suite("SessionEnd")
struct SessionEndTests {
    @Test("a device's malformed bytes carry the codec's name for them, and its answer")
    func deviceError() {
        let error = MQTTProtocolError(
            code: .badTopic, reasonCode: .topicNameInvalid, clause: "MQTT-4.7.1-1", detail: "a wildcard"
        )
        let end = SessionEnd(deviceError: error)
        #expect(end.code.rawValue == "bad-topic")
        #expect(end.fault == .device)
        #expect(end.answer == .topicNameInvalid)
        #expect(end.description == "bad-topic (device): a wildcard [MQTT-4.7.1-1]")
    }

    @Test("the broker's malformed bytes are one reason, with the codec's name in the detail")
    func upstreamError() {
        let error = MQTTProtocolError(
            code: .packetTooLarge, reasonCode: .packetTooLarge, clause: "MQTT-3.1.2-24", detail: "too long"
        )
        let end = SessionEnd(upstreamError: error)
        #expect(end.code == .upstreamProtocolError)
        #expect(end.fault == .upstream)
        #expect(end.answer == .serverBusy)
        #expect(end.detail == "packet-too-large: too long [MQTT-3.1.2-24]")
    }

    @Test("the reasons told to a device are error codes, and nobody is told good-bye who left by himself")
    func answers() {
        #expect(SessionEnd.deviceDisconnected().answer == nil)
        #expect(SessionEnd.deviceClosed().answer == nil)
        #expect(SessionEnd.shuttingDown().answer == .serverShuttingDown)
        #expect(SessionEnd.upstreamClosed().answer == .serverBusy)
        #expect(SessionEnd.unexpectedPacket(.pingresp).answer == .protocolError)
    }
}

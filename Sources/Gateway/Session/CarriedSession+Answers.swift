internal import MQTTCodec
internal import NIOCore

/// How packets are read, written and answered, and the ends that several packets can lead to.
extension CarriedSession {
    /// The reasons for which a packet that the profile permits goes no further.
    static let tooLargeForBroker = "packet-too-large-for-broker"
    static let tooLargeForDevice = "packet-too-large-for-device"

    /// What came of writing a PUBLISH anew.
    enum Rewritten {
        case parts(MQTTPublishParts)
        /// The topic, or the response topic, would be longer than the 65,535 bytes of MQTT.
        case topicTooLong
        /// The packet would be longer than its receiver takes.
        case packetTooLarge
        case failed
    }

    static func rewritten(
        _ frame: MQTTFrame, _ header: MQTTPublishHeader, _ edit: MQTTPublishEdit, byteCountMax: Int
    ) -> Rewritten {
        do {
            let parts = try frame.rewritingPublish(header, edit)
            return parts.byteCount <= byteCountMax ? .parts(parts) : .packetTooLarge
        } catch {
            switch error.code {
            case .fieldTooLong: return .topicTooLong
            case .packetTooLarge: return .packetTooLarge
            case _: return .failed
            }
        }
    }

    static func aliasInvalid(_ fault: SessionEnd.Fault) -> SessionEnd {
        SessionEnd(
            .topicAliasInvalid, fault, answer: .topicAliasInvalid, "a topic alias that is not set or not allowed")
    }

    static func exchangesExceeded(_ fault: SessionEnd.Fault) -> SessionEnd {
        SessionEnd(
            .exchangesExceeded, fault, answer: fault == .device ? .receiveMaximumExceeded : .serverBusy,
            "too many exchanges under way"
        )
    }

    static let encodingFailed = SessionEnd(
        .internalError, .gateway, answer: .unspecifiedError, "a rewritten packet does not encode"
    )

    /// Decodes with the rules for what a client sends (MQTT-3.3.4-6 and the tables of section 2.4).
    func decodedFromDevice(_ frame: MQTTFrame) -> Result<MQTTPacket, MQTTProtocolError> {
        self.decoded(frame, limits: self.deviceCodecLimits, sender: .client)
    }

    func decodedFromBroker(_ frame: MQTTFrame) -> Result<MQTTPacket, MQTTProtocolError> {
        self.decoded(frame, limits: self.brokerCodecLimits, sender: .server)
    }

    private func decoded(
        _ frame: MQTTFrame, limits: MQTTLimits, sender: MQTTSender
    ) -> Result<MQTTPacket, MQTTProtocolError> {
        do {
            return .success(try MQTTPacket.decode(frame, version: self.version, limits: limits, sender: sender))
        } catch {
            return .failure(error)
        }
    }

    func encoded(_ packet: MQTTPacket) -> ByteBuffer? {
        var buffer = ByteBuffer()
        do {
            try packet.encode(into: &buffer, version: self.version)
            return buffer
        } catch {
            return nil
        }
    }

    /// Answers the sender with a packet of the gateway's own.
    func answer(_ packet: MQTTPacket, denial: String?) -> Outcome {
        guard let bytes = self.encoded(packet) else { return .end(Self.encodingFailed) }
        return .absorb(answer: bytes, probe: nil, denial: denial)
    }

    /// Keeps a packet of the device back, answering it if `packet` is given.
    mutating func absorb(_ packet: MQTTPacket?, denial: String?) -> Outcome {
        var answer: ByteBuffer?
        if let packet {
            guard let bytes = self.encoded(packet) else { return .end(Self.encodingFailed) }
            answer = bytes
        }
        // One unanswered probe is enough: it arrived, or the connection to the broker is dead anyway.
        guard self.probesOutstanding == 0 else { return .absorb(answer: answer, probe: nil, denial: denial) }
        self.probesOutstanding += 1
        return .absorb(answer: answer, probe: Self.pingRequest, denial: denial)
    }

    /// PINGREQ (MQTT 5.0, section 3.12): two bytes, the same in both versions.
    private static let pingRequest = ByteBuffer(bytes: [0xC0, 0x00])
}

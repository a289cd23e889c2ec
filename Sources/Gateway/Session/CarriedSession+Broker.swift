internal import FleetPolicy
internal import MQTTCodec
internal import NIOCore

/// Messages for the device, and the broker's acknowledgements of the device's own.
extension CarriedSession {
    /// A message for the device: passed only if the profile would let the device subscribe to it. Subscriptions of an
    /// earlier life of a persistent session are the broker's to remember and not the gateway's; this check is what
    /// keeps them within today's profile.
    mutating func publishFromBroker(_ frame: MQTTFrame) -> Outcome {
        let header: MQTTPublishHeader
        do {
            header = try frame.publishHeader(version: self.version, limits: self.brokerCodecLimits)
        } catch {
            return .end(SessionEnd(upstreamError: error))
        }
        guard let topic = self.brokerAliases.resolve(header) else { return .end(Self.aliasInvalid(.upstream)) }
        guard let name = self.topicPrefix.removed(from: topic.topic),
            self.grant.permitsDelivery(topic: name.readableBytesUInt8Span)
        else {
            return self.refuseDelivery(header, denial: self.deliveryDenial)
        }
        return self.forwardToDevice(frame, header, topic, name)
    }

    /// Why a delivery that the profile does not permit has come at all. No filter of this connection has let it through:
    /// those are permitted whole, and those that no longer are have been given up. So it is a subscription that the
    /// broker has kept from an earlier connection, unless a filter has been given up just now.
    private var deliveryDenial: String {
        self.agreement.isResumed && self.ownRequests.isEmpty ? "inherited-subscription" : "delivery-not-allowed"
    }

    /// Takes the prefix off the topics, where there is one, and writes the topic in for an alias that the device does
    /// not know yet. A response topic that is not below the prefix is left out: the device could not reach it.
    private mutating func forwardToDevice(
        _ frame: MQTTFrame, _ header: MQTTPublishHeader, _ topic: TopicAliasTable.Resolution, _ name: ByteBuffer
    ) -> Outcome {
        let isTopicWritten = topic.needsTopic || (header.topic.readableBytes > 0 && !self.topicPrefix.isEmpty)
        let responseTopic = self.topicPrefix.isEmpty ? nil : header.responseTopic
        guard isTopicWritten || responseTopic != nil else {
            // With a prefix the broker was told a larger size than the device's, for the prefix is still on it.
            guard self.topicPrefix.isEmpty || frame.bytes.readableBytes <= self.agreement.devicePacketBytesMax else {
                return self.refuseDelivery(header, denial: Self.tooLargeForDevice)
            }
            self.brokerAliases.forwarded(header)
            return .forward(frame.bytes)
        }
        var edit = MQTTPublishEdit(topic: isTopicWritten ? name : ByteBuffer())
        if let responseTopic {
            edit.responseTopic = self.topicPrefix.removed(from: responseTopic).map { .replaced($0) } ?? .removed
        }
        switch Self.rewritten(frame, header, edit, byteCountMax: self.agreement.devicePacketBytesMax) {
        case .parts(let parts):
            self.brokerAliases.forwarded(header)
            return .forwardParts(head: parts.head, payload: parts.payload)
        case .packetTooLarge:
            // As if it had been delivered (MQTT-3.1.2-25).
            return self.refuseDelivery(header, denial: Self.tooLargeForDevice)
        case .topicTooLong, .failed:
            return .end(Self.encodingFailed)
        }
    }

    /// Takes the message off the broker, so that it does not wait for an acknowledgement that never comes.
    private mutating func refuseDelivery(_ header: MQTTPublishHeader, denial: String) -> Outcome {
        guard let identifier = header.packetIdentifier else {
            return .absorb(answer: nil, probe: nil, denial: denial)
        }
        let acknowledgement = MQTTAcknowledgement(packetIdentifier: identifier)
        if header.qos == .atLeastOnce { return self.answer(.puback(acknowledgement), denial: denial) }
        guard self.refusedFromBroker.began(identifier) else { return .end(Self.exchangesExceeded(.upstream)) }
        return self.answer(.pubrec(acknowledgement), denial: denial)
    }

    mutating func releaseFromBroker(_ frame: MQTTFrame) -> Outcome {
        guard let identifier = frame.packetIdentifier, self.refusedFromBroker.released(identifier) else {
            return .forward(frame.bytes)
        }
        return self.answer(.pubcomp(MQTTAcknowledgement(packetIdentifier: identifier)), denial: nil)
    }

    /// PUBACK, PUBCOMP and a failing PUBREC end what the device has under way (MQTT 5.0, section 4.9).
    mutating func acknowledgementFromBroker(_ frame: MQTTFrame) -> Outcome {
        if let identifier = frame.packetIdentifier,
            frame.type != .pubrec || frame.acknowledgementReasonCode?.isError == true
        {
            self.publishesUnderWay.ended(identifier)
        }
        return .forward(frame.bytes)
    }
}

internal import FleetPolicy
internal import MQTTCodec
internal import NIOCore

/// What a device publishes, and its good-bye.
extension CarriedSession {
    /// What passes as it is without being looked at again.
    struct Passing {
        /// Of whole packets, from the first byte on.
        var byteCount = 0
        var packetCount = 0
        /// How long nothing more may be read from the device.
        var delay: TimeAmount?
    }

    /// Takes PUBLISH packets like the one that was granted off the front of what the device sent, up to the first that is
    /// different. Each is counted against rates and Receive Maximum as it would be by itself; one that is too many is left
    /// to be judged by itself.
    mutating func passing(prefixOf bytes: ByteBuffer, packetBytesMax: Int, now: NIODeadline) -> Passing {
        var passing = Passing()
        guard let granted = self.granted else { return passing }
        while passing.delay == nil,
            let packet = granted.packet(in: bytes, at: passing.byteCount, packetBytesMax: packetBytesMax)
        {
            guard self.takes(packet, now: now, delay: &passing.delay) else { break }
            passing.byteCount += packet.byteCount
            passing.packetCount += 1
        }
        return passing
    }

    /// Counts a packet against rates and Receive Maximum. False, and nothing counted, where it is too many.
    private mutating func takes(_ packet: MQTTPublishPattern.Packet, now: NIODeadline, delay: inout TimeAmount?) -> Bool
    {
        let before = self.rates
        do {
            let wait = try self.paced(packet.byteCount, now: now)
            if self.mayBegin(packet.packetIdentifier) {
                delay = wait
                return true
            }
        } catch {
            // Judged by itself, it says why.
        }
        self.rates = before
        return false
    }

    mutating func publishFromDevice(_ frame: MQTTFrame) -> Outcome {
        let header: MQTTPublishHeader
        do {
            header = try frame.publishHeader(version: self.version, limits: self.deviceCodecLimits, sender: .client)
        } catch {
            return .end(SessionEnd(deviceError: error))
        }
        guard self.mayBegin(header.packetIdentifier) else { return .end(Self.receiveMaximumExceeded) }
        guard let topic = self.deviceAliases.resolve(header) else { return .end(Self.aliasInvalid(.device)) }
        let verdict = self.grant.permitsPublish(
            topic: topic.topic.readableBytesUInt8Span, qos: header.qos.rawValue, retain: header.retain
        )
        switch verdict {
        case .granted:
            return self.forwardToBroker(frame, header, topic)
        case .denied(let denial):
            return self.refusePublish(header, denial: denial.rawValue, reasonCode: .notAuthorized)
        }
    }

    /// Whether Receive Maximum has room for a PUBLISH; of QoS 0 it always has.
    private mutating func mayBegin(_ identifier: UInt16?) -> Bool {
        guard let identifier else { return true }
        // One that comes again has the identifier it had, and counts once.
        return self.publishesUnderWay.began(identifier) || self.agreement.deviceReceiveMaximum == nil
    }

    private static let receiveMaximumExceeded = SessionEnd(
        .receiveMaximumExceeded, .device, answer: .receiveMaximumExceeded,
        "more QoS 1 and 2 messages under way than CONNACK allowed"
    )

    /// Gives the topics their prefix, where there is one, and writes the topic in for an alias that the broker does not
    /// know yet.
    private mutating func forwardToBroker(
        _ frame: MQTTFrame, _ header: MQTTPublishHeader, _ topic: TopicAliasTable.Resolution
    ) -> Outcome {
        let isTopicWritten = topic.needsTopic || (header.topic.readableBytes > 0 && !self.topicPrefix.isEmpty)
        let responseTopic = self.topicPrefix.isEmpty ? nil : header.responseTopic
        guard isTopicWritten || responseTopic != nil else {
            self.deviceAliases.forwarded(header)
            self.remember(frame, header)
            return .forward(frame.bytes)
        }
        let edit = MQTTPublishEdit(
            // A topic that the packet leaves to an alias the broker knows is left to it.
            topic: isTopicWritten ? topic.topic : ByteBuffer(), prefix: self.topicPrefix.bytes,
            responseTopic: responseTopic.map { .replaced($0) } ?? .kept
        )
        switch Self.rewritten(frame, header, edit, byteCountMax: self.agreement.brokerPacketBytesMax) {
        case .parts(let parts):
            self.deviceAliases.forwarded(header)
            return .forwardParts(head: parts.head, payload: parts.payload)
        case .topicTooLong:
            return self.refusePublish(header, denial: "topic-too-long", reasonCode: .topicNameInvalid)
        case .packetTooLarge:
            return self.refusePublish(header, denial: Self.tooLargeForBroker, reasonCode: .quotaExceeded)
        case .failed:
            return .end(Self.encodingFailed)
        }
    }

    /// Devices mostly publish to the same topic again. One that takes turns among several would have each remembered for
    /// nothing: then only some are.
    private mutating func remember(_ frame: MQTTFrame, _ header: MQTTPublishHeader) {
        self.publishesDecoded &+= 1
        guard self.publishesDecoded % Self.decodedPerMemory == 1 else { return }
        self.granted = MQTTPublishPattern(frame, header, version: self.version)
    }

    /// The protocol's own answer to a PUBLISH that goes no further: MQTT 5.0 says so in PUBACK or PUBREC; 3.1.1 can only
    /// acknowledge and drop, or disconnect (MQTT-3.3.5-2). QoS 0 has no answer in either.
    private mutating func refusePublish(
        _ header: MQTTPublishHeader, denial: String, reasonCode: MQTTReasonCode
    ) -> Outcome {
        if self.version == .v3_1_1 {
            switch self.limits.onDeniedPublish {
            case .acknowledge: break
            case .disconnect:
                return .end(
                    SessionEnd(
                        .publishDenied, .device, answer: .notAuthorized, denial: denial,
                        "the profile refuses the PUBLISH: \(denial)"
                    )
                )
            }
        }
        let reason: MQTTReasonCode = self.version == .v5 ? reasonCode : .success
        guard let identifier = header.packetIdentifier else { return self.absorb(nil, denial: denial) }
        // Answered by the gateway, and so over or, under 3.1.1, the gateway's own affair.
        self.publishesUnderWay.ended(identifier)
        let acknowledgement = MQTTAcknowledgement(packetIdentifier: identifier, reasonCode: reason)
        switch header.qos {
        case .atMostOnce:
            return self.absorb(nil, denial: denial)
        case .atLeastOnce:
            return self.absorb(.puback(acknowledgement), denial: denial)
        case .exactlyOnce:
            // A failing PUBREC ends the exchange (MQTT 5.0, section 4.3.3); a succeeding one goes on to PUBREL.
            if !reason.isError, !self.refusedFromDevice.began(identifier) {
                return .end(Self.exchangesExceeded(.device))
            }
            return self.absorb(.pubrec(acknowledgement), denial: denial)
        }
    }

    mutating func releaseFromDevice(_ frame: MQTTFrame) -> Outcome {
        guard let identifier = frame.packetIdentifier, self.refusedFromDevice.released(identifier) else {
            return self.passing(frame)
        }
        return self.absorb(.pubcomp(MQTTAcknowledgement(packetIdentifier: identifier)), denial: nil)
    }

    func disconnectFromDevice(_ frame: MQTTFrame) -> Outcome {
        switch self.decodedFromDevice(frame) {
        case .success(.disconnect(var packet)):
            let secondsMax = self.limits.sessionExpirySecondsMax
            guard let wished = packet.properties.sessionExpiryInterval, wished > secondsMax else {
                return .forwardAndEnd(frame.bytes, .deviceDisconnected())
            }
            // DISCONNECT may prolong the session (MQTT 5.0, section 3.14.2.2.2), but not beyond the profile.
            packet.properties.set(.sessionExpiryInterval(secondsMax))
            guard let bytes = self.encoded(.disconnect(packet)) else { return .end(Self.encodingFailed) }
            return .forwardAndEnd(bytes, .deviceDisconnected())
        case .success: return .end(.unexpectedPacket(frame.type))
        case .failure(let error): return .end(SessionEnd(deviceError: error))
        }
    }

    /// A packet that is checked for its form and passes as it is.
    func passing(_ frame: MQTTFrame) -> Outcome {
        switch self.decodedFromDevice(frame) {
        case .success: .forward(frame.bytes)
        case .failure(let error): .end(SessionEnd(deviceError: error))
        }
    }
}

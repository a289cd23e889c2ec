internal import FleetPolicy
internal import MQTTCodec
internal import NIOCore

/// The broker's answer to an admitted CONNECT.
extension ConnectAdmission {
    /// What becomes of a CONNACK that accepts.
    struct Acceptance {
        /// For the device: with the gateway's own limits and decisions in it.
        let connack: MQTTConnack
        /// What holds for the session from here on.
        let agreement: SessionAgreement
    }

    /// Makes the broker's accepting CONNACK the device's.
    ///
    /// - Parameter connack: a CONNACK with a reason code that is no error.
    /// - Throws: `packet-too-large` where what the device must be told does not fit the packets it takes
    ///   (MQTT-3.1.2-24). The broker holds a session then, which its own DISCONNECT has to end.
    func accepted(_ connack: MQTTConnack, limits: GatewayLimits) throws(SessionEnd) -> Acceptance {
        var agreement = SessionAgreement(version: self.version)
        agreement.will = self.will
        agreement.isResumed = connack.sessionPresent
        guard self.version == .v5 else { return Acceptance(connack: connack, agreement: agreement) }

        let deviceAliasMax = min(connack.properties.topicAliasMaximum ?? 0, limits.topicAliasMax)
        let receiveMaximum = Self.receiveMaximum(connack.properties.receiveMaximum, self.terms.limits)
        agreement.deviceAliasMax = deviceAliasMax
        agreement.brokerAliasMax = self.deviceTopicAliasMax
        agreement.deviceReceiveMaximum = receiveMaximum
        if let bytesMax = self.devicePacketBytesMax { agreement.devicePacketBytesMax = Int(clamping: bytesMax) }
        if let bytesMax = connack.properties.maximumPacketSize {
            agreement.brokerPacketBytesMax = Int(clamping: bytesMax)
        }

        var answer = connack
        if let identifier = self.assignedClientIdentifier {
            answer.properties.set(.assignedClientIdentifier(identifier))
        }
        // The broker's own wish for a keep-alive wins: it is the broker that closes when it is not kept.
        if let keepAlive = self.serverKeepAlive, connack.properties.serverKeepAlive == nil {
            answer.properties.set(.serverKeepAlive(keepAlive))
        }
        if let interval = self.sessionExpiryInterval, connack.properties.sessionExpiryInterval == nil {
            answer.properties.set(.sessionExpiryInterval(interval))
        }
        let packetBytesMax = min(
            connack.properties.maximumPacketSize ?? .max,
            UInt32(clamping: min(limits.packetBytesMax, self.terms.limits.packetBytesMax))
        )
        answer.properties.set(.maximumPacketSize(packetBytesMax))
        answer.properties.set(.receiveMaximum(receiveMaximum))
        answer.properties.removeAll(like: .topicAliasMaximum(0))
        if deviceAliasMax > 0 { answer.properties.set(.topicAliasMaximum(deviceAliasMax)) }
        self.unprefixResponseInformation(&answer.properties)
        return Acceptance(connack: try self.fitted(answer, agreement), agreement: agreement)
    }

    /// Response Information is the beginning of a topic, for the device to use (MQTT 5.0, section 3.2.2.3.15): it loses
    /// the prefix too, or goes where the device could not reach it.
    private func unprefixResponseInformation(_ properties: inout MQTTProperties) {
        guard !self.terms.topicPrefix.isEmpty, let information = properties.responseInformation else { return }
        let name = self.terms.topicPrefix.removed(from: ByteBuffer(string: information))
        if let name {
            properties.set(.responseInformation(String(buffer: name)))
        } else {
            properties.removeAll(like: .responseInformation(""))
        }
    }

    /// Leaves out what is for people alone where the packet would be longer than the device takes (MQTT-3.2.2-19,
    /// MQTT-3.2.2-20).
    private func fitted(_ connack: MQTTConnack, _ agreement: SessionAgreement) throws(SessionEnd) -> MQTTConnack {
        if Self.byteCount(of: connack) <= agreement.devicePacketBytesMax { return connack }
        var bare = connack
        bare.properties.removeAll(like: .reasonString(""))
        bare.properties.removeAll(like: .userProperty(name: "", value: ""))
        guard Self.byteCount(of: bare) <= agreement.devicePacketBytesMax else {
            throw SessionEnd(
                .packetTooLarge, .device, answer: .packetTooLarge,
                "what CONNACK has to say does not fit the packets that the device takes"
            )
        }
        return bare
    }

    private static func byteCount(of connack: MQTTConnack) -> Int {
        var buffer = ByteBuffer()
        // What does not encode is found by whoever sends it.
        try? MQTTPacket.connack(connack).encode(into: &buffer, version: .v5)
        return buffer.readableBytes
    }
}

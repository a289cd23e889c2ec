internal import FleetPolicy
internal import MQTTCodec

/// What CONNECT and CONNACK have settled between the device, the gateway and the broker: it holds until the connection
/// ends, whatever new profiles say.
struct SessionAgreement: Sendable {
    /// The will that the broker holds for the device, in the device's own view, as far as a grant is asked about it.
    struct Will: Sendable {
        let topic: String
        let qos: MQTTQoS
        let retain: Bool

        func isPermitted(by grant: DeviceGrant) -> Bool {
            let verdict = grant.permitsWill(topic: self.topic.utf8.span, qos: self.qos.rawValue, retain: self.retain)
            return verdict == .granted
        }
    }

    let version: MQTTProtocolVersion
    var will: Will?
    /// The highest topic alias the device may set; 0 under MQTT 3.1.1.
    var deviceAliasMax: UInt16 = 0
    /// The highest topic alias the broker may set.
    var brokerAliasMax: UInt16 = 0
    /// Bytes of the longest packet the device takes.
    var devicePacketBytesMax = MQTTLimits.packetBytesAbsoluteMax
    /// Bytes of the longest packet the broker takes.
    var brokerPacketBytesMax = MQTTLimits.packetBytesAbsoluteMax
    /// PUBLISH packets of QoS 1 and 2 that the device may have under way; nil under MQTT 3.1.1, which has no word for
    /// it: a device of that version cannot know a limit, and so it is not held to one.
    var deviceReceiveMaximum: UInt16?
    /// Whether the broker goes on with a session it had, and with subscriptions that the gateway has not seen.
    var isResumed = false

    init(version: MQTTProtocolVersion) {
        self.version = version
    }
}

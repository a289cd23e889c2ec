/// What a packet's meaning depends on besides its bytes.
struct MQTTDecodingContext {
    var version: MQTTProtocolVersion
    var limits: MQTTLimits
    var sender: MQTTSender
}

extension MQTTBodyReader {
    /// The properties under MQTT 5.0; none, and nothing read, under MQTT 3.1.1.
    mutating func readProperties(
        _ place: MQTTPropertyContext, _ context: MQTTDecodingContext
    ) throws(MQTTProtocolError) -> MQTTProperties {
        guard context.version == .v5 else { return MQTTProperties() }
        return try readProperties(place, sender: context.sender, limits: context.limits)
    }

    /// A reason code that packets of `type` may carry.
    mutating func readReasonCode(
        of type: MQTTPacketType, from sender: MQTTSender
    ) throws(MQTTProtocolError) -> MQTTReasonCode {
        let reasonCode = MQTTReasonCode(rawValue: try readByte())
        guard reasonCode.isValid(in: type, from: sender) else {
            throw .violation(.badReasonCode, "section 2.4", "a reason code is not one of this packet's")
        }
        return reasonCode
    }
}

import NIOCore

/// PUBACK, PUBREC, PUBREL and PUBCOMP, which have one form (sections 3.4 to 3.7).
public struct MQTTAcknowledgement: Sendable, Hashable {
    /// Not 0.
    public var packetIdentifier: UInt16
    /// Always success under MQTT 3.1.1, which has no place for it.
    public var reasonCode: MQTTReasonCode
    /// Empty under MQTT 3.1.1.
    public var properties: MQTTProperties

    public init(
        packetIdentifier: UInt16, reasonCode: MQTTReasonCode = .success, properties: MQTTProperties = MQTTProperties()
    ) {
        self.packetIdentifier = packetIdentifier
        self.reasonCode = reasonCode
        self.properties = properties
    }
}

extension MQTTAcknowledgement {
    init(
        _ reader: inout MQTTBodyReader, of type: MQTTPacketType, _ place: MQTTPropertyContext,
        _ context: MQTTDecodingContext
    ) throws(MQTTProtocolError) {
        packetIdentifier = try reader.readPacketIdentifier()
        reasonCode = .success
        properties = MQTTProperties()
        // Under MQTT 5.0 the properties, and the reason code before them, may be left out when they say nothing.
        guard context.version == .v5, !reader.isAtEnd else { return }
        reasonCode = try reader.readReasonCode(of: type, from: context.sender)
        guard !reader.isAtEnd else { return }
        properties = try reader.readProperties(place, context)
    }

    func add(
        to size: inout MQTTBodySize, of type: MQTTPacketType, _ place: MQTTPropertyContext,
        version: MQTTProtocolVersion
    ) throws(MQTTEncodingError) {
        guard reasonCode.isValid(in: type) else {
            throw MQTTEncodingError(.badReasonCode, "\(type) cannot carry this reason code")
        }
        // Leaving an error out would turn it into success.
        guard version == .v5 || !reasonCode.isError else {
            throw MQTTEncodingError(.requiresVersion5, "MQTT 3.1.1 cannot say that \(type) is a refusal")
        }
        try size.addPacketIdentifier(packetIdentifier)
        if hasReasonCode(version) { size.add(1) }
        if hasProperties(version) || version == .v3_1_1 {
            try size.addProperties(properties, place, version: version)
        }
    }

    func write(to buffer: inout ByteBuffer, version: MQTTProtocolVersion) {
        buffer.writeInteger(packetIdentifier)
        if hasReasonCode(version) { buffer.writeInteger(reasonCode.rawValue) }
        if hasProperties(version) { buffer.writeMQTTProperties(properties, version: version) }
    }

    private func hasReasonCode(_ version: MQTTProtocolVersion) -> Bool {
        version == .v5 && (reasonCode != .success || !properties.isEmpty)
    }

    private func hasProperties(_ version: MQTTProtocolVersion) -> Bool {
        version == .v5 && !properties.isEmpty
    }
}

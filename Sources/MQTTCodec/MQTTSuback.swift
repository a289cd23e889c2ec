import NIOCore

/// The server's answer to SUBSCRIBE (section 3.9).
public struct MQTTSuback: Sendable, Hashable {
    /// The SUBSCRIBE's; not 0.
    public var packetIdentifier: UInt16
    /// One for each topic filter, in its order. MQTT 3.1.1 has one failure, 0x80, and every other is written as that.
    public var reasonCodes: [MQTTReasonCode]
    /// Empty under MQTT 3.1.1.
    public var properties: MQTTProperties

    public init(
        packetIdentifier: UInt16, reasonCodes: [MQTTReasonCode], properties: MQTTProperties = MQTTProperties()
    ) {
        self.packetIdentifier = packetIdentifier
        self.reasonCodes = reasonCodes
        self.properties = properties
    }
}

extension MQTTSuback {
    init(_ reader: inout MQTTBodyReader, _ context: MQTTDecodingContext) throws(MQTTProtocolError) {
        packetIdentifier = try reader.readPacketIdentifier()
        properties = try reader.readProperties(.suback, context)
        guard !reader.isAtEnd else {
            throw .violation(.emptyPayload, "section 3.9.3", "SUBACK has no reason code")
        }
        reasonCodes = []
        reasonCodes.reserveCapacity(reader.remaining)
        while !reader.isAtEnd {
            let reasonCode = try reader.readReasonCode(of: .suback, from: context.sender)
            guard context.version == .v5 || reasonCode.rawValue <= 2 || reasonCode == .unspecifiedError else {
                throw .violation(
                    .badReasonCode, "MQTT-3.9.3-2 (MQTT 3.1.1)", "a SUBACK return code is reserved")
            }
            reasonCodes.append(reasonCode)
        }
    }

    func add(to size: inout MQTTBodySize, version: MQTTProtocolVersion) throws(MQTTEncodingError) {
        try size.addPacketIdentifier(packetIdentifier)
        try size.addProperties(properties, .suback, version: version)
        guard !reasonCodes.isEmpty else {
            throw MQTTEncodingError(.emptyPayload, "SUBACK needs a reason code")
        }
        guard reasonCodes.allSatisfy({ $0.isValid(in: .suback) }) else {
            throw MQTTEncodingError(.badReasonCode, "SUBACK cannot carry this reason code")
        }
        size.add(reasonCodes.count)
    }

    func write(to buffer: inout ByteBuffer, version: MQTTProtocolVersion) {
        buffer.writeInteger(packetIdentifier)
        buffer.writeMQTTProperties(properties, version: version)
        for reasonCode in reasonCodes {
            let isFailure311 = version == .v3_1_1 && reasonCode.isError
            buffer.writeInteger(isFailure311 ? MQTTReasonCode.unspecifiedError.rawValue : reasonCode.rawValue)
        }
    }
}

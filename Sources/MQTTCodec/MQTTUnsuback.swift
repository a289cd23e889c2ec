import NIOCore

/// The server's answer to UNSUBSCRIBE (section 3.11).
public struct MQTTUnsuback: Sendable, Hashable {
    /// The UNSUBSCRIBE's; not 0.
    public var packetIdentifier: UInt16
    /// One for each topic filter, in its order. MQTT 3.1.1 has none: there they are read as none, and successes are
    /// left out when written.
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

extension MQTTUnsuback {
    init(_ reader: inout MQTTBodyReader, _ context: MQTTDecodingContext) throws(MQTTProtocolError) {
        packetIdentifier = try reader.readPacketIdentifier()
        properties = try reader.readProperties(.unsuback, context)
        reasonCodes = []
        guard context.version == .v5 else { return }
        guard !reader.isAtEnd else {
            throw .violation(.emptyPayload, "section 3.11.3", "UNSUBACK has no reason code")
        }
        reasonCodes.reserveCapacity(reader.remaining)
        while !reader.isAtEnd {
            reasonCodes.append(try reader.readReasonCode(of: .unsuback, from: context.sender))
        }
    }

    func add(to size: inout MQTTBodySize, version: MQTTProtocolVersion) throws(MQTTEncodingError) {
        try size.addPacketIdentifier(packetIdentifier)
        try size.addProperties(properties, .unsuback, version: version)
        guard reasonCodes.allSatisfy({ $0.isValid(in: .unsuback) }) else {
            throw MQTTEncodingError(.badReasonCode, "UNSUBACK cannot carry this reason code")
        }
        switch version {
        case .v5:
            guard !reasonCodes.isEmpty else {
                throw MQTTEncodingError(.emptyPayload, "UNSUBACK needs a reason code")
            }
            size.add(reasonCodes.count)
        case .v3_1_1:
            // Leaving an error out would turn it into success.
            guard !reasonCodes.contains(where: \.isError) else {
                throw MQTTEncodingError(.requiresVersion5, "MQTT 3.1.1 cannot say that UNSUBACK is a refusal")
            }
        }
    }

    func write(to buffer: inout ByteBuffer, version: MQTTProtocolVersion) {
        buffer.writeInteger(packetIdentifier)
        guard version == .v5 else { return }
        buffer.writeMQTTProperties(properties, version: version)
        for reasonCode in reasonCodes {
            buffer.writeInteger(reasonCode.rawValue)
        }
    }
}

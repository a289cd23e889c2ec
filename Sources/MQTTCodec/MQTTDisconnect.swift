import NIOCore

/// The last packet of a connection: from the client, and under MQTT 5.0 also from the server (section 3.14).
public struct MQTTDisconnect: Sendable, Hashable {
    /// Always normal disconnection under MQTT 3.1.1, which has no place for it.
    public var reasonCode: MQTTReasonCode
    /// Empty under MQTT 3.1.1.
    public var properties: MQTTProperties

    public init(reasonCode: MQTTReasonCode = .normalDisconnection, properties: MQTTProperties = MQTTProperties()) {
        self.reasonCode = reasonCode
        self.properties = properties
    }
}

extension MQTTDisconnect {
    init(_ reader: inout MQTTBodyReader, _ context: MQTTDecodingContext) throws(MQTTProtocolError) {
        reasonCode = .normalDisconnection
        properties = MQTTProperties()
        // Under MQTT 5.0 the properties, and the reason code before them, may be left out when they say nothing.
        guard context.version == .v5, !reader.isAtEnd else { return }
        reasonCode = try reader.readReasonCode(of: .disconnect, from: context.sender)
        guard !reader.isAtEnd else { return }
        properties = try reader.readProperties(.disconnect, context)
    }

    func add(to size: inout MQTTBodySize, version: MQTTProtocolVersion) throws(MQTTEncodingError) {
        guard reasonCode.isValid(in: .disconnect) else {
            throw MQTTEncodingError(.badReasonCode, "DISCONNECT cannot carry this reason code")
        }
        guard version == .v5 || reasonCode == .normalDisconnection else {
            throw MQTTEncodingError(.requiresVersion5, "MQTT 3.1.1 has no reason code in DISCONNECT")
        }
        if hasReasonCode { size.add(1) }
        if !properties.isEmpty {
            try size.addProperties(properties, .disconnect, version: version)
        }
    }

    func write(to buffer: inout ByteBuffer, version: MQTTProtocolVersion) {
        if hasReasonCode { buffer.writeInteger(reasonCode.rawValue) }
        if !properties.isEmpty { buffer.writeMQTTProperties(properties, version: version) }
    }

    private var hasReasonCode: Bool {
        reasonCode != .normalDisconnection || !properties.isEmpty
    }
}

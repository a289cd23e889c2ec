import NIOCore

/// A step of an enhanced authentication, in either direction, MQTT 5.0 only (section 3.15).
public struct MQTTAuth: Sendable, Hashable {
    public var reasonCode: MQTTReasonCode
    /// With an authentication method, except in the shortest form: success and no properties.
    public var properties: MQTTProperties

    public init(reasonCode: MQTTReasonCode, properties: MQTTProperties = MQTTProperties()) {
        self.reasonCode = reasonCode
        self.properties = properties
    }
}

extension MQTTAuth {
    init(_ reader: inout MQTTBodyReader, _ context: MQTTDecodingContext) throws(MQTTProtocolError) {
        guard context.version == .v5 else {
            throw .malformed(.badPacketType, "section 2.2.1 (MQTT 3.1.1)", "packet type 15 is reserved in MQTT 3.1.1")
        }
        reasonCode = .success
        properties = MQTTProperties()
        guard !reader.isAtEnd else {
            guard reasonCode.isValid(in: .auth, from: context.sender) else {
                throw .violation(.badReasonCode, "section 3.15.2.1", "a client's AUTH says success")
            }
            return
        }
        reasonCode = try reader.readReasonCode(of: .auth, from: context.sender)
        properties = try reader.readProperties(.auth, context)
        guard properties.authenticationMethod != nil else {
            throw .violation(.badAuthentication, "section 3.15.2.2.2", "AUTH has no authentication method")
        }
    }

    func add(to size: inout MQTTBodySize, version: MQTTProtocolVersion) throws(MQTTEncodingError) {
        guard version == .v5 else {
            throw MQTTEncodingError(.requiresVersion5, "MQTT 3.1.1 has no AUTH")
        }
        guard reasonCode.isValid(in: .auth) else {
            throw MQTTEncodingError(.badReasonCode, "AUTH cannot carry this reason code")
        }
        if isShortest { return }
        guard properties.authenticationMethod != nil else {
            throw MQTTEncodingError(.badAuthentication, "AUTH needs an authentication method")
        }
        size.add(1)
        try size.addProperties(properties, .auth, version: version)
    }

    func write(to buffer: inout ByteBuffer) {
        if isShortest { return }
        buffer.writeInteger(reasonCode.rawValue)
        buffer.writeMQTTProperties(properties, version: .v5)
    }

    private var isShortest: Bool { reasonCode == .success && properties.isEmpty }
}

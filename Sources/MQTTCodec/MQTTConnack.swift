import NIOCore

/// The server's answer to CONNECT (section 3.2).
public struct MQTTConnack: Sendable, Hashable {
    /// Whether the server goes on with a session it had. Only with success.
    public var sessionPresent: Bool
    /// Under MQTT 3.1.1, the code with the meaning of the return code (``MQTTConnectReturnCode``).
    public var reasonCode: MQTTReasonCode
    /// Empty under MQTT 3.1.1.
    public var properties: MQTTProperties

    public init(
        sessionPresent: Bool = false, reasonCode: MQTTReasonCode, properties: MQTTProperties = MQTTProperties()
    ) {
        self.sessionPresent = sessionPresent
        self.reasonCode = reasonCode
        self.properties = properties
    }
}

extension MQTTConnack {
    init(_ reader: inout MQTTBodyReader, _ context: MQTTDecodingContext) throws(MQTTProtocolError) {
        let flags = try reader.readByte()
        guard flags & 0b1111_1110 == 0 else {
            throw .malformed(.reservedBits, "MQTT-3.2.2-1", "a reserved bit of the acknowledge flags is set")
        }
        sessionPresent = flags == 1
        // A server that knows only MQTT 3.1.1 refuses an MQTT 5.0 CONNECT in its own, shorter form.
        let isShortForm = context.version == .v3_1_1 || reader.remaining == 1
        if isShortForm {
            guard let returnCode = MQTTConnectReturnCode(rawValue: try reader.readByte()) else {
                throw .violation(.badReasonCode, "section 3.2.2.3 (MQTT 3.1.1)", "a return code is reserved")
            }
            guard context.version == .v3_1_1 || returnCode == .unacceptableProtocolVersion else {
                throw .malformed(.truncatedPacket, "section 3.2.2.3", "CONNACK has no properties")
            }
            reasonCode = returnCode.reasonCode
            properties = MQTTProperties()
        } else {
            reasonCode = try reader.readReasonCode(of: .connack, from: context.sender)
            properties = try reader.readProperties(.connack, context)
        }
        guard !sessionPresent || reasonCode == .success else {
            throw .violation(.badReasonCode, "MQTT-3.2.2-6", "session present with a refusal")
        }
    }

    func add(to size: inout MQTTBodySize, version: MQTTProtocolVersion) throws(MQTTEncodingError) {
        guard !sessionPresent || reasonCode == .success else {
            throw MQTTEncodingError(.badReasonCode, "session present with a refusal")
        }
        let isValid =
            switch version {
            case .v5: reasonCode.isValid(in: .connack)
            case .v3_1_1: MQTTConnectReturnCode(reasonCode) != nil
            }
        guard isValid else {
            throw MQTTEncodingError(.badReasonCode, "CONNACK cannot carry this reason code")
        }
        size.add(2)
        try size.addProperties(properties, .connack, version: version)
    }

    func write(to buffer: inout ByteBuffer, version: MQTTProtocolVersion) {
        buffer.writeInteger(sessionPresent ? 1 : 0, as: UInt8.self)
        switch version {
        case .v5:
            buffer.writeInteger(reasonCode.rawValue)
        case .v3_1_1:
            let returnCode = MQTTConnectReturnCode(reasonCode) ?? .serverUnavailable
            buffer.writeInteger(returnCode.rawValue)
        }
        buffer.writeMQTTProperties(properties, version: version)
    }
}

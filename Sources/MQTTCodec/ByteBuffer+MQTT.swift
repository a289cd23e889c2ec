import NIOCore

/// Writes fields that ``MQTTBodySize`` has already accepted.
extension ByteBuffer {
    mutating func writeMQTTText(_ text: String) {
        writeInteger(UInt16(truncatingIfNeeded: text.utf8.count))
        writeString(text)
    }

    mutating func writeMQTTData(_ data: ByteBuffer) {
        writeInteger(UInt16(truncatingIfNeeded: data.readableBytes))
        writeImmutableBuffer(data)
    }

    /// The properties and their length under MQTT 5.0, nothing under MQTT 3.1.1.
    mutating func writeMQTTProperties(_ properties: MQTTProperties, version: MQTTProtocolVersion) {
        guard version == .v5 else { return }
        MQTTVariableByteInteger.write(properties.byteCount, to: &self)
        for property in properties {
            writeInteger(property.identifier.rawValue)
            switch property.wireValue {
            case .byte(let value): writeInteger(value)
            case .twoBytes(let value): writeInteger(value)
            case .fourBytes(let value): writeInteger(value)
            case .variable(let value): MQTTVariableByteInteger.write(Int(value), to: &self)
            case .text(let text): writeMQTTText(text)
            case .data(let data): writeMQTTData(data)
            case .pair(let name, let value):
                writeMQTTText(name)
                writeMQTTText(value)
            }
        }
    }

    /// The fixed header (section 2.1).
    mutating func writeMQTTFixedHeader(_ type: MQTTPacketType, flags: UInt8, remainingLength: Int) {
        writeInteger(type.rawValue << 4 | flags)
        MQTTVariableByteInteger.write(remainingLength, to: &self)
    }
}

import NIOCore

/// Adds up the bytes of a packet's body and refuses what cannot be written, so that writing it afterwards cannot fail
/// and the buffer stays as it was when it does. Each `add` has a `write` of the same shape in `ByteBuffer+MQTT.swift`.
struct MQTTBodySize {
    private(set) var byteCount = 0

    mutating func add(_ count: Int) {
        byteCount += count
    }

    mutating func addText(_ text: String) throws(MQTTEncodingError) {
        let utf8 = text.utf8
        guard utf8.count <= MQTTLimits.fieldBytesAbsoluteMax else {
            throw MQTTEncodingError(.fieldTooLong, "a string is longer than 65,535 bytes")
        }
        guard !utf8.contains(0) else {
            throw MQTTEncodingError(.nullCharacter, "a string holds U+0000")
        }
        add(2 + utf8.count)
    }

    mutating func addTopic(_ topic: String, allowsEmpty: Bool) throws(MQTTEncodingError) {
        try addText(topic)
        guard (allowsEmpty && topic.isEmpty) || MQTTTopic.isWildcardFreeName(topic.utf8.span) else {
            throw MQTTEncodingError(.badTopic, "a topic name is empty or holds a wildcard")
        }
    }

    mutating func addFilter(_ filter: String) throws(MQTTEncodingError) {
        try addText(filter)
        if let violation = MQTTTopic.filterViolation(filter.utf8.span) {
            throw MQTTEncodingError(.badFilter, "\(violation.detail)")
        }
    }

    mutating func addData(_ data: ByteBuffer) throws(MQTTEncodingError) {
        guard data.readableBytes <= MQTTLimits.fieldBytesAbsoluteMax else {
            throw MQTTEncodingError(.fieldTooLong, "a binary field is longer than 65,535 bytes")
        }
        add(2 + data.readableBytes)
    }

    mutating func addPacketIdentifier(_ identifier: UInt16) throws(MQTTEncodingError) {
        guard identifier != 0 else {
            throw MQTTEncodingError(.badPacketIdentifier, "the packet identifier is zero")
        }
        add(2)
    }

    /// The properties and their length under MQTT 5.0; under MQTT 3.1.1 there must be none.
    mutating func addProperties(
        _ properties: MQTTProperties, _ context: MQTTPropertyContext, version: MQTTProtocolVersion
    ) throws(MQTTEncodingError) {
        guard version == .v5 else {
            guard properties.isEmpty else {
                throw MQTTEncodingError(.requiresVersion5, "MQTT 3.1.1 has no properties")
            }
            return
        }
        let count = try properties.checkedByteCount(in: context)
        guard count <= MQTTVariableByteInteger.valueMax else {
            throw MQTTEncodingError(.packetTooLarge, "the properties are longer than 268,435,455 bytes")
        }
        add(MQTTVariableByteInteger.byteCount(of: count) + count)
    }
}

extension MQTTProperties {
    /// Bytes of all properties, without their length; throws if one may not be in `context`.
    fileprivate func checkedByteCount(in context: MQTTPropertyContext) throws(MQTTEncodingError) -> Int {
        var size = MQTTBodySize()
        var seen: UInt64 = 0
        for property in self {
            let identifier = property.identifier
            let bit: UInt64 = 1 << UInt64(identifier.rawValue)
            guard identifier.isAllowed(in: context, from: .either) else {
                throw MQTTEncodingError(.badProperty, "\(identifier) is not one of this packet's properties")
            }
            guard seen & bit == 0 || identifier.isRepeatable(in: context) else {
                throw MQTTEncodingError(.duplicateProperty, "\(identifier) is given more than once")
            }
            seen |= bit
            try size.addProperty(property)
        }
        return size.byteCount
    }

    /// Bytes of all properties, without their length. Equal to what ``checkedByteCount(in:)`` found.
    var byteCount: Int {
        reduce(0) { $0 + $1.byteCount }
    }
}

extension MQTTProperty {
    /// Bytes on the wire, identifier included.
    fileprivate var byteCount: Int {
        switch wireValue {
        case .byte: return 2
        case .twoBytes: return 3
        case .fourBytes: return 5
        case .variable(let value): return 1 + MQTTVariableByteInteger.byteCount(of: Int(value))
        case .text(let text): return 3 + text.utf8.count
        case .data(let data): return 3 + data.readableBytes
        case .pair(let name, let value): return 5 + name.utf8.count + value.utf8.count
        }
    }
}

extension MQTTBodySize {
    fileprivate mutating func addProperty(_ property: MQTTProperty) throws(MQTTEncodingError) {
        let identifier = property.identifier
        var number: UInt32 = 0
        add(1)
        switch property.wireValue {
        case .byte(let value):
            number = UInt32(value)
            add(1)
        case .twoBytes(let value):
            number = UInt32(value)
            add(2)
        case .fourBytes(let value):
            number = value
            add(4)
        case .variable(let value):
            number = value
            guard value <= UInt32(MQTTVariableByteInteger.valueMax) else {
                throw MQTTEncodingError(.badProperty, "\(identifier) is outside its range")
            }
            add(MQTTVariableByteInteger.byteCount(of: Int(value)))
        case .text(let text) where identifier == .responseTopic:
            try addTopic(text, allowsEmpty: false)
        case .text(let text):
            try addText(text)
        case .data(let data):
            try addData(data)
        case .pair(let name, let value):
            try addText(name)
            try addText(value)
        }
        guard identifier.acceptsValue(number) else {
            throw MQTTEncodingError(.badProperty, "\(identifier) is outside its range")
        }
    }
}

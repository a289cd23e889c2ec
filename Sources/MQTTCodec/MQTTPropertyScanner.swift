import NIOCore

/// One property as it lies in the packet: checked, nothing copied. Ranges are places of a ``MQTTBodyReader``.
struct MQTTScannedProperty {
    var identifier: MQTTPropertyIdentifier
    /// The value of a numeric property, otherwise 0.
    var number: UInt32 = 0
    /// Text, data, or the name of a User Property.
    var first: Range<Int> = 0..<0
    /// The value of a User Property.
    var second: Range<Int> = 0..<0
}

/// Walks the properties of one packet or will and refuses every one that does not belong there. The full decode and
/// the publish header both go through here, so that they cannot disagree.
struct MQTTPropertyScanner {
    private let context: MQTTPropertyContext
    private let sender: MQTTSender
    private let limits: MQTTLimits
    /// One bit for each identifier seen: the largest identifier is 0x2A.
    private var seen: UInt64 = 0
    private var userProperties = 0
    private var subscriptionIdentifiers = 0

    init(context: MQTTPropertyContext, sender: MQTTSender, limits: MQTTLimits) {
        self.context = context
        self.sender = sender
        self.limits = limits
    }

    /// The next property; nil at the end of what `reader` may read.
    mutating func next(_ reader: inout MQTTBodyReader) throws(MQTTProtocolError) -> MQTTScannedProperty? {
        if reader.isAtEnd { return nil }
        // The identifier is a variable byte integer, but none above 0x7F is defined, so the first byte tells.
        guard let identifier = MQTTPropertyIdentifier(rawValue: try reader.readByte()) else {
            throw .malformed(.badProperty, "section 2.2.2.2", "there is no such property")
        }
        guard identifier.isAllowed(in: context, from: sender) else {
            throw .malformed(.badProperty, "section 2.2.2.2", "a property is not one of this packet's")
        }
        try count(identifier)
        return try readValue(identifier, &reader)
    }

    private mutating func count(_ identifier: MQTTPropertyIdentifier) throws(MQTTProtocolError) {
        let bit: UInt64 = 1 << UInt64(identifier.rawValue)
        guard seen & bit == 0 || identifier.isRepeatable(in: context) else {
            throw .violation(.duplicateProperty, "section 2.2.2.2", "a property is given more than once")
        }
        seen |= bit
        if identifier == .userProperty {
            userProperties += 1
            guard userProperties <= limits.userPropertiesMax else {
                throw .overLimit("there are more than \(limits.userPropertiesMax) user properties")
            }
        } else if identifier == .subscriptionIdentifier {
            subscriptionIdentifiers += 1
            guard subscriptionIdentifiers <= limits.subscriptionIdentifiersMax else {
                throw .overLimit("there are more than \(limits.subscriptionIdentifiersMax) subscription identifiers")
            }
        }
    }

    private func readValue(
        _ identifier: MQTTPropertyIdentifier, _ reader: inout MQTTBodyReader
    ) throws(MQTTProtocolError) -> MQTTScannedProperty {
        var property = MQTTScannedProperty(identifier: identifier)
        switch identifier.dataType {
        case .byte:
            property.number = UInt32(try reader.readByte())
        case .twoBytes:
            property.number = UInt32(try reader.readUInt16())
        case .fourBytes:
            property.number = try reader.readUInt32()
        case .variable:
            property.number = UInt32(try reader.readVariableByteInteger())
        case .text:
            let isIdentifier = identifier == .assignedClientIdentifier
            property.first = try readText(
                &reader, isIdentifier ? limits.clientIdentifierBytesMax : limits.propertyStringBytesMax)
        case .topic:
            property.first = try reader.readTopicRange(limits: limits, allowsEmpty: false)
        case .data:
            property.first = try reader.readDataRange(
                bytesMax: limits.propertyDataBytesMax,
                orThrow: .overLimit("a binary property is longer than \(limits.propertyDataBytesMax) bytes"))
        case .pair:
            property.first = try readText(&reader, limits.propertyStringBytesMax)
            property.second = try readText(&reader, limits.propertyStringBytesMax)
        }
        guard identifier.acceptsValue(property.number) else {
            throw MQTTProtocolError(
                code: .badProperty, reasonCode: identifier == .topicAlias ? .topicAliasInvalid : .protocolError,
                clause: identifier == .topicAlias ? "MQTT-3.3.2-8" : "section 2.2.2.2",
                detail: "a property's value is outside its range")
        }
        return property
    }

    private func readText(
        _ reader: inout MQTTBodyReader, _ bytesMax: Int
    ) throws(MQTTProtocolError) -> Range<Int> {
        try reader.readTextRange(
            bytesMax: bytesMax, orThrow: .overLimit("a property is longer than \(bytesMax) bytes"))
    }
}

extension MQTTBodyReader {
    /// The length and the properties of one packet or will.
    mutating func readProperties(
        _ context: MQTTPropertyContext, sender: MQTTSender, limits: MQTTLimits
    ) throws(MQTTProtocolError) -> MQTTProperties {
        let count = try readVariableByteInteger()
        guard count > 0 else { return MQTTProperties() }
        return try limited(to: count) { (reader) throws(MQTTProtocolError) -> MQTTProperties in
            var scanner = MQTTPropertyScanner(context: context, sender: sender, limits: limits)
            var properties = MQTTProperties()
            while let scanned = try scanner.next(&reader) {
                properties.append(try reader.property(scanned))
            }
            return properties
        }
    }

    private func property(_ scanned: MQTTScannedProperty) throws(MQTTProtocolError) -> MQTTProperty {
        let number = scanned.number
        let flag = number == 1
        let short = UInt16(truncatingIfNeeded: number)
        switch scanned.identifier {
        case .payloadFormatIndicator: return .payloadFormatIndicator(isUTF8: flag)
        case .messageExpiryInterval: return .messageExpiryInterval(number)
        case .contentType: return .contentType(try text(scanned.first))
        case .responseTopic: return .responseTopic(try text(scanned.first))
        case .correlationData: return .correlationData(try slice(scanned.first))
        case .subscriptionIdentifier: return .subscriptionIdentifier(number)
        case .sessionExpiryInterval: return .sessionExpiryInterval(number)
        case .assignedClientIdentifier: return .assignedClientIdentifier(try text(scanned.first))
        case .serverKeepAlive: return .serverKeepAlive(short)
        case .authenticationMethod: return .authenticationMethod(try text(scanned.first))
        case .authenticationData: return .authenticationData(try slice(scanned.first))
        case .requestProblemInformation: return .requestProblemInformation(flag)
        case .willDelayInterval: return .willDelayInterval(number)
        case .requestResponseInformation: return .requestResponseInformation(flag)
        case .responseInformation: return .responseInformation(try text(scanned.first))
        case .serverReference: return .serverReference(try text(scanned.first))
        case .reasonString: return .reasonString(try text(scanned.first))
        case .receiveMaximum: return .receiveMaximum(short)
        case .topicAliasMaximum: return .topicAliasMaximum(short)
        case .topicAlias: return .topicAlias(short)
        case .maximumQoS: return .maximumQoS(flag ? .atLeastOnce : .atMostOnce)
        case .retainAvailable: return .retainAvailable(flag)
        case .userProperty:
            return .userProperty(name: try text(scanned.first), value: try text(scanned.second))
        case .maximumPacketSize: return .maximumPacketSize(number)
        case .wildcardSubscriptionAvailable: return .wildcardSubscriptionAvailable(flag)
        case .subscriptionIdentifierAvailable: return .subscriptionIdentifierAvailable(flag)
        case .sharedSubscriptionAvailable: return .sharedSubscriptionAvailable(flag)
        }
    }
}

public import NIOCore

/// One MQTT 5.0 property (section 2.2.2.2). Intervals are in seconds, sizes in bytes.
public enum MQTTProperty: Sendable, Hashable {
    /// Whether the sender says the payload is UTF-8 text. Nothing checks that it is.
    case payloadFormatIndicator(isUTF8: Bool)
    /// Seconds after which a message that was not delivered is dropped.
    case messageExpiryInterval(UInt32)
    case contentType(String)
    /// A topic name, without wildcards.
    case responseTopic(String)
    case correlationData(ByteBuffer)
    /// 1 to 268,435,455.
    case subscriptionIdentifier(UInt32)
    /// Seconds the session is kept after the connection; 0xFFFF_FFFF is for ever.
    case sessionExpiryInterval(UInt32)
    case assignedClientIdentifier(String)
    /// Seconds, replacing what the client asked for.
    case serverKeepAlive(UInt16)
    case authenticationMethod(String)
    /// May be a credential: descriptions leave the bytes out.
    case authenticationData(ByteBuffer)
    case requestProblemInformation(Bool)
    /// Seconds from the end of the connection to the will's publication.
    case willDelayInterval(UInt32)
    case requestResponseInformation(Bool)
    case responseInformation(String)
    case serverReference(String)
    case reasonString(String)
    /// QoS 1 and 2 messages in flight; not 0.
    case receiveMaximum(UInt16)
    case topicAliasMaximum(UInt16)
    /// Not 0.
    case topicAlias(UInt16)
    /// At most once or at least once.
    case maximumQoS(MQTTQoS)
    case retainAvailable(Bool)
    /// The order of these is kept, and the same name may come twice.
    case userProperty(name: String, value: String)
    /// Bytes of one packet; not 0.
    case maximumPacketSize(UInt32)
    case wildcardSubscriptionAvailable(Bool)
    case subscriptionIdentifierAvailable(Bool)
    case sharedSubscriptionAvailable(Bool)

    var identifier: MQTTPropertyIdentifier {
        switch self {
        case .payloadFormatIndicator: return .payloadFormatIndicator
        case .messageExpiryInterval: return .messageExpiryInterval
        case .contentType: return .contentType
        case .responseTopic: return .responseTopic
        case .correlationData: return .correlationData
        case .subscriptionIdentifier: return .subscriptionIdentifier
        case .sessionExpiryInterval: return .sessionExpiryInterval
        case .assignedClientIdentifier: return .assignedClientIdentifier
        case .serverKeepAlive: return .serverKeepAlive
        case .authenticationMethod: return .authenticationMethod
        case .authenticationData: return .authenticationData
        case .requestProblemInformation: return .requestProblemInformation
        case .willDelayInterval: return .willDelayInterval
        case .requestResponseInformation: return .requestResponseInformation
        case .responseInformation: return .responseInformation
        case .serverReference: return .serverReference
        case .reasonString: return .reasonString
        case .receiveMaximum: return .receiveMaximum
        case .topicAliasMaximum: return .topicAliasMaximum
        case .topicAlias: return .topicAlias
        case .maximumQoS: return .maximumQoS
        case .retainAvailable: return .retainAvailable
        case .userProperty: return .userProperty
        case .maximumPacketSize: return .maximumPacketSize
        case .wildcardSubscriptionAvailable: return .wildcardSubscriptionAvailable
        case .subscriptionIdentifierAvailable: return .subscriptionIdentifierAvailable
        case .sharedSubscriptionAvailable: return .sharedSubscriptionAvailable
        }
    }

    /// The payload as the wire carries it.
    enum WireValue {
        case byte(UInt8)
        case twoBytes(UInt16)
        case fourBytes(UInt32)
        case variable(UInt32)
        case text(String)
        case data(ByteBuffer)
        case pair(String, String)
    }

    var wireValue: WireValue {
        switch self {
        case .payloadFormatIndicator(let flag), .requestProblemInformation(let flag),
            .requestResponseInformation(let flag), .retainAvailable(let flag),
            .wildcardSubscriptionAvailable(let flag), .subscriptionIdentifierAvailable(let flag),
            .sharedSubscriptionAvailable(let flag):
            return .byte(flag ? 1 : 0)
        case .maximumQoS(let qos):
            return .byte(qos.rawValue)
        case .serverKeepAlive(let value), .receiveMaximum(let value), .topicAliasMaximum(let value),
            .topicAlias(let value):
            return .twoBytes(value)
        case .messageExpiryInterval(let value), .sessionExpiryInterval(let value), .willDelayInterval(let value),
            .maximumPacketSize(let value):
            return .fourBytes(value)
        case .subscriptionIdentifier(let value):
            return .variable(value)
        case .contentType(let text), .responseTopic(let text), .assignedClientIdentifier(let text),
            .authenticationMethod(let text), .responseInformation(let text), .serverReference(let text),
            .reasonString(let text):
            return .text(text)
        case .correlationData(let data), .authenticationData(let data):
            return .data(data)
        case .userProperty(let name, let value):
            return .pair(name, value)
        }
    }
}

extension MQTTProperty: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Name and value; of binary data only the size, because authentication data may be a credential.
    public var description: String {
        switch wireValue {
        case .byte(let value): return "\(identifier)(\(value))"
        case .twoBytes(let value): return "\(identifier)(\(value))"
        case .fourBytes(let value), .variable(let value): return "\(identifier)(\(value))"
        case .text(let text): return "\(identifier)(\(text.debugDescription))"
        case .data(let data): return "\(identifier)(\(data.readableBytes) bytes)"
        case .pair(let name, let value): return "\(identifier)(\(name.debugDescription), \(value.debugDescription))"
        }
    }

    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(reflecting: description) }
}

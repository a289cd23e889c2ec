/// Where a property may appear (table of section 2.2.2.2). The will has a set of its own inside CONNECT.
struct MQTTPropertyContext: OptionSet, Sendable {
    let rawValue: UInt16

    static let connect = MQTTPropertyContext(rawValue: 1 << 0)
    static let will = MQTTPropertyContext(rawValue: 1 << 1)
    static let connack = MQTTPropertyContext(rawValue: 1 << 2)
    static let publish = MQTTPropertyContext(rawValue: 1 << 3)
    static let puback = MQTTPropertyContext(rawValue: 1 << 4)
    static let pubrec = MQTTPropertyContext(rawValue: 1 << 5)
    static let pubrel = MQTTPropertyContext(rawValue: 1 << 6)
    static let pubcomp = MQTTPropertyContext(rawValue: 1 << 7)
    static let subscribe = MQTTPropertyContext(rawValue: 1 << 8)
    static let suback = MQTTPropertyContext(rawValue: 1 << 9)
    static let unsubscribe = MQTTPropertyContext(rawValue: 1 << 10)
    static let unsuback = MQTTPropertyContext(rawValue: 1 << 11)
    static let disconnect = MQTTPropertyContext(rawValue: 1 << 12)
    static let auth = MQTTPropertyContext(rawValue: 1 << 13)

    static let acknowledgements: MQTTPropertyContext = [.puback, .pubrec, .pubrel, .pubcomp, .suback, .unsuback]
    static let all: MQTTPropertyContext = [
        .connect, .will, .connack, .publish, .acknowledgements, .subscribe, .unsubscribe, .disconnect, .auth,
    ]
}

/// What a property is on the wire: the identifiers of section 2.2.2.2, each with its data type and its places.
enum MQTTPropertyIdentifier: UInt8, Sendable, CaseIterable {
    case payloadFormatIndicator = 0x01
    case messageExpiryInterval = 0x02
    case contentType = 0x03
    case responseTopic = 0x08
    case correlationData = 0x09
    case subscriptionIdentifier = 0x0B
    case sessionExpiryInterval = 0x11
    case assignedClientIdentifier = 0x12
    case serverKeepAlive = 0x13
    case authenticationMethod = 0x15
    case authenticationData = 0x16
    case requestProblemInformation = 0x17
    case willDelayInterval = 0x18
    case requestResponseInformation = 0x19
    case responseInformation = 0x1A
    case serverReference = 0x1C
    case reasonString = 0x1F
    case receiveMaximum = 0x21
    case topicAliasMaximum = 0x22
    case topicAlias = 0x23
    case maximumQoS = 0x24
    case retainAvailable = 0x25
    case userProperty = 0x26
    case maximumPacketSize = 0x27
    case wildcardSubscriptionAvailable = 0x28
    case subscriptionIdentifierAvailable = 0x29
    case sharedSubscriptionAvailable = 0x2A

    enum DataType {
        case byte, twoBytes, fourBytes, variable, text, topic, data, pair
    }

    var dataType: DataType {
        switch self {
        case .payloadFormatIndicator, .requestProblemInformation, .requestResponseInformation, .maximumQoS,
            .retainAvailable, .wildcardSubscriptionAvailable, .subscriptionIdentifierAvailable,
            .sharedSubscriptionAvailable:
            return .byte
        case .serverKeepAlive, .receiveMaximum, .topicAliasMaximum, .topicAlias:
            return .twoBytes
        case .messageExpiryInterval, .sessionExpiryInterval, .willDelayInterval, .maximumPacketSize:
            return .fourBytes
        case .subscriptionIdentifier:
            return .variable
        case .contentType, .assignedClientIdentifier, .authenticationMethod, .responseInformation, .serverReference,
            .reasonString:
            return .text
        case .responseTopic:
            return .topic
        case .correlationData, .authenticationData:
            return .data
        case .userProperty:
            return .pair
        }
    }

    var contexts: MQTTPropertyContext {
        switch self {
        case .payloadFormatIndicator, .messageExpiryInterval, .contentType, .responseTopic, .correlationData:
            return [.publish, .will]
        case .subscriptionIdentifier:
            return [.publish, .subscribe]
        case .sessionExpiryInterval:
            return [.connect, .connack, .disconnect]
        case .authenticationMethod, .authenticationData:
            return [.connect, .connack, .auth]
        case .requestProblemInformation, .requestResponseInformation:
            return .connect
        case .willDelayInterval:
            return .will
        case .serverReference:
            return [.connack, .disconnect]
        case .reasonString:
            return [.connack, .acknowledgements, .disconnect, .auth]
        case .receiveMaximum, .topicAliasMaximum, .maximumPacketSize:
            return [.connect, .connack]
        case .topicAlias:
            return .publish
        case .assignedClientIdentifier, .serverKeepAlive, .responseInformation, .maximumQoS, .retainAvailable,
            .wildcardSubscriptionAvailable, .subscriptionIdentifierAvailable, .sharedSubscriptionAvailable:
            return .connack
        case .userProperty:
            return .all
        }
    }

    /// Whether it may be given in `context` by `sender`.
    func isAllowed(in context: MQTTPropertyContext, from sender: MQTTSender) -> Bool {
        guard !contexts.isDisjoint(with: context) else { return false }
        switch self {
        case .subscriptionIdentifier where context == .publish:
            return sender != .client  // [MQTT-3.3.4-6]
        case .sessionExpiryInterval where context == .disconnect:
            return sender != .server  // [MQTT-3.14.2-2]
        case .serverReference where context == .disconnect:
            return sender != .client  // section 3.14.2.2.5
        case .payloadFormatIndicator, .messageExpiryInterval, .contentType, .responseTopic, .correlationData,
            .subscriptionIdentifier, .sessionExpiryInterval, .assignedClientIdentifier, .serverKeepAlive,
            .authenticationMethod, .authenticationData, .requestProblemInformation, .willDelayInterval,
            .requestResponseInformation, .responseInformation, .serverReference, .reasonString, .receiveMaximum,
            .topicAliasMaximum, .topicAlias, .maximumQoS, .retainAvailable, .userProperty, .maximumPacketSize,
            .wildcardSubscriptionAvailable, .subscriptionIdentifierAvailable, .sharedSubscriptionAvailable:
            return true
        }
    }

    /// Whether it may be given more than once in `context`.
    func isRepeatable(in context: MQTTPropertyContext) -> Bool {
        self == .userProperty || (self == .subscriptionIdentifier && context == .publish)
    }

    /// Whether a numeric property may have this value. True for those without a number.
    func acceptsValue(_ value: UInt32) -> Bool {
        switch self {
        case .receiveMaximum, .maximumPacketSize, .topicAlias, .subscriptionIdentifier:
            return value != 0
        case .payloadFormatIndicator, .requestProblemInformation, .requestResponseInformation, .maximumQoS,
            .retainAvailable, .wildcardSubscriptionAvailable, .subscriptionIdentifierAvailable,
            .sharedSubscriptionAvailable:
            return value <= 1
        case .messageExpiryInterval, .contentType, .responseTopic, .correlationData, .sessionExpiryInterval,
            .assignedClientIdentifier, .serverKeepAlive, .authenticationMethod, .authenticationData,
            .willDelayInterval, .responseInformation, .serverReference, .reasonString, .topicAliasMaximum,
            .userProperty:
            return true
        }
    }
}

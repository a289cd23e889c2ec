public import NIOCore

/// The properties of one packet or one will, in the order of the wire. None at all costs no allocation.
///
/// Decoded properties obey every rule of their packet; properties put together by hand are checked when the packet is
/// encoded. Under MQTT 3.1.1 there are none.
public struct MQTTProperties: Sendable, Hashable {
    private var storage: [MQTTProperty]

    public init() {
        storage = []
    }

    /// The given properties, as they are.
    public init(_ properties: [MQTTProperty]) {
        storage = properties
    }

    /// Puts a property at the end, whether or not there is one of its kind: for User Properties.
    public mutating func append(_ property: MQTTProperty) {
        storage.append(property)
    }

    /// Replaces all properties of this kind by this one, in the place of the first, or puts it at the end.
    public mutating func set(_ property: MQTTProperty) {
        let identifier = property.identifier
        guard let place = storage.firstIndex(where: { $0.identifier == identifier }) else {
            storage.append(property)
            return
        }
        storage.removeAll { $0.identifier == identifier }
        storage.insert(property, at: place)
    }

    /// Removes the properties for which `isUnwanted` says so.
    public mutating func remove(where isUnwanted: (MQTTProperty) -> Bool) {
        storage.removeAll(where: isUnwanted)
    }

    /// Removes every property of the same kind as `example`, whose value does not matter.
    public mutating func removeAll(like example: MQTTProperty) {
        let identifier = example.identifier
        storage.removeAll { $0.identifier == identifier }
    }
}

extension MQTTProperties: ExpressibleByArrayLiteral {
    public init(arrayLiteral elements: MQTTProperty...) {
        self.init(elements)
    }
}

extension MQTTProperties: RandomAccessCollection {
    public var startIndex: Int { storage.startIndex }
    public var endIndex: Int { storage.endIndex }
    public subscript(position: Int) -> MQTTProperty { storage[position] }
}

extension MQTTProperties: CustomStringConvertible, CustomDebugStringConvertible {
    public var description: String { storage.description }
    public var debugDescription: String { description }
}

/// The value of the property of that name, nil if it was not given. What an absent property means is in the section
/// of the standard on the packet.
extension MQTTProperties {
    public var payloadIsUTF8: Bool? {
        for case .payloadFormatIndicator(let value) in storage { return value }
        return nil
    }

    /// Seconds.
    public var messageExpiryInterval: UInt32? {
        for case .messageExpiryInterval(let value) in storage { return value }
        return nil
    }

    public var contentType: String? {
        for case .contentType(let value) in storage { return value }
        return nil
    }

    public var responseTopic: String? {
        for case .responseTopic(let value) in storage { return value }
        return nil
    }

    public var correlationData: ByteBuffer? {
        for case .correlationData(let value) in storage { return value }
        return nil
    }

    /// In order; a PUBLISH from a server may have several.
    public var subscriptionIdentifiers: [UInt32] {
        storage.compactMap { if case .subscriptionIdentifier(let value) = $0 { value } else { nil } }
    }

    /// Seconds; 0xFFFF_FFFF is for ever, absent is 0 in CONNECT.
    public var sessionExpiryInterval: UInt32? {
        for case .sessionExpiryInterval(let value) in storage { return value }
        return nil
    }

    public var assignedClientIdentifier: String? {
        for case .assignedClientIdentifier(let value) in storage { return value }
        return nil
    }

    /// Seconds.
    public var serverKeepAlive: UInt16? {
        for case .serverKeepAlive(let value) in storage { return value }
        return nil
    }

    public var authenticationMethod: String? {
        for case .authenticationMethod(let value) in storage { return value }
        return nil
    }

    /// May be a credential.
    public var authenticationData: ByteBuffer? {
        for case .authenticationData(let value) in storage { return value }
        return nil
    }

    /// Absent is true.
    public var requestProblemInformation: Bool? {
        for case .requestProblemInformation(let value) in storage { return value }
        return nil
    }

    /// Absent is false.
    public var requestResponseInformation: Bool? {
        for case .requestResponseInformation(let value) in storage { return value }
        return nil
    }

    /// Seconds; absent is 0.
    public var willDelayInterval: UInt32? {
        for case .willDelayInterval(let value) in storage { return value }
        return nil
    }

    public var responseInformation: String? {
        for case .responseInformation(let value) in storage { return value }
        return nil
    }

    public var serverReference: String? {
        for case .serverReference(let value) in storage { return value }
        return nil
    }

    public var reasonString: String? {
        for case .reasonString(let value) in storage { return value }
        return nil
    }

    /// Absent is 65,535.
    public var receiveMaximum: UInt16? {
        for case .receiveMaximum(let value) in storage { return value }
        return nil
    }

    /// Absent is 0: no aliases.
    public var topicAliasMaximum: UInt16? {
        for case .topicAliasMaximum(let value) in storage { return value }
        return nil
    }

    public var topicAlias: UInt16? {
        for case .topicAlias(let value) in storage { return value }
        return nil
    }

    /// Absent is QoS 2.
    public var maximumQoS: MQTTQoS? {
        for case .maximumQoS(let value) in storage { return value }
        return nil
    }

    /// Absent is true.
    public var retainAvailable: Bool? {
        for case .retainAvailable(let value) in storage { return value }
        return nil
    }

    /// Bytes; absent is no limit but the wire's.
    public var maximumPacketSize: UInt32? {
        for case .maximumPacketSize(let value) in storage { return value }
        return nil
    }

    /// Absent is true.
    public var wildcardSubscriptionAvailable: Bool? {
        for case .wildcardSubscriptionAvailable(let value) in storage { return value }
        return nil
    }

    /// Absent is true.
    public var subscriptionIdentifierAvailable: Bool? {
        for case .subscriptionIdentifierAvailable(let value) in storage { return value }
        return nil
    }

    /// Absent is true.
    public var sharedSubscriptionAvailable: Bool? {
        for case .sharedSubscriptionAvailable(let value) in storage { return value }
        return nil
    }

    /// The User Properties, in order.
    public var userProperties: [(name: String, value: String)] {
        storage.compactMap { if case .userProperty(let name, let value) = $0 { (name, value) } else { nil } }
    }
}

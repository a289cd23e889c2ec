import NIOCore

/// Whether the server sends retained messages when a subscription is made (section 3.8.3.1).
public enum MQTTRetainHandling: UInt8, Sendable, Hashable, CaseIterable {
    case sendAtSubscribe = 0
    case sendIfNewSubscription = 1
    case doNotSend = 2
}

/// One topic filter with its options.
public struct MQTTSubscription: Sendable, Hashable {
    /// A topic filter, a shared one included. Compare its `utf8`: `==` on strings takes canonically equivalent ones for
    /// the same.
    public var filter: String
    /// The highest QoS the client wants.
    public var qos: MQTTQoS
    /// MQTT 5.0: do not send the client its own messages. Never on a shared subscription.
    public var noLocal: Bool
    /// MQTT 5.0: keep the retain flag of the publisher.
    public var retainAsPublished: Bool
    /// MQTT 5.0.
    public var retainHandling: MQTTRetainHandling

    public init(
        filter: String, qos: MQTTQoS = .atMostOnce, noLocal: Bool = false, retainAsPublished: Bool = false,
        retainHandling: MQTTRetainHandling = .sendAtSubscribe
    ) {
        self.filter = filter
        self.qos = qos
        self.noLocal = noLocal
        self.retainAsPublished = retainAsPublished
        self.retainHandling = retainHandling
    }

    /// Whether this is a shared subscription (``MQTTTopic/isShared(_:)``).
    public var isShared: Bool { MQTTTopic.isShared(filter.utf8.span) }

    var options: UInt8 {
        qos.rawValue | (noLocal ? 0b0100 : 0) | (retainAsPublished ? 0b1000 : 0) | retainHandling.rawValue << 4
    }
}

/// From client to server: make subscriptions (section 3.8).
public struct MQTTSubscribe: Sendable, Hashable {
    /// Not 0.
    public var packetIdentifier: UInt16
    /// At least one.
    public var subscriptions: [MQTTSubscription]
    /// Empty under MQTT 3.1.1.
    public var properties: MQTTProperties

    public init(
        packetIdentifier: UInt16, subscriptions: [MQTTSubscription], properties: MQTTProperties = MQTTProperties()
    ) {
        self.packetIdentifier = packetIdentifier
        self.subscriptions = subscriptions
        self.properties = properties
    }
}

extension MQTTSubscription {
    init(_ reader: inout MQTTBodyReader, _ context: MQTTDecodingContext) throws(MQTTProtocolError) {
        let (text, isShared) = try reader.readFilter(limits: context.limits)
        filter = text
        let options = try reader.readByte()
        let reserved: UInt8 = context.version == .v5 ? 0b1100_0000 : 0b1111_1100
        guard options & reserved == 0 else {
            throw .malformed(.reservedBits, "MQTT-3.8.3-5", "a reserved bit of the subscription options is set")
        }
        guard let qos = MQTTQoS(rawValue: options & 0b11) else {
            throw .malformed(.badQoS, "section 3.8.3.1", "a subscription's QoS is 3")
        }
        guard let retainHandling = MQTTRetainHandling(rawValue: options >> 4 & 0b11) else {
            throw .violation(.malformedPacket, "section 3.8.3.1", "a subscription's retain handling is 3")
        }
        self.qos = qos
        self.retainHandling = retainHandling
        noLocal = options & 0b0100 != 0
        retainAsPublished = options & 0b1000 != 0
        guard !noLocal || !isShared else {
            throw .violation(.badFilter, "MQTT-3.8.3-4", "No Local on a shared subscription")
        }
    }

    func add(to size: inout MQTTBodySize, version: MQTTProtocolVersion) throws(MQTTEncodingError) {
        guard version == .v5 || options & 0b1111_1100 == 0 else {
            throw MQTTEncodingError(.requiresVersion5, "MQTT 3.1.1 has no subscription options but the QoS")
        }
        guard !noLocal || !isShared else {
            throw MQTTEncodingError(.badFilter, "No Local on a shared subscription")
        }
        try size.addFilter(filter)
        size.add(1)
    }
}

extension MQTTSubscribe {
    init(_ reader: inout MQTTBodyReader, _ context: MQTTDecodingContext) throws(MQTTProtocolError) {
        packetIdentifier = try reader.readPacketIdentifier()
        properties = try reader.readProperties(.subscribe, context)
        subscriptions = []
        repeat {
            guard !reader.isAtEnd else {
                throw .violation(.emptyPayload, "MQTT-3.8.3-2", "SUBSCRIBE has no topic filter")
            }
            guard subscriptions.count < context.limits.subscriptionFiltersMax else {
                throw .overLimit("there are more than \(context.limits.subscriptionFiltersMax) topic filters")
            }
            subscriptions.append(try MQTTSubscription(&reader, context))
        } while !reader.isAtEnd
    }

    func add(to size: inout MQTTBodySize, version: MQTTProtocolVersion) throws(MQTTEncodingError) {
        try size.addPacketIdentifier(packetIdentifier)
        try size.addProperties(properties, .subscribe, version: version)
        guard !subscriptions.isEmpty else {
            throw MQTTEncodingError(.emptyPayload, "SUBSCRIBE needs a topic filter")
        }
        for subscription in subscriptions {
            try subscription.add(to: &size, version: version)
        }
    }

    func write(to buffer: inout ByteBuffer, version: MQTTProtocolVersion) {
        buffer.writeInteger(packetIdentifier)
        buffer.writeMQTTProperties(properties, version: version)
        for subscription in subscriptions {
            buffer.writeMQTTText(subscription.filter)
            buffer.writeInteger(subscription.options)
        }
    }
}

import NIOCore

/// From client to server: end subscriptions (section 3.10).
public struct MQTTUnsubscribe: Sendable, Hashable {
    /// Not 0.
    public var packetIdentifier: UInt16
    /// At least one topic filter.
    public var filters: [String]
    /// Empty under MQTT 3.1.1.
    public var properties: MQTTProperties

    public init(packetIdentifier: UInt16, filters: [String], properties: MQTTProperties = MQTTProperties()) {
        self.packetIdentifier = packetIdentifier
        self.filters = filters
        self.properties = properties
    }
}

extension MQTTUnsubscribe {
    init(_ reader: inout MQTTBodyReader, _ context: MQTTDecodingContext) throws(MQTTProtocolError) {
        packetIdentifier = try reader.readPacketIdentifier()
        properties = try reader.readProperties(.unsubscribe, context)
        filters = []
        repeat {
            guard !reader.isAtEnd else {
                throw .violation(.emptyPayload, "MQTT-3.10.3-2", "UNSUBSCRIBE has no topic filter")
            }
            guard filters.count < context.limits.subscriptionFiltersMax else {
                throw .overLimit("there are more than \(context.limits.subscriptionFiltersMax) topic filters")
            }
            filters.append(try reader.readFilter(limits: context.limits).text)
        } while !reader.isAtEnd
    }

    func add(to size: inout MQTTBodySize, version: MQTTProtocolVersion) throws(MQTTEncodingError) {
        try size.addPacketIdentifier(packetIdentifier)
        try size.addProperties(properties, .unsubscribe, version: version)
        guard !filters.isEmpty else {
            throw MQTTEncodingError(.emptyPayload, "UNSUBSCRIBE needs a topic filter")
        }
        for filter in filters {
            try size.addFilter(filter)
        }
    }

    func write(to buffer: inout ByteBuffer, version: MQTTProtocolVersion) {
        buffer.writeInteger(packetIdentifier)
        buffer.writeMQTTProperties(properties, version: version)
        for filter in filters {
            buffer.writeMQTTText(filter)
        }
    }
}

public import NIOCore

/// An application message, in either direction (section 3.3).
public struct MQTTPublish: Sendable, Hashable {
    /// Whether this may be a repetition. Never with QoS 0.
    public var duplicate: Bool
    public var qos: MQTTQoS
    public var retain: Bool
    /// A topic name; empty only under MQTT 5.0 with a topic alias. Compare its `utf8`: `==` on strings takes
    /// canonically equivalent ones for the same.
    public var topic: String
    /// Nil for QoS 0, otherwise not 0.
    public var packetIdentifier: UInt16?
    /// Empty under MQTT 3.1.1.
    public var properties: MQTTProperties
    public var payload: ByteBuffer

    public init(
        duplicate: Bool = false, qos: MQTTQoS = .atMostOnce, retain: Bool = false, topic: String,
        packetIdentifier: UInt16? = nil, properties: MQTTProperties = MQTTProperties(), payload: ByteBuffer
    ) {
        self.duplicate = duplicate
        self.qos = qos
        self.retain = retain
        self.topic = topic
        self.packetIdentifier = packetIdentifier
        self.properties = properties
        self.payload = payload
    }
}

extension MQTTPublish: CustomStringConvertible, CustomDebugStringConvertible {
    /// Of the payload, the size.
    public var description: String {
        "publish(\(topic.debugDescription), qos: \(qos.rawValue), duplicate: \(duplicate), retain: \(retain), "
            + "packetIdentifier: \(packetIdentifier.map { "\($0)" } ?? "none"), "
            + "payload: \(payload.readableBytes) bytes, properties: \(properties))"
    }

    public var debugDescription: String { description }
}

extension MQTTPublish {
    init(_ frame: MQTTFrame, _ context: MQTTDecodingContext) throws(MQTTProtocolError) {
        let header = try frame.publishHeader(
            version: context.version, limits: context.limits, sender: context.sender)
        duplicate = header.duplicate
        qos = header.qos
        retain = header.retain
        topic = String(buffer: header.topic)
        packetIdentifier = header.packetIdentifier
        payload = frame.payload(header)
        if let offset = header.propertiesLengthOffset {
            var reader = MQTTBodyReader(frame, from: offset, limits: context.limits)
            properties = try reader.readProperties(.publish, context)
        } else {
            properties = MQTTProperties()
        }
    }

    /// The low four bits of the first byte.
    var fixedHeaderFlags: UInt8 {
        (duplicate ? 0b1000 : 0) | qos.rawValue << 1 | (retain ? 0b0001 : 0)
    }

    func add(to size: inout MQTTBodySize, version: MQTTProtocolVersion) throws(MQTTEncodingError) {
        guard !duplicate || qos != .atMostOnce else {
            throw MQTTEncodingError(.badQoS, "a QoS 0 message is never a duplicate")
        }
        guard (packetIdentifier == nil) == (qos == .atMostOnce) else {
            throw MQTTEncodingError(
                .badPacketIdentifier, "QoS 1 and 2 messages have a packet identifier, and QoS 0 messages have none")
        }
        try size.addTopic(topic, allowsEmpty: version == .v5 && properties.topicAlias != nil)
        if let packetIdentifier { try size.addPacketIdentifier(packetIdentifier) }
        try size.addProperties(properties, .publish, version: version)
        size.add(payload.readableBytes)
    }

    func write(to buffer: inout ByteBuffer, version: MQTTProtocolVersion) {
        buffer.writeMQTTText(topic)
        if let packetIdentifier { buffer.writeInteger(packetIdentifier) }
        buffer.writeMQTTProperties(properties, version: version)
        buffer.writeImmutableBuffer(payload)
    }
}

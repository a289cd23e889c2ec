public import NIOCore

/// The message the server publishes when the connection ends without a DISCONNECT (section 3.1.2.5).
public struct MQTTWill: Sendable, Hashable {
    public var qos: MQTTQoS
    public var retain: Bool
    /// A topic name. Compare its `utf8`: `==` on strings takes canonically equivalent ones for the same.
    public var topic: String
    /// At most 65,535 bytes.
    public var payload: ByteBuffer
    /// Empty under MQTT 3.1.1.
    public var properties: MQTTProperties

    public init(
        qos: MQTTQoS = .atMostOnce, retain: Bool = false, topic: String, payload: ByteBuffer,
        properties: MQTTProperties = MQTTProperties()
    ) {
        self.qos = qos
        self.retain = retain
        self.topic = topic
        self.payload = payload
        self.properties = properties
    }
}

extension MQTTWill: CustomStringConvertible, CustomDebugStringConvertible {
    /// Of the payload, the size.
    public var description: String {
        "will(\(topic.debugDescription), qos: \(qos.rawValue), retain: \(retain), "
            + "payload: \(payload.readableBytes) bytes, properties: \(properties))"
    }

    public var debugDescription: String { description }
}

extension MQTTWill {
    init(
        _ reader: inout MQTTBodyReader, qos: MQTTQoS, retain: Bool, _ context: MQTTDecodingContext
    ) throws(MQTTProtocolError) {
        let limits = context.limits
        self.qos = qos
        self.retain = retain
        properties = try reader.readProperties(.will, context)
        topic = try reader.text(reader.readTopicRange(limits: limits, allowsEmpty: false))
        payload = try reader.readData(
            bytesMax: limits.willPayloadBytesMax,
            orThrow: .overLimit("the will's payload is longer than \(limits.willPayloadBytesMax) bytes"))
    }

    func add(to size: inout MQTTBodySize, version: MQTTProtocolVersion) throws(MQTTEncodingError) {
        try size.addProperties(properties, .will, version: version)
        try size.addTopic(topic, allowsEmpty: false)
        try size.addData(payload)
    }

    func write(to buffer: inout ByteBuffer, version: MQTTProtocolVersion) {
        buffer.writeMQTTProperties(properties, version: version)
        buffer.writeMQTTText(topic)
        buffer.writeMQTTData(payload)
    }
}

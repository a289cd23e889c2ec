/// MQTT packets as bytes, written out by hand from the standard: tests of the gateway must not share its codec.
public enum MQTTBytes {
    public enum Version: UInt8, Sendable, CaseIterable, CustomStringConvertible {
        // swift-format-ignore: AlwaysUseLowerCamelCase
        case v3_1_1 = 4
        case v5 = 5

        public var description: String { self == .v5 ? "5" : "3.1.1" }
        /// What mosquitto's clients call it.
        public var mosquittoName: String { self == .v5 ? "mqttv5" : "mqttv311" }
    }

    public struct Will: Sendable {
        public var topic: String
        public var payload: String
        public var qos: UInt8
        public var retain: Bool

        public init(topic: String, payload: String, qos: UInt8 = 0, retain: Bool = false) {
            self.topic = topic
            self.payload = payload
            self.qos = qos
            self.retain = retain
        }
    }

    /// A string or binary value with its length before it (section 1.5.4).
    public static func text(_ text: String) -> [UInt8] { self.number(text.utf8.count) + Array(text.utf8) }

    public static func number(_ value: Int) -> [UInt8] {
        [UInt8(truncatingIfNeeded: value >> 8), UInt8(truncatingIfNeeded: value)]
    }

    /// A packet of a first byte and a body, with the remaining length between them.
    public static func packet(_ first: UInt8, _ body: [UInt8]) -> [UInt8] {
        [first] + self.variableByteInteger(body.count) + body
    }

    public static func variableByteInteger(_ value: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = value
        repeat {
            let low = UInt8(truncatingIfNeeded: rest & 0x7F)
            rest >>= 7
            bytes.append(rest > 0 ? low | 0x80 : low)
        } while rest > 0
        return bytes
    }

    private static func properties(_ bytes: [UInt8], _ version: Version) -> [UInt8] {
        version == .v5 ? self.variableByteInteger(bytes.count) + bytes : []
    }

    public static func connect(
        _ version: Version, clientID: String = "device", keepAlive: Int = 60, cleanStart: Bool = true,
        properties: [UInt8] = [], will: Will? = nil, userName: String? = nil, password: String? = nil
    ) -> [UInt8] {
        var flags: UInt8 = cleanStart ? 0x02 : 0
        var payload = self.text(clientID)
        if let will {
            flags |= 0x04 | will.qos << 3 | (will.retain ? 0x20 : 0)
            payload += self.properties([], version) + self.text(will.topic) + self.text(will.payload)
        }
        if let userName {
            flags |= 0x80
            payload += self.text(userName)
        }
        if let password {
            flags |= 0x40
            payload += self.text(password)
        }
        let variableHeader = self.text("MQTT") + [version.rawValue, flags] + self.number(keepAlive)
        return self.packet(0x10, variableHeader + self.properties(properties, version) + payload)
    }

    public static func publish(
        _ version: Version, topic: String, payload: String = "", qos: UInt8 = 0, retain: Bool = false,
        identifier: Int = 1, isDuplicate: Bool = false, properties: [UInt8] = []
    ) -> [UInt8] {
        let first = 0x30 | qos << 1 | (retain ? 1 : 0) | (isDuplicate ? 8 : 0)
        return self.packet(
            first,
            self.text(topic) + (qos > 0 ? self.number(identifier) : []) + self.properties(properties, version)
                + Array(payload.utf8)
        )
    }

    public static func subscribe(
        _ version: Version, identifier: Int = 1, _ filters: [(filter: String, qos: UInt8)]
    ) -> [UInt8] {
        self.packet(
            0x82,
            self.number(identifier) + self.properties([], version) + filters.flatMap { self.text($0.filter) + [$0.qos] }
        )
    }

    /// PUBACK, PUBREC, PUBREL or PUBCOMP with success.
    public static func acknowledgement(_ first: UInt8, _ identifier: Int) -> [UInt8] {
        self.packet(first, self.number(identifier))
    }

    /// The packet identifier of a PUBLISH with QoS 1 or 2, as its two bytes make a number; 0 if there is none.
    public static func identifier(ofPublish packet: [UInt8]) -> Int {
        guard let start = packet.dropFirst().firstIndex(where: { $0 & 0x80 == 0 }), packet.count > start + 2 else {
            return 0
        }
        let end = start + 3 + (Int(packet[start + 1]) << 8 | Int(packet[start + 2]))
        return packet.count > end + 1 ? Int(packet[end]) << 8 | Int(packet[end + 1]) : 0
    }

    public static let pingRequest: [UInt8] = [0xC0, 0]
    public static let disconnect: [UInt8] = [0xE0, 0]

    /// Cuts the first whole packet off `bytes`; nil if there is none yet.
    static func firstPacket(of bytes: some Sequence<UInt8>) -> [UInt8]? {
        let bytes = Array(bytes)
        var length = 0
        var index = 1
        while index <= 4, index < bytes.count {
            length |= Int(bytes[index] & 0x7F) << (7 * (index - 1))
            if bytes[index] & 0x80 == 0 {
                let end = index + 1 + length
                return bytes.count >= end ? Array(bytes[..<end]) : nil
            }
            index += 1
        }
        return nil
    }
}

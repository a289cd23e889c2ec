internal import MQTTCodec
internal import NIOCore

/// What stands before every topic of a device at the broker and is never seen by the device: so that the tenants of
/// one broker have topics of their own. Empty for a profile without one.
struct TopicPrefix: Sendable, Hashable {
    let text: String
    /// The same as UTF-8.
    let bytes: ByteBuffer

    /// - Parameter text: empty, or the beginning of a topic name that ends with `/`, as the compiler of profiles has
    ///   checked.
    init(_ text: String) {
        self.text = text
        self.bytes = text.isEmpty ? ByteBuffer() : ByteBuffer(string: text)
    }

    var isEmpty: Bool { self.byteCount == 0 }

    var byteCount: Int { self.bytes.readableBytes }

    /// How many levels of a topic it makes up.
    var levelCount: Int { self.isEmpty ? 0 : MQTTTopic.levelCount(self.bytes.readableBytesUInt8Span) - 1 }

    /// A topic name as the broker knows it; nil when it would be longer than the 65,535 bytes of MQTT.
    func added(toName name: String) -> String? {
        self.fits(name) ? self.text + name : nil
    }

    /// A topic filter as the broker knows it; nil when it would be too long. Of a shared subscription, what the device
    /// subscribes to comes after `$share/group/` (MQTT 5.0, section 4.8.2), and there the prefix goes.
    func added(toFilter filter: String) -> String? {
        guard self.fits(filter) else { return nil }
        guard MQTTTopic.isShared(filter.utf8.span), let start = Self.shareEnd(of: filter) else {
            return self.text + filter
        }
        return String(filter[..<start]) + self.text + filter[start...]
    }

    /// A topic name as the device knows it, sharing storage; nil when it is not below the prefix, and the device's
    /// therefore not.
    func removed(from topic: ByteBuffer) -> ByteBuffer? {
        guard !self.isEmpty else { return topic }
        let count = self.byteCount
        guard topic.readableBytes > count else { return nil }
        let (prefix, name) = (self.bytes.readableBytesUInt8Span, topic.readableBytesUInt8Span)
        for index in 0..<count where prefix[index] != name[index] { return nil }
        return topic.getSlice(at: topic.readerIndex + count, length: topic.readableBytes - count)
    }

    private func fits(_ topic: String) -> Bool {
        topic.utf8.count + self.byteCount <= MQTTLimits.fieldBytesAbsoluteMax
    }

    /// Where the filter after `$share/group/` begins.
    private static func shareEnd(of filter: String) -> String.Index? {
        let slash = UInt8(ascii: "/")
        guard let first = filter.utf8.firstIndex(of: slash),
            let second = filter.utf8[filter.utf8.index(after: first)...].firstIndex(of: slash)
        else { return nil }
        return filter.utf8.index(after: second)
    }
}

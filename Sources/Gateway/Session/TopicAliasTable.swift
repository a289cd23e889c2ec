internal import MQTTCodec
internal import NIOCore

/// One direction's topic aliases (MQTT 5.0, section 3.3.2.3.4), as the gateway must know them: to check the topic an
/// alias stands for, and to know whether the receiver has been told.
///
/// The receiver may not know an alias the sender set, because the PUBLISH that set it was refused; the next one that
/// passes then has to carry the topic.
struct TopicAliasTable {
    /// The topic of one PUBLISH, resolved.
    struct Resolution {
        /// The topic's bytes.
        let topic: ByteBuffer
        /// The packet names its alias only, and the receiver has not seen the topic: it has to be written in.
        let needsTopic: Bool
    }

    private struct Entry {
        var topic: ByteBuffer
        var receiverKnows: Bool
    }

    /// The highest alias that may be used; 0 forbids aliases (MQTT-3.3.2-9).
    var maximum: UInt16
    private var entries: [UInt16: Entry] = [:]

    init(maximum: UInt16) {
        self.maximum = maximum
    }

    /// Resolves the topic of a PUBLISH and remembers an alias it sets. `nil` when the alias is not valid.
    mutating func resolve(_ header: MQTTPublishHeader) -> Resolution? {
        guard let alias = header.topicAlias else { return Resolution(topic: header.topic, needsTopic: false) }
        guard alias > 0, alias <= self.maximum else { return nil }
        if header.topic.readableBytes > 0 {
            // A copy: the slice would keep the whole packet, payload and all, alive for as long as the alias.
            let topic = ByteBuffer(bytes: header.topic.readableBytesView)
            self.entries[alias] = Entry(topic: topic, receiverKnows: false)
            return Resolution(topic: header.topic, needsTopic: false)
        }
        guard let entry = self.entries[alias] else { return nil }
        return Resolution(topic: entry.topic, needsTopic: !entry.receiverKnows)
    }

    /// The PUBLISH just resolved is forwarded, its alias with it.
    mutating func forwarded(_ header: MQTTPublishHeader) {
        guard let alias = header.topicAlias else { return }
        self.entries[alias]?.receiverKnows = true
    }
}

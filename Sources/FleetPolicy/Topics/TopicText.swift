/// The shape of topic names and topic filters as they come in packets (MQTT 4.7). That they are UTF-8 is checked by
/// whoever decodes the packet.
enum TopicText {
    /// A topic name: not empty, no wildcard, no U+0000.
    static func isTopicName(_ topic: Span<UInt8>) -> Bool {
        // Without a way out of the loop, which lets the compiler look at many bytes at once.
        var forbidden = false
        for index in topic.indices {
            let byte = topic[index]
            let isForbidden = byte == 0 || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "#")
            forbidden = isForbidden || forbidden
        }
        return !topic.isEmpty && !forbidden
    }

    /// A topic filter: not empty, no U+0000, `+` only as a whole level, `#` only as the whole last level.
    static func isTopicFilter(_ filter: Span<UInt8>) -> Bool {
        guard !filter.isEmpty else { return false }
        // Nearly all bytes are above the three that mean something.
        for index in filter.indices where filter[index] <= UInt8(ascii: "+") {
            switch filter[index] {
            case 0:
                return false
            case UInt8(ascii: "+"):
                guard beginsLevel(index, in: filter), endsLevel(index, in: filter) else { return false }
            case UInt8(ascii: "#"):
                guard beginsLevel(index, in: filter), index == filter.count - 1 else { return false }
            case _:
                continue
            }
        }
        return true
    }

    /// Where the topic filter of a SUBSCRIBE begins: 0, or after `$share/group/` (MQTT 5, 4.8.2; brokers offer the same
    /// to 3.1.1). Nil when a shared subscription is malformed.
    static func start(ofFilterIn requested: Span<UInt8>) -> Int? {
        let shareCount = 6
        guard requested.count >= shareCount,
            requested[0] == UInt8(ascii: "$"), requested[1] == UInt8(ascii: "s"), requested[2] == UInt8(ascii: "h"),
            requested[3] == UInt8(ascii: "a"), requested[4] == UInt8(ascii: "r"), requested[5] == UInt8(ascii: "e")
        else { return 0 }
        if requested.count > shareCount, requested[shareCount] != UInt8(ascii: "/") { return 0 }
        var position = shareCount + 1
        let groupStart = position
        while position < requested.count, requested[position] != UInt8(ascii: "/") {
            switch requested[position] {
            case 0, UInt8(ascii: "+"), UInt8(ascii: "#"): return nil
            case _: position += 1
            }
        }
        guard position > groupStart, position < requested.count - 1 else { return nil }
        return position + 1
    }

    private static func beginsLevel(_ index: Int, in filter: Span<UInt8>) -> Bool {
        index == 0 || filter[index - 1] == UInt8(ascii: "/")
    }

    private static func endsLevel(_ index: Int, in filter: Span<UInt8>) -> Bool {
        index == filter.count - 1 || filter[index + 1] == UInt8(ascii: "/")
    }
}

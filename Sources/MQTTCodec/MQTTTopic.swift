/// The rules for topic names and topic filters (section 4.7), as pure functions on UTF-8 bytes: no allocation, any
/// thread.
public enum MQTTTopic {
    private static let slash = UInt8(ascii: "/")
    private static let plus = UInt8(ascii: "+")
    private static let hash = UInt8(ascii: "#")
    private static let dollar = UInt8(ascii: "$")

    /// Whether `bytes` are a topic name: 1 to 65,535 bytes of well-formed UTF-8 with neither U+0000 nor wildcards
    /// [MQTT-4.7.0-1, MQTT-4.7.3-1, MQTT-4.7.3-2, MQTT-4.7.3-3].
    public static func isValidName(_ bytes: Span<UInt8>) -> Bool {
        bytes.count <= MQTTLimits.fieldBytesAbsoluteMax && isWildcardFreeName(bytes)
            && MQTTText.isWellFormed(bytes, acceptingControlCharacters: true)
    }

    /// Whether `bytes` are a topic filter, a shared one included [MQTT-4.7.1-1…2, MQTT-4.8.2-1…2].
    public static func isValidFilter(_ bytes: Span<UInt8>) -> Bool {
        bytes.count <= MQTTLimits.fieldBytesAbsoluteMax && filterViolation(bytes) == nil
            && MQTTText.isWellFormed(bytes, acceptingControlCharacters: true)
    }

    /// Whether `filter` is a shared subscription's: `$share/{name}/{filter}` (section 4.8.2).
    ///
    /// `$share` by itself counts too, so that it is refused as an incomplete one. MQTT 3.1.1 does not define shared
    /// subscriptions, but brokers honour them in its sessions as well, so both versions are read alike.
    public static func isShared(_ filter: Span<UInt8>) -> Bool {
        guard filter.count >= 6, filter[0] == dollar, filter[1] == UInt8(ascii: "s"), filter[2] == UInt8(ascii: "h"),
            filter[3] == UInt8(ascii: "a"), filter[4] == UInt8(ascii: "r"), filter[5] == UInt8(ascii: "e")
        else { return false }
        return filter.count == 6 || filter[6] == slash
    }

    /// Levels of a topic name or filter: the slashes and one.
    public static func levelCount(_ bytes: Span<UInt8>) -> Int {
        var levels = 1
        var index = 0
        while index < bytes.count {
            if bytes[index] == slash { levels += 1 }
            index += 1
        }
        return levels
    }

    /// Whether a message published to `name` belongs to a subscription to `filter` (section 4.7). A wildcard in the
    /// first level does not match a name that begins with `$` [MQTT-4.7.2-1].
    ///
    /// Both must be valid, and `filter` not shared: of a shared one, pass the part after the share name.
    public static func matches(filter: Span<UInt8>, name: Span<UInt8>) -> Bool {
        if filter.count > 0, name.count > 0, name[0] == dollar, filter[0] == plus || filter[0] == hash {
            return false
        }
        var (f, n) = (0, 0)
        while f < filter.count {
            switch filter[f] {
            case hash:
                return true
            case plus:
                while n < name.count && name[n] != slash { n += 1 }
                f += 1
            case let byte:
                guard n < name.count, name[n] == byte else {
                    // "sport/#" also matches its parent, "sport".
                    return n == name.count && byte == slash && f + 2 == filter.count && filter[f + 1] == hash
                }
                f += 1
                n += 1
            }
        }
        return n == name.count
    }

    /// Whether `bytes` are not empty and hold neither `+` nor `#`. UTF-8 is not looked at.
    static func isWildcardFreeName(_ bytes: Span<UInt8>) -> Bool {
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            if byte == plus || byte == hash { return false }
            index += 1
        }
        return bytes.count > 0
    }

    /// A broken rule: the clause and a sentence.
    struct FilterViolation {
        var clause: StaticString
        var detail: StaticString
    }

    /// What is wrong with the wildcards or the share name of a filter, nil if nothing. UTF-8 is not looked at.
    static func filterViolation(_ bytes: Span<UInt8>) -> FilterViolation? {
        guard bytes.count > 0 else {
            return FilterViolation(clause: "MQTT-4.7.3-1", detail: "a topic filter is empty")
        }
        guard isShared(bytes) else { return wildcardViolation(bytes, from: 0) }

        // "$share/" is 7 bytes; the share name ends at the next slash.
        var index = 7
        while index < bytes.count && bytes[index] != slash {
            if bytes[index] == plus || bytes[index] == hash {
                return FilterViolation(clause: "MQTT-4.8.2-2", detail: "a share name holds a wildcard")
            }
            index += 1
        }
        guard index > 7 else {
            return FilterViolation(clause: "MQTT-4.8.2-1", detail: "a share name is empty")
        }
        guard index + 1 < bytes.count else {
            return FilterViolation(clause: "MQTT-4.8.2-2", detail: "a shared subscription has no topic filter")
        }
        return wildcardViolation(bytes, from: index + 1)
    }

    private static func wildcardViolation(_ bytes: Span<UInt8>, from start: Int) -> FilterViolation? {
        var index = start
        while index < bytes.count {
            let byte = bytes[index]
            if byte == plus || byte == hash {
                let opensLevel = index == start || bytes[index - 1] == slash
                let isLast = index + 1 == bytes.count
                if byte == hash && !(opensLevel && isLast) {
                    return FilterViolation(
                        clause: "MQTT-4.7.1-1", detail: "# is not alone in the last level of a topic filter")
                }
                if byte == plus && !(opensLevel && (isLast || bytes[index + 1] == slash)) {
                    return FilterViolation(
                        clause: "MQTT-4.7.1-2", detail: "+ is not alone in its level of a topic filter")
                }
            }
            index += 1
        }
        return nil
    }
}

/// Rules for MQTT's UTF-8 Encoded Strings (section 1.5.4) on bytes, without making a `String`.
enum MQTTText {
    /// Whether `bytes` are well-formed UTF-8 (RFC 3629: shortest form, no surrogates, nothing above U+10FFFF) without
    /// U+0000 [MQTT-1.5.4-1, MQTT-1.5.4-2], and, unless accepted, without control and non-characters.
    static func isWellFormed(_ bytes: Span<UInt8>, acceptingControlCharacters: Bool) -> Bool {
        var index = 0
        let count = bytes.count
        while index < count {
            let lead = bytes[index]
            if lead < 0x80 {
                if lead == 0 { return false }
                if !acceptingControlCharacters && (lead < 0x20 || lead == 0x7F) { return false }
                index += 1
                continue
            }
            let length = sequenceLength(bytes, at: index)
            guard length > 0 else { return false }
            if !acceptingControlCharacters && isDisallowed(bytes, at: index, length: length) { return false }
            index += length
        }
        return true
    }

    /// Bytes of the well-formed multi-byte sequence at `index`, 0 if it is not well-formed (Unicode, table 3-7).
    private static func sequenceLength(_ bytes: Span<UInt8>, at index: Int) -> Int {
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch bytes[index] {
        case 0xC2...0xDF:
            length = 2
        case 0xE0:
            length = 3
            second = 0xA0...0xBF  // below: a longer form than needed
        case 0xED:
            length = 3
            second = 0x80...0x9F  // above: a surrogate
        case 0xE1...0xEF:
            length = 3
        case 0xF0:
            length = 4
            second = 0x90...0xBF  // below: a longer form than needed
        case 0xF1...0xF3:
            length = 4
        case 0xF4:
            length = 4
            second = 0x80...0x8F  // above: beyond U+10FFFF
        default:
            return 0
        }
        guard length <= bytes.count - index, second.contains(bytes[index + 1]) else { return 0 }
        var offset = 2
        while offset < length {
            guard bytes[index + offset] & 0xC0 == 0x80 else { return 0 }
            offset += 1
        }
        return length
    }

    /// Whether the well-formed sequence is U+0080…U+009F, U+FDD0…U+FDEF, or ends in FFFE or FFFF.
    private static func isDisallowed(_ bytes: Span<UInt8>, at index: Int, length: Int) -> Bool {
        switch length {
        case 2:
            return bytes[index] == 0xC2 && bytes[index + 1] < 0xA0
        case 3:
            guard bytes[index] == 0xEF else { return false }
            let (second, third) = (bytes[index + 1], bytes[index + 2])
            return (second == 0xB7 && (0x90...0xAF).contains(third)) || (second == 0xBF && third >= 0xBE)
        case 4:
            return bytes[index + 1] & 0x0F == 0x0F && bytes[index + 2] == 0xBF && bytes[index + 3] >= 0xBE
        default:
            return false
        }
    }
}

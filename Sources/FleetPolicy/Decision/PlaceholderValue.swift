/// Decides whether a value from a certificate may stand in a topic, a client id or a user name.
///
/// This is what makes wildcard injection (CVE-2017-7650: a client whose name is `#`) impossible: no value that can
/// change the shape of a topic filter ever gets into one.
enum PlaceholderValue {
    /// Why a value is refused, in the words of an error message; nil when it may be used.
    static func objection(to bytes: some Collection<UInt8>) -> String? {
        guard let first = bytes.first else { return "is empty" }
        guard bytes.count <= PolicyBounds.identityBytesMax else {
            return "is longer than \(PolicyBounds.identityBytesMax) bytes"
        }
        guard first != UInt8(ascii: "$") else { return "begins with `$`" }
        // Nearly all values are plain ASCII, which needs no decoding.
        if bytes.allSatisfy(isPlain) { return nil }
        guard let text = String(validating: bytes, as: UTF8.self) else { return "is not UTF-8" }
        for scalar in text.unicodeScalars {
            switch scalar {
            case "+", "#", "/": return "contains `\(scalar)`"
            case _ where ControlCharacters.contains(scalar): return "contains a control character"
            case _: continue
            }
        }
        return nil
    }

    /// Printable ASCII without a meaning in topics.
    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "+"), UInt8(ascii: "#"), UInt8(ascii: "/"): false
        case 0x20...0x7E: true
        case _: false
        }
    }
}

/// Text from a certificate or a packet as it may be shown: in a log line, in a terminal, in an explanation.
enum SafeText {
    /// Characters of a value that are shown: enough to know it by, and a bound on what a hostile one costs.
    static let shownCharactersMax = 256

    /// The text with control characters as `\XX` pairs, cut at ``shownCharactersMax``.
    static func shown(_ text: String) -> String {
        var shown = ""
        for (position, scalar) in text.unicodeScalars.enumerated() {
            guard position < shownCharactersMax else { return shown + "…" }
            if ControlCharacters.contains(scalar) {
                for byte in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter {
                    shown += "\\\(DistinguishedName.hexadecimal([byte]))"
                }
            } else {
                shown.unicodeScalars.append(scalar)
            }
        }
        return shown
    }

    static func shown(_ bytes: some Sequence<UInt8>) -> String {
        // One byte more than can be shown: whoever is cut is seen to be cut.
        shown(String(decoding: Array(bytes.prefix(shownCharactersMax * 4 + 4)), as: UTF8.self))
    }
}

extension DistinguishedName {
    /// For details and explanations: the string form, cut at a length that no real name has.
    var shown: String { SafeText.shown(description) }
}

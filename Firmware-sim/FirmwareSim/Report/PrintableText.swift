/// Names, reasons and other texts come from files and peers. What would disturb a terminal, a table or a document
/// is replaced before they are shown.
enum PrintableText {
    /// Characters shown of one text; longer ones end in an ellipsis.
    static let charactersMax = 300

    /// Without control characters (escape sequences, line breaks) and without those that turn the direction of
    /// writing, each replaced by U+FFFD, and no longer than ``charactersMax``.
    static func clean(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isDisturbing) || text.utf8.count > charactersMax else { return text }
        var output = String.UnicodeScalarView()
        var count = 0
        for scalar in text.unicodeScalars {
            guard count < charactersMax else {
                output.append("\u{2026}")
                break
            }
            output.append(isDisturbing(scalar) ? "\u{FFFD}" : scalar)
            count += 1
        }
        return String(output)
    }

    /// Also what XML 1.0 (section 2.2) does not allow at all.
    private static func isDisturbing(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0...0x1F, 0x7F...0x9F: true
        case 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
        case let value: value & 0xFFFE == 0xFFFE
        }
    }
}

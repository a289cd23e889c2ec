/// The kinds of text a capture takes, each one or more characters.
enum CaptureType: String, Sendable, CaseIterable {
    /// Anything.
    case any
    /// `0` to `9`.
    case digits
    /// Lower-case ASCII letters, digits, `-` and `_`.
    case slug
    /// Hexadecimal digits in either case.
    case hex

    private static let digitBytes = ByteSet(0x30...0x39)
    private static let slugBytes = ByteSet(0x61...0x7A, 0x30...0x39, 0x2D...0x2D, 0x5F...0x5F)
    private static let hexadecimalBytes = ByteSet(0x30...0x39, 0x41...0x46, 0x61...0x66)

    var bytes: ByteSet {
        switch self {
        case .any: .all
        case .digits: Self.digitBytes
        case .slug: Self.slugBytes
        case .hex: Self.hexadecimalBytes
        }
    }
}

extension CaptureType {
    /// How many bytes a captured value may have: what a pattern reads of a value at all.
    static let allLengths = 1...PolicyBounds.matchedValueBytesMax

    /// Reads what stands behind the colon of a capture: a type, a length or a range of lengths in parentheses, or both
    /// (`digits`, `digits(8)`, `hex(4-16)`, `(1-20)`). Lengths are bytes.
    static func parse(_ text: String?) throws(BracedText.Malformed) -> (CaptureType, ClosedRange<Int>) {
        guard let text else { return (.any, allLengths) }
        guard let open = text.firstIndex(of: "(") else { return (try type(named: text), allLengths) }
        let name = String(text[..<open])
        let rest = text[text.index(after: open)...]
        guard rest.last == ")", let lengths = lengths(rest.dropLast()) else {
            throw BracedText.Malformed(
                message: "`\(text[open...])` is not a length",
                hint: "a number of bytes or a range within 1 to \(allLengths.upperBound), such as (8) or (4-16)")
        }
        return (name.isEmpty ? .any : try type(named: name), lengths)
    }

    private static func lengths(_ text: Substring) -> ClosedRange<Int>? {
        let parts = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        let numbers = parts.compactMap { part in
            part.utf8.count <= 3 ? ScalarText.integer(String(part)) : nil
        }
        guard let low = numbers.first, let high = numbers.last, numbers.count == parts.count,
            allLengths.contains(low), allLengths.contains(high), low <= high
        else { return nil }
        return low...high
    }

    private static func type(named name: String) throws(BracedText.Malformed) -> CaptureType {
        if let type = CaptureType(rawValue: name) { return type }
        let words = CaptureType.allCases.map(\.rawValue)
        throw BracedText.Malformed(
            message: "`\(name)` is not a type of capture (\(words.joined(separator: ", ")))",
            hint: Spelling.nearest(to: name, among: words).map { "did you mean `\($0)`?" })
    }
}

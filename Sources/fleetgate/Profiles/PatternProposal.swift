/// A pattern proposed for one value of a sample certificate: what is likely to differ from device to device becomes a
/// capture.
struct PatternProposal: Hashable {
    /// Digits and letters of a hexadecimal number, at least: shorter ones are words (`add`, `fee`).
    private static let hexLengthMin = 6

    struct Capture: Hashable {
        let name: String
        let value: String
    }

    /// With captures.
    private(set) var pattern = ""
    /// The same for the device id: captures without their types.
    private(set) var template = ""
    private(set) var captures: [Capture] = []

    /// Runs of digits become captures of digits, long hexadecimal numbers captures of hexadecimal digits. Where there
    /// is neither, the last part of a name such as `gateway-east` is captured as a slug.
    init(_ value: String) {
        let pieces = Self.pieces(value)
        if pieces.contains(where: { $0.type != nil }) {
            add(pieces)
        } else if let start = value.utf8.lastIndex(where: { "-_.:/".utf8.contains($0) }).map(value.utf8.index(after:)),
            Self.isSlug(value[start...])
        {
            add([Piece(text: value[..<start], type: nil), Piece(text: value[start...], type: "slug")])
        } else if Self.isSlug(value[...]) {
            add([Piece(text: value[...], type: "slug")])
        } else {
            add([Piece(text: value[...], type: nil)])
        }
    }

    /// What can be made of a pattern that was given: its text with captures that have lost their types, and the names
    /// of the captures. What is no whole pattern stays as it is; the check of the profile says what is wrong with it.
    static func template(of pattern: String) -> (text: String, captures: [String]) {
        var text = ""
        var captures: [String] = []
        var rest = pattern[...]
        while let character = rest.first {
            if rest.hasPrefix("{{") || rest.hasPrefix("}}") {
                text += rest.prefix(2)
                rest = rest.dropFirst(2)
            } else if character == "{", let end = rest.firstIndex(of: "}") {
                let name = String(rest.dropFirst().prefix { $0 != ":" && $0 != "}" })
                captures.append(name)
                text += "{\(name)}"
                rest = rest[rest.index(after: end)...]
            } else {
                text.append(character)
                rest = rest.dropFirst()
            }
        }
        return (text, captures)
    }

    private struct Piece {
        let text: Substring
        /// The capture's type; nil: text that stays.
        let type: String?
    }

    private static func pieces(_ value: String) -> [Piece] {
        var pieces: [Piece] = []
        var rest = value[...]
        func isHex(_ byte: UInt8) -> Bool {
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
        }
        func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
        var text = rest.prefix(0)
        func flush() {
            if !text.isEmpty { pieces.append(Piece(text: text, type: nil)) }
        }
        while let first = rest.utf8.first {
            let hex = rest.prefix { $0.asciiValue.map(isHex) ?? false }
            let digits = rest.prefix { $0.asciiValue.map(isDigit) ?? false }
            // A hexadecimal number stands alone between separators: `meter4` has none.
            let isAlone =
                text.last.map { !$0.isLetter } ?? true && rest[hex.endIndex...].first.map { !$0.isLetter } ?? true
            let found: (Substring, String)? =
                if isAlone, hex.count > digits.count, hex.count >= hexLengthMin, hex.utf8.contains(where: isDigit) {
                    (hex, "hex")
                } else if isDigit(first) {
                    (digits, "digits")
                } else {
                    nil
                }
            guard let (capture, type) = found else {
                let end = rest.index(after: rest.startIndex)
                text = value[text.isEmpty ? rest.startIndex..<end : text.startIndex..<end]
                rest = rest[end...]
                continue
            }
            flush()
            text = rest.prefix(0)
            pieces.append(Piece(text: capture, type: type))
            rest = rest[capture.endIndex...]
        }
        flush()
        return pieces
    }

    private mutating func add(_ pieces: [Piece]) {
        let count = pieces.count { $0.type != nil }
        for piece in pieces {
            guard let type = piece.type else {
                pattern += Self.braced(piece.text)
                template += Self.braced(piece.text)
                continue
            }
            // The last number of a name is mostly the one that counts.
            let name = captures.count == count - 1 ? (type == "slug" ? "name" : "serial") : "part\(captures.count + 1)"
            captures.append(Capture(name: name, value: String(piece.text)))
            pattern += "{\(name):\(type)}"
            template += "{\(name)}"
        }
    }

    private static func isSlug(_ text: Substring) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy {
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
            }
    }

    /// Text of a value as a pattern has it: braces doubled.
    static func braced(_ text: some StringProtocol) -> String {
        text.reduce(into: "") { $0 += $1 == "{" ? "{{" : $1 == "}" ? "}}" : String($1) }
    }
}

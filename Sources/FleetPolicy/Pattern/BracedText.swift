/// Text with `{name}` or `{name:type}` in it, as patterns and templates are written. `{{` and `}}` stand for braces.
struct BracedText: Sendable {
    enum Piece: Sendable, Equatable {
        /// Never empty, and never next to another literal.
        case literal(String)
        case placeholder(name: String, type: String?)
    }

    /// Why a text cannot be read, in the words of an error message.
    struct Malformed: Error {
        let message: String
        let hint: String?
    }

    let pieces: [Piece]

    init(parsing text: String) throws(Malformed) {
        guard text.utf8.count <= PolicyBounds.patternBytesMax else {
            throw Malformed(message: "longer than \(PolicyBounds.patternBytesMax) bytes", hint: nil)
        }
        let bytes = Array(text.utf8)
        guard
            bytes.allSatisfy({ (0x20...0x7E).contains($0) })
                || !text.unicodeScalars.contains(where: ControlCharacters.contains)
        else {
            throw Malformed(message: "contains a control character", hint: nil)
        }
        var pieces: [Piece] = []
        var literal: [UInt8] = []
        // By bytes: to `Character`, a brace with a combining mark after it would be another letter.
        var position = 0
        while position < bytes.count {
            let byte = bytes[position]
            let isDoubled = position + 1 < bytes.count && bytes[position + 1] == byte
            switch byte {
            case Self.open where isDoubled, Self.close where isDoubled:
                literal.append(byte)
                position += 2
            case Self.open:
                guard let end = bytes[position...].firstIndex(of: Self.close) else {
                    throw Malformed(message: "`{` without its `}`", hint: "write `{{` for a brace itself")
                }
                if !literal.isEmpty { pieces.append(.literal(String(decoding: literal, as: UTF8.self))) }
                literal.removeAll()
                pieces.append(try Self.placeholder(String(decoding: bytes[position + 1..<end], as: UTF8.self)))
                position = end + 1
            case Self.close:
                throw Malformed(message: "`}` without its `{`", hint: "write `}}` for a brace itself")
            case _:
                literal.append(byte)
                position += 1
            }
        }
        if !literal.isEmpty { pieces.append(.literal(String(decoding: literal, as: UTF8.self))) }
        self.pieces = pieces
    }

    private static let open = UInt8(ascii: "{")
    private static let close = UInt8(ascii: "}")

    private static func placeholder(_ text: String) throws(Malformed) -> Piece {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let name = parts.first.map(String.init) ?? ""
        guard isName(registryAttribute(in: name).map { Substring($0) } ?? name[...]) else {
            throw Malformed(
                message: "`{\(text)}` is not a placeholder",
                hint: "a name of lower-case letters, digits, `-` and `_`, such as {serial} or {serial:digits}")
        }
        return .placeholder(name: name, type: parts.count == 2 ? String(parts[1]) : nil)
    }

    /// The attribute that `registry.NAME` names; nil when the placeholder is of another kind.
    static func registryAttribute(in name: String) -> String? {
        name.hasPrefix(registryPrefix) ? String(name.dropFirst(registryPrefix.count)) : nil
    }

    /// Before the name of an attribute of the registered device.
    static let registryPrefix = "registry."

    private static func isName(_ name: Substring) -> Bool {
        let bytes = name.utf8
        guard let first = bytes.first, bytes.count <= PolicyBounds.placeholderNameBytesMax else { return false }
        return (0x61...0x7A).contains(first) && bytes.allSatisfy(CaptureType.slug.bytes.contains)
    }
}

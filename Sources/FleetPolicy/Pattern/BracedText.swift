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
        guard !text.unicodeScalars.contains(where: ControlCharacters.contains) else {
            throw Malformed(message: "contains a control character", hint: nil)
        }
        var pieces: [Piece] = []
        var literal = String.UnicodeScalarView()
        // By scalars: to `Character`, a brace with a combining mark after it would be another letter.
        var rest = text.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            switch scalar {
            case "{" where rest.first == "{", "}" where rest.first == "}":
                rest.removeFirst()
                literal.append(scalar)
            case "{":
                guard let end = rest.firstIndex(of: "}") else {
                    throw Malformed(message: "`{` without its `}`", hint: "write `{{` for a brace itself")
                }
                if !literal.isEmpty { pieces.append(.literal(String(literal))) }
                literal.removeAll()
                pieces.append(try Self.placeholder(String(rest[..<end])))
                rest = rest[rest.index(after: end)...]
            case "}":
                throw Malformed(message: "`}` without its `{`", hint: "write `}}` for a brace itself")
            case _:
                literal.append(scalar)
            }
        }
        if !literal.isEmpty { pieces.append(.literal(String(literal))) }
        self.pieces = pieces
    }

    private static func placeholder(_ text: String) throws(Malformed) -> Piece {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let name = parts.first.map(String.init) ?? ""
        let isName =
            name.utf8.count <= PolicyBounds.placeholderNameBytesMax
            && name.first.map { $0.isASCII && $0.isLowercase } == true
            && name.allSatisfy { $0.isASCII && ($0.isLowercase || $0.isWholeNumber || $0 == "-" || $0 == "_") }
        guard isName else {
            throw Malformed(
                message: "`{\(text)}` is not a placeholder",
                hint: "a name of lower-case letters, digits, `-` and `_`, such as {serial} or {serial:digits}")
        }
        return .placeholder(name: name, type: parts.count == 2 ? String(parts[1]) : nil)
    }
}

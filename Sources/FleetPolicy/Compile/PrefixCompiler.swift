/// Compiles `topic-prefix`: what stands before every topic of a device at the broker. Whole levels, so that no prefix
/// is the beginning of another device's level.
struct PrefixCompiler {
    /// Nil when the match is wrong: placeholders cannot be checked then.
    let match: CompiledMatch?
    let mistakes: MistakeCollector

    /// Nil when something is wrong, which has been reported.
    ///
    /// - Parameter slot: gives a placeholder of `PlaceholderLookup` its place among a device's values.
    func compile(_ text: Located<String>, slot: (Int) -> Int) -> PrefixTemplate? {
        let before = mistakes.mistakes.count
        let pieces: [BracedText.Piece]
        do throws(BracedText.Malformed) {
            pieces = try BracedText(parsing: text.value).pieces
        } catch {
            mistakes.report(.badTopicPrefix, about: text, error.message, hint: error.hint)
            return nil
        }
        var parts: [PrefixTemplate.Part] = []
        for piece in pieces {
            switch piece {
            case .literal(let literal):
                parts.append(.literal(Array(literal.utf8)))
            case .placeholder("device", nil):
                parts.append(.placeholder(CompiledProfile.deviceSlot))
            case .placeholder("tenant", nil):
                parts.append(.placeholder(CompiledProfile.tenantSlot))
            case .placeholder(let name, let type):
                if TopicCompiler.reservedNames.contains(name) {
                    mistakes.report(
                        .badValue, about: text, "`{\(name)}`: this placeholder takes no type", hint: "write {\(name)}")
                } else if let index = PlaceholderLookup(match: match, mistakes: mistakes).index(
                    of: name, type, in: text)
                {
                    parts.append(.placeholder(slot(index)))
                }
            }
        }
        check(text, pieces)
        return mistakes.mistakes.count == before && match != nil ? PrefixTemplate(parts: parts) : nil
    }

    private func check(_ text: Located<String>, _ pieces: [BracedText.Piece]) {
        func report(_ message: String, hint: String? = nil) {
            mistakes.report(.badTopicPrefix, about: text, message, hint: hint)
        }
        guard case .literal(let last)? = pieces.last, last.utf8.last == UInt8(ascii: "/") else {
            report("a topic prefix has to end with `/`", hint: "such as \"{tenant}/\": it is put before whole topics")
            return
        }
        let literals = pieces.compactMap { piece -> String? in
            if case .literal(let literal) = piece { literal } else { nil }
        }
        if literals.contains(where: { $0.utf8.contains(UInt8(ascii: "+")) || $0.utf8.contains(UInt8(ascii: "#")) }) {
            report("a topic prefix has no wildcards")
        }
        if text.value.utf8.first == UInt8(ascii: "$") {
            report("topics that begin with `$` belong to the broker", hint: "choose another first level")
        }
    }
}

extension OperatorMistake.Code {
    /// A topic prefix that is not whole levels of plain text and placeholders.
    public static let badTopicPrefix = Self("bad-topic-prefix")
}

/// Compiles the templates of device id and tenant.
struct IdentityCompiler {
    /// Nil when the match is wrong: placeholders cannot be checked then.
    let match: CompiledMatch?
    let mistakes: MistakeCollector

    /// Compiles the device id, which has to tell the holders of different certificates apart.
    func compileDevice(_ text: Located<String>) -> IdentityTemplate? {
        guard let template = compile(text) else { return nil }
        guard let match else { return template }
        let captures = template.captureIndexes.map { match.captures[$0] }
        guard captures.contains(where: \.isOfHolder) || captures.isEmpty && match.namesOneHolder else {
            mistakes.report(
                .unsafeIdentity, about: text, "every certificate that matches would be the same device",
                hint: "use a capture of `subject` or `san`")
            return nil
        }
        return template
    }

    func compile(_ text: Located<String>) -> IdentityTemplate? {
        let pieces: [BracedText.Piece]
        do throws(BracedText.Malformed) {
            pieces = try BracedText(parsing: text.value).pieces
        } catch {
            mistakes.report(.badValue, about: text, error.message, hint: error.hint)
            return nil
        }
        var parts: [IdentityTemplate.Piece] = []
        var isSound = true
        for (position, piece) in pieces.enumerated() {
            switch piece {
            case .literal(let literal):
                if let objection = objection(to: literal, isFirst: position == 0) {
                    isSound = false
                    mistakes.report(.badValue, about: text, objection)
                }
                parts.append(.literal(Array(literal.utf8)))
            case .placeholder(let name, let type):
                guard BracedText.registryAttribute(in: name) == nil else {
                    isSound = false
                    mistakes.report(
                        .unsafeIdentity, about: text,
                        "`{\(name)}`: the registry knows a device by its identity, which cannot depend on the registry",
                        hint: "use a capture of `match`")
                    continue
                }
                guard let index = PlaceholderLookup(match: match, mistakes: mistakes).index(of: name, type, in: text)
                else {
                    isSound = false
                    continue
                }
                parts.append(.capture(index))
            }
        }
        guard !pieces.isEmpty else {
            mistakes.report(.badValue, about: text, "an empty text is no identity")
            return nil
        }
        guard isSound, match != nil else { return nil }
        guard isUniquelyReadable(parts) else {
            mistakes.report(
                .unsafeIdentity, about: text, "different captures could give the same text",
                hint: "separate them with a character that their types exclude, such as `.` after {site:slug}")
            return nil
        }
        return IdentityTemplate(parts)
    }

    private func objection(to literal: String, isFirst: Bool) -> String? {
        // Only the first part may not begin with `$`.
        guard let objection = PlaceholderValue.objection(to: Array((isFirst ? literal : "x\(literal)").utf8)) else {
            return nil
        }
        return "the text `\(literal)` \(objection)"
    }

    /// Whether the captures can be told from the filled-in text, so that two devices whose captures differ never
    /// get one identity (`a-b` and `c` against `a` and `b-c`).
    ///
    /// True when the text between each two captures has a byte that the capture before it cannot contain (then the text
    /// can be read from the left), or for each two one that the capture after it cannot contain (from the right).
    private func isUniquelyReadable(_ parts: [IdentityTemplate.Piece]) -> Bool {
        guard let match else { return true }
        var fromLeft = true
        var fromRight = true
        var before: ByteSet?
        var between: [UInt8] = []
        for part in parts {
            switch part {
            case .literal(let bytes):
                between = bytes
            case .capture(let index):
                let bytes = match.captures[index].bytes
                if let before {
                    fromLeft = fromLeft && between.contains { !before.contains($0) }
                    fromRight = fromRight && between.contains { !bytes.contains($0) }
                }
                before = bytes
                between = []
            }
        }
        return fromLeft || fromRight
    }
}

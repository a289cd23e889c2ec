extension MappingReader {
    /// A text and where it stands.
    public mutating func text(_ key: String) -> Located<String>? {
        guard let node = node(key) else { return nil }
        return ScalarReader(mistakes).text(node, key: keyPath(key))
    }

    /// A text that has to be there, and where it stands.
    public mutating func requiredText(_ key: String, hint: String? = nil) -> Located<String>? {
        guard let node = requiredNode(key, hint: hint) else { return nil }
        return ScalarReader(mistakes).text(node, key: keyPath(key))
    }

    /// A text.
    public mutating func string(_ key: String) -> String? {
        text(key)?.value
    }

    /// A text that has to be there.
    public mutating func requiredString(_ key: String, hint: String? = nil) -> String? {
        requiredText(key, hint: hint)?.value
    }

    /// A whole number within a range.
    public mutating func int(_ key: String, in range: ClosedRange<Int>) -> Int? {
        guard let node = node(key) else { return nil }
        return ScalarReader(mistakes).int(node, key: keyPath(key), in: range)
    }

    /// `true` or `false`.
    public mutating func bool(_ key: String) -> Bool? {
        guard let node = node(key) else { return nil }
        return ScalarReader(mistakes).bool(node, key: keyPath(key))
    }

    /// A duration with its unit (`500ms`, `30s`, `5m`, `24h`, `7d`) within a range.
    public mutating func duration(_ key: String, in range: ClosedRange<Duration>) -> Duration? {
        guard let node = node(key) else { return nil }
        return ScalarReader(mistakes).duration(node, key: keyPath(key), in: range)
    }

    /// A duration of whole seconds within a range, for values that MQTT counts in seconds.
    public mutating func wholeSeconds(_ key: String, in range: ClosedRange<Int>) -> Int? {
        guard let found = duration(key, in: .seconds(range.lowerBound) ... .seconds(range.upperBound)) else {
            return nil
        }
        let (seconds, attoseconds) = found.components
        guard attoseconds == 0 else {
            mistakes.report(
                .badValue, at: location(of: key), key: keyPath(key), "has to be whole seconds",
                hint: "MQTT counts this in seconds")
            return nil
        }
        return Int(seconds)
    }

    /// A number of bytes (`512`, `64KiB`, `1 MiB`) within a range.
    public mutating func byteSize(_ key: String, in range: ClosedRange<Int>) -> Int? {
        guard let node = node(key) else { return nil }
        return ScalarReader(mistakes).byteSize(node, key: keyPath(key), in: range)
    }

    /// One of a few words: the raw values of an enum.
    public mutating func choice<Choice>(_ key: String, of type: Choice.Type) -> Choice?
    where Choice: CaseIterable & RawRepresentable, Choice.RawValue == String {
        guard let text = text(key) else { return nil }
        if let choice = Choice(rawValue: text.value) { return choice }
        let words = Choice.allCases.map(\.rawValue)
        let hint = Spelling.nearest(to: text.value, among: words).map { "did you mean `\($0)`?" }
        mistakes.report(
            .badValue, about: text, "`\(text.value)` is not one of \(words.joined(separator: ", "))", hint: hint)
        return nil
    }
}

/// Reads single values, and reports those that are not what was asked for.
struct ScalarReader {
    private let mistakes: MistakeCollector

    init(_ mistakes: MistakeCollector) {
        self.mistakes = mistakes
    }

    func text(_ node: SourceNode, key: String) -> Located<String>? {
        switch node {
        case .scalar(let text, _, let location):
            guard !node.isNull else { break }
            return Located(text, location: location, key: key)
        case .mapping(let entries, let location):
            // An unquoted `{serial}` is a mapping with one key and no value, which nobody means.
            if entries.count == 1, let entry = entries.first, entry.value.isNull {
                mistakes.report(
                    .wrongKind, at: location, key: key, "expected a text, found a mapping",
                    hint: "text that begins with a brace needs quotes: \"{\(entry.key)}\"")
                return nil
            }
        case .sequence:
            break
        }
        mistakes.report(.wrongKind, at: node.location, key: key, "expected a text, found \(node.kind)")
        return nil
    }

    func int(_ node: SourceNode, key: String, in range: ClosedRange<Int>) -> Int? {
        guard let text = plain(node, key: key, expected: "a whole number") else { return nil }
        guard let value = ScalarText.integer(text.value) else {
            mistakes.report(.badValue, about: text, "`\(text.value)` is not a whole number")
            return nil
        }
        guard range.contains(value) else {
            mistakes.report(
                .outOfRange, about: text, "\(value) is not within \(range.lowerBound) to \(range.upperBound)")
            return nil
        }
        return value
    }

    func bool(_ node: SourceNode, key: String) -> Bool? {
        guard let text = plain(node, key: key, expected: "true or false") else { return nil }
        switch text.value {
        case "true": return true
        case "false": return false
        case _:
            mistakes.report(.badValue, about: text, "`\(text.value)` is neither `true` nor `false`")
            return nil
        }
    }

    func duration(_ node: SourceNode, key: String, in range: ClosedRange<Duration>) -> Duration? {
        guard let text = text(node, key: key) else { return nil }
        guard let value = ScalarText.duration(text.value) else {
            mistakes.report(
                .badValue, about: text, "`\(text.value)` is not a duration",
                hint: "a whole number and a unit: 500ms, 30s, 5m, 24h, 7d")
            return nil
        }
        guard range.contains(value) else {
            let (lowest, highest) = (ScalarText.text(of: range.lowerBound), ScalarText.text(of: range.upperBound))
            mistakes.report(.outOfRange, about: text, "\(text.value) is not within \(lowest) to \(highest)")
            return nil
        }
        return value
    }

    func byteSize(_ node: SourceNode, key: String, in range: ClosedRange<Int>) -> Int? {
        guard let text = text(node, key: key) else { return nil }
        guard let value = ScalarText.byteSize(text.value) else {
            mistakes.report(
                .badValue, about: text, "`\(text.value)` is not a number of bytes",
                hint: "a whole number, alone or with B, KiB, MiB or GiB")
            return nil
        }
        guard range.contains(value) else {
            let lowest = ScalarText.text(ofBytes: range.lowerBound)
            let highest = ScalarText.text(ofBytes: range.upperBound)
            mistakes.report(.outOfRange, about: text, "\(text.value) is not within \(lowest) to \(highest)")
            return nil
        }
        return value
    }

    /// A value that must stand without quotes, because quotes say "this is text".
    private func plain(_ node: SourceNode, key: String, expected: String) -> Located<String>? {
        guard case .scalar(let text, let quoted, let location) = node, !node.isNull else {
            mistakes.report(.wrongKind, at: node.location, key: key, "expected \(expected), found \(node.kind)")
            return nil
        }
        guard !quoted else {
            mistakes.report(
                .wrongKind, at: location, key: key, "expected \(expected), found a text in quotes",
                hint: "remove the quotes")
            return nil
        }
        return Located(text, location: location, key: key)
    }
}

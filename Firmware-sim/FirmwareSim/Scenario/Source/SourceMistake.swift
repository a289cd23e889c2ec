/// A place in a file, lines and columns counted from 1.
struct SourcePlace: Sendable, Hashable, Comparable, CustomStringConvertible {
    var file: String
    var line: Int
    var column: Int

    var description: String { "\(file):\(line):\(column)" }

    static func < (left: SourcePlace, right: SourcePlace) -> Bool {
        (left.file, left.line, left.column) < (right.file, right.line, right.column)
    }
}

/// One mistake in a file that an operator wrote. The fault is always the operator's.
struct SourceMistake: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of mistake it is; the raw value is stable, for tools that read listings.
    enum Code: String, Sendable, CaseIterable {
        /// The file is not there, too large, or not text.
        case unreadable
        /// The text is not YAML.
        case badYAML = "bad-yaml"
        /// YAML of a kind that is not taken here: anchors, aliases, tags.
        case unsupportedYAML = "unsupported-yaml"
        case unknownKey = "unknown-key"
        case duplicateKey = "duplicate-key"
        case missingKey = "missing-key"
        /// A list where a text is due, and the like.
        case wrongKind = "wrong-kind"
        case badValue = "bad-value"
        case outOfRange = "out-of-range"
        /// It names something that is not there.
        case unknownName = "unknown-name"
        case duplicateName = "duplicate-name"
        /// Each value may stand, but not together.
        case contradiction
    }

    var code: Code
    var place: SourcePlace
    /// The path of the key, such as `fleets[2].count`; empty for the document itself.
    var key: String
    var problem: String
    var hint: String?

    /// `file:line:column: key: problem (hint)`, the form editors jump to.
    var description: String {
        var text = "\(place): "
        if !key.isEmpty { text += "\(key): " }
        text += problem
        if let hint { text += " (\(hint))" }
        return text
    }
}

/// All mistakes of one or several files: at least one, in the order of their places.
struct SourceMistakes: Error, Sendable, Equatable, CustomStringConvertible {
    let mistakes: [SourceMistake]

    init(_ mistakes: [SourceMistake]) {
        self.mistakes = mistakes.sorted { ($0.place, $0.key, $0.problem) < ($1.place, $1.key, $1.problem) }
    }

    /// One line for each.
    var description: String { mistakes.map(\.description).joined(separator: "\n") }
}

/// Where readers put the mistakes they find. Used by one task at a time, while a file is read.
final class MistakeCollector {
    private(set) var mistakes: [SourceMistake] = []
    /// Mistakes beyond this are not kept: nobody reads more, and a hostile file could hold a million.
    static let mistakesMax = 200

    func report(_ code: SourceMistake.Code, at place: SourcePlace, key: String, _ problem: String, hint: String? = nil)
    {
        guard mistakes.count < Self.mistakesMax else { return }
        mistakes.append(SourceMistake(code: code, place: place, key: key, problem: problem, hint: hint))
    }

    /// Ends a reading: throws what was collected, or returns when there is nothing to say.
    func throwIfAny() throws(SourceMistakes) {
        if !mistakes.isEmpty { throw SourceMistakes(mistakes) }
    }
}

@available(*, unavailable) extension MistakeCollector: Sendable {}

/// One mistake in a document that an operator wrote. The fault is always the operator's, never a device's.
public struct OperatorMistake: Error, Sendable, Hashable {
    /// What kind of mistake it is: stable and in kebab-case, for tools that read listings.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        public let description: String

        public init(_ description: String) {
            self.description = description
        }

        public static let unknownKey = Code("unknown-key")
        public static let duplicateKey = Code("duplicate-key")
        public static let missingKey = Code("missing-key")
        public static let wrongKind = Code("wrong-kind")
        public static let badValue = Code("bad-value")
        public static let outOfRange = Code("out-of-range")
        public static let badPattern = Code("bad-pattern")
        public static let badTopicFilter = Code("bad-topic-filter")
        public static let undefinedPlaceholder = Code("undefined-placeholder")
        public static let unsafeIdentity = Code("unsafe-identity")
        public static let duplicateProfile = Code("duplicate-profile")
        public static let identicalMatch = Code("identical-match")
        public static let unknownProfile = Code("unknown-profile")
        public static let cyclicExtends = Code("cyclic-extends")
        public static let badQuarantine = Code("bad-quarantine")
        public static let overlappingMatch = Code("overlapping-match")
        public static let unreachableProfile = Code("unreachable-profile")
    }

    public let location: SourceLocation
    /// The dotted path of the key, such as `limits.keep-alive.max`; empty for the document itself.
    public let key: String
    public let message: String
    public let hint: String?
    public let code: Code

    public init(_ code: Code, at location: SourceLocation, key: String, _ message: String, hint: String? = nil) {
        self.code = code
        self.location = location
        self.key = key
        self.message = message
        self.hint = hint
    }
}

extension OperatorMistake: CustomStringConvertible {
    /// `file:line:column: key: message (hint: …)`, the form editors can jump to.
    public var description: String {
        var text = "\(location): "
        if !key.isEmpty { text += "\(key): " }
        text += message
        if let hint { text += " (hint: \(hint))" }
        return text
    }
}

/// All the mistakes of one or several documents: at least one, in the order of their places.
public struct OperatorMistakes: Error, Sendable, Hashable {
    public let mistakes: [OperatorMistake]

    /// Sorts the mistakes by place; nil when there are none.
    public init?(_ mistakes: [OperatorMistake]) {
        guard !mistakes.isEmpty else { return nil }
        self.mistakes = mistakes.sorted { ($0.location, $0.key, $0.message) < ($1.location, $1.key, $1.message) }
    }
}

extension OperatorMistakes: CustomStringConvertible {
    /// One line for each mistake.
    public var description: String {
        mistakes.map(\.description).joined(separator: "\n")
    }
}

/// Where readers and compilers put the mistakes they find, so that the operator sees all of them at once.
///
/// Used by one task at a time, while documents are read.
public final class MistakeCollector {
    public private(set) var mistakes: [OperatorMistake] = []

    public init() {}

    public func report(_ mistake: OperatorMistake) {
        mistakes.append(mistake)
    }

    public func report(
        _ code: OperatorMistake.Code, at location: SourceLocation, key: String, _ message: String, hint: String? = nil
    ) {
        mistakes.append(OperatorMistake(code, at: location, key: key, message, hint: hint))
    }

    func report<Value>(
        _ code: OperatorMistake.Code, about value: Located<Value>, _ message: String, hint: String? = nil
    ) {
        report(code, at: value.location, key: value.key, message, hint: hint)
    }

    /// Ends a reading: throws everything collected, or returns when there is nothing to say.
    public func throwIfAny() throws(OperatorMistakes) {
        if let all = OperatorMistakes(mistakes) { throw all }
    }
}

@available(*, unavailable) extension MistakeCollector: Sendable {}

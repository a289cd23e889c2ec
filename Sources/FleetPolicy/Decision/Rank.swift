/// How closely a match describes a certificate: three counts, compared in their order; more is more specific.
public struct Specificity: Sendable, Hashable, Codable, Comparable {
    /// Conditions that name one certificate or one holder exactly: a fingerprint, a whole subject.
    public let exact: Int
    /// Other conditions that only one value fulfils, or one of a list: literal texts, key types, policies.
    public let literals: Int
    /// Conditions that many values fulfil: patterns with captures, ranges.
    public let patterns: Int

    public init(exact: Int = 0, literals: Int = 0, patterns: Int = 0) {
        self.exact = exact
        self.literals = literals
        self.patterns = patterns
    }

    public static func < (left: Specificity, right: Specificity) -> Bool {
        (left.exact, left.literals, left.patterns) < (right.exact, right.literals, right.patterns)
    }
}

/// The place of a profile in the order in which profiles are tried: the higher rank decides. Profiles of one rank that
/// match the same certificate are ambiguous.
public struct Rank: Sendable, Hashable, Codable, Comparable {
    public let priority: Int
    public let specificity: Specificity

    public init(priority: Int, specificity: Specificity) {
        self.priority = priority
        self.specificity = specificity
    }

    public static func < (left: Rank, right: Rank) -> Bool {
        (left.priority, left.specificity) < (right.priority, right.specificity)
    }
}

extension Rank: CustomStringConvertible {
    public var description: String {
        "priority \(priority), \(specificity.exact) exact, \(specificity.literals) literal, "
            + "\(specificity.patterns) pattern"
    }
}

/// Finds profiles that get in each other's way, before any certificate does.
///
/// A certificate is taken to have one value of each field: one with several values (two common names) can satisfy
/// conditions that look disjoint here, which is found when it is presented and refused as ambiguous.
struct MatchAnalysis {
    /// A profile, as far as its match goes.
    struct Subject {
        let name: String
        let location: SourceLocation
        let rank: Rank
        /// All of them have to hold.
        let conditions: [Condition]
    }

    /// What a condition lets through.
    enum Allowed: Hashable {
        case pattern(ValuePattern)
        /// Whole values.
        case oneOf(Set<[UInt8]>)
        /// Whole numbers.
        case range(ClosedRange<Int>)
    }

    struct Condition: Hashable {
        /// Conditions of one name look at the same part of a certificate or its connection.
        let field: String
        let allowed: Allowed
    }

    enum Finding: Hashable {
        /// Two subjects of one rank that a certificate can satisfy both; the lower index first.
        case overlapping(Int, Int)
        /// A subject of a higher rank takes every certificate that this one could match.
        case unreachable(Int, by: Int)
    }

    /// Overlaps after which the search ends: nobody reads more, and a fleet of which every profile overlaps
    /// every other would otherwise give their number squared.
    static let overlapsMax = 1_000

    /// Finds what is wrong among subjects, in the order of the subjects' indexes. For each unreachable subject one is
    /// named that takes all from it. Takes about as long as sorting the subjects, unless very many begin and end alike.
    static func findings(_ subjects: [Subject]) -> [Finding] {
        var search = FindingSearch(subjects)
        MatchCandidates.each(of: subjects) { first, second in search.examine(first, second) }
        return search.findings
    }

    /// The same, by comparing each with each.
    static func findingsByComparingAll(_ subjects: [Subject]) -> [Finding] {
        var search = FindingSearch(subjects)
        for second in subjects.indices {
            for first in 0..<second where !search.examine(first, second) { return search.findings }
        }
        return search.findings
    }

    /// Whether a certificate can satisfy both.
    static func overlap(_ left: Subject, _ right: Subject) -> Bool {
        left.conditions.allSatisfy { condition in
            right.conditions.allSatisfy { $0.field != condition.field || $0.allowed.intersects(condition.allowed) }
        }
    }

    /// Whether `upper` accepts every certificate that `lower` accepts. False when it is not sure.
    static func accepts(_ upper: Subject, allOf lower: Subject) -> Bool {
        guard !linksCaptures(upper) || upper.conditions == lower.conditions else { return false }
        return upper.conditions.allSatisfy { condition in
            lower.conditions.contains { $0.field == condition.field && condition.allowed.includes($0.allowed) }
        }
    }

    /// Whether a capture stands in two conditions, whose values then have to be the same: one condition alone does not
    /// say what is accepted.
    private static func linksCaptures(_ subject: Subject) -> Bool {
        var names: Set<String> = []
        for condition in subject.conditions {
            if case .pattern(let pattern) = condition.allowed {
                for capture in pattern.captures where !names.insert(capture.name).inserted { return true }
            }
        }
        return false
    }
}

/// The findings so far.
private struct FindingSearch {
    private let subjects: [MatchAnalysis.Subject]
    private let ranks: [Rank]
    private var overlaps: Set<[Int]> = []
    /// By the index of the unreachable one: of those that take all from it the highest, then the first.
    private var unreachable: [Int: Int] = [:]

    init(_ subjects: [MatchAnalysis.Subject]) {
        self.subjects = subjects
        ranks = subjects.map(\.rank)
    }

    var findings: [MatchAnalysis.Finding] {
        let all: [(Int, Int, MatchAnalysis.Finding)] =
            overlaps.map { ($0[0], $0[1], .overlapping($0[0], $0[1])) }
            + unreachable.map { ($0.key, $0.value, .unreachable($0.key, by: $0.value)) }
        return all.sorted { ($0.0, $0.1) < ($1.0, $1.1) }.map(\.2)
    }

    /// Compares two subjects, each pair any number of times. False when enough has been found.
    mutating func examine(_ first: Int, _ second: Int) -> Bool {
        if ranks[first] == ranks[second] {
            guard MatchAnalysis.overlap(subjects[first], subjects[second]) else { return true }
            overlaps.insert([min(first, second), max(first, second)])
            return overlaps.count < MatchAnalysis.overlapsMax
        }
        let (upper, lower) = ranks[first] > ranks[second] ? (first, second) : (second, first)
        if let known = unreachable[lower], (ranks[known], upper) >= (ranks[upper], known) { return true }
        if MatchAnalysis.accepts(subjects[upper], allOf: subjects[lower]) { unreachable[lower] = upper }
        return true
    }
}

/// Names the pairs of subjects that are worth comparing, so that ten thousand need not be compared with each other.
///
/// How it works: 1. subjects whose conditions look at the same fields form a family; 2. for each two families, of every
/// field that both look at, the texts with which the allowed values begin (or end) are sorted: two subjects can only
/// have a value in common when the text of one begins with the text of the other; 3. the field that leaves the fewest
/// pairs is taken, and those pairs are named. Families without a field in common have pairs of one rank only, all of
/// which overlap.
enum MatchCandidates {
    typealias Subject = MatchAnalysis.Subject

    /// Which end of a field's values is looked at.
    private struct Aspect: Hashable {
        let field: String
        let isSuffix: Bool
    }

    /// A text that a subject's values of a field begin with, and whether they are exactly that.
    private struct Key {
        let text: [UInt8]
        let isWhole: Bool
        let subject: Int
        let family: Int
    }

    private struct Family {
        let fields: Set<String>
        var members: [Int] = []
    }

    /// Calls `examine` with pairs of different subjects until it says false; some come more than once.
    static func each(of subjects: [Subject], examine: (Int, Int) -> Bool) {
        let families = families(of: subjects)
        for (index, family) in families.enumerated() {
            for (otherIndex, other) in families[...index].enumerated() {
                let isSame = index == otherIndex
                let shared = family.fields.intersection(other.fields)
                let aspects = shared.sorted().flatMap {
                    [Aspect(field: $0, isSuffix: false), Aspect(field: $0, isSuffix: true)]
                }
                var best: [Key]?
                var bestCount = Int.max
                for aspect in aspects {
                    guard let keys = keys(of: subjects, family.members, isSame ? [] : other.members, aspect) else {
                        continue
                    }
                    let count = countPairs(keys, limit: bestCount)
                    if count < bestCount { (best, bestCount) = (keys, count) }
                }
                let goesOn =
                    if let best {
                        eachPair(best, isSame: isSame, examine)
                    } else if shared.isEmpty {
                        eachOfOneRank(subjects, family, other, examine)
                    } else {
                        eachOf(family, other, isSame: isSame, examine)
                    }
                guard goesOn else { return }
            }
        }
    }

    private static func families(of subjects: [Subject]) -> [Family] {
        var places: [Set<String>: Int] = [:]
        var families: [Family] = []
        for (index, subject) in subjects.enumerated() {
            let fields = Set(subject.conditions.map(\.field))
            let place = places[fields] ?? families.count
            if place == families.count {
                places[fields] = place
                families.append(Family(fields: fields))
            }
            families[place].members.append(index)
        }
        return families
    }

    // MARK: Pairs by their texts

    /// The sorted keys of both families; nil when the field's values are numbers.
    private static func keys(
        of subjects: [Subject], _ first: [Int], _ second: [Int], _ aspect: Aspect
    ) -> [Key]? {
        var keys: [Key] = []
        for (family, members) in [first, second].enumerated() {
            for member in members {
                // Of several conditions on one field any will do: all of them have to hold.
                guard let condition = subjects[member].conditions.first(where: { $0.field == aspect.field }) else {
                    return nil
                }
                func add(_ text: some Collection<UInt8>, isWhole: Bool) {
                    keys.append(Key(text: Array(text), isWhole: isWhole, subject: member, family: family))
                }
                switch condition.allowed {
                case .pattern(let pattern):
                    if aspect.isSuffix {
                        add(pattern.suffix.reversed(), isWhole: pattern.isLiteral)
                    } else {
                        add(pattern.prefix, isWhole: pattern.isLiteral)
                    }
                case .oneOf(let values):
                    for value in values { add(aspect.isSuffix ? value.reversed() : value, isWhole: true) }
                case .range:
                    return nil
                }
            }
        }
        return keys.sorted { left, right in
            left.text == right.text
                ? (left.isWhole ? 1 : 0) < (right.isWhole ? 1 : 0) : left.text.lexicographicallyPrecedes(right.text)
        }
    }

    /// Walks over the sorted keys with a stack of those whose text the key at hand begins with: they stand before it,
    /// shorter ones first. Ends, with false, when `visit` says false.
    private static func sweep(_ keys: [Key], _ visit: (_ key: Key, _ open: [Key]) -> Bool) -> Bool {
        var open: [Key] = []
        for key in keys {
            while let last = open.last {
                let fits = last.isWhole ? last.text == key.text : key.text.starts(with: last.text)
                if fits { break }
                open.removeLast()
            }
            guard visit(key, open) else { return false }
            open.append(key)
        }
        return true
    }

    /// How many pairs a sweep meets; `limit` when there are as many or more.
    private static func countPairs(_ keys: [Key], limit: Int) -> Int {
        var count = 0
        let isBelow = sweep(keys) { _, open in
            count += open.count
            return count < limit
        }
        return isBelow ? count : limit
    }

    private static func eachPair(_ keys: [Key], isSame: Bool, _ examine: (Int, Int) -> Bool) -> Bool {
        sweep(keys) { key, open in
            open.allSatisfy { other in
                other.subject == key.subject || !isSame && other.family == key.family
                    || examine(other.subject, key.subject)
            }
        }
    }

    // MARK: All pairs

    private static func eachOf(
        _ family: Family, _ other: Family, isSame: Bool, _ examine: (Int, Int) -> Bool
    ) -> Bool {
        for (position, first) in family.members.enumerated() {
            for second in isSame ? other.members[..<position] : other.members[...] where !examine(first, second) {
                return false
            }
        }
        return true
    }

    private static func eachOfOneRank(
        _ subjects: [Subject], _ family: Family, _ other: Family, _ examine: (Int, Int) -> Bool
    ) -> Bool {
        let ranks = Dictionary(grouping: other.members) { subjects[$0].rank }
        for first in family.members {
            for second in ranks[subjects[first].rank] ?? [] where second != first && !examine(first, second) {
                return false
            }
        }
        return true
    }
}

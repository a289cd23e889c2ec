import Testing

@testable import FleetPolicy

/// Compares indexes of 32 random filters with a naive reference: each filter has a mark of its own, so one walk answers
/// for 32 pairs. Together the tests look at more than five million pairs.
@Suite struct TopicIndexPropertyTests {
    typealias Alphabet = FilterTemplatePropertyTests

    /// What the topics say about every two filters of the small alphabet: covering is inclusion of the sets of topics
    /// they match, overlapping is that the sets have a member in common.
    struct Relations {
        /// `matches[filter][topic]`.
        var matches: [[Bool]] = []
        /// `covers[filter][requested]`.
        var covers: [[Bool]] = []
        var overlaps: [[Bool]] = []

        init() {
            var words: [[UInt64]] = []
            for filter in Alphabet.filters {
                var row = [UInt64](repeating: 0, count: (Alphabet.topics.count + 63) / 64)
                var found: [Bool] = []
                for (index, topic) in Alphabet.topics.enumerated() {
                    let isMatch = Alphabet.referenceMatches(filter, topic)
                    found.append(isMatch)
                    if isMatch { row[index >> 6] |= 1 << UInt64(index & 63) }
                }
                matches.append(found)
                words.append(row)
            }
            for mine in words {
                var covered: [Bool] = []
                var overlapped: [Bool] = []
                for theirs in words {
                    var outside: UInt64 = 0
                    var common: UInt64 = 0
                    var place = 0
                    while place < mine.count {
                        outside |= theirs[place] & ~mine[place]
                        common |= theirs[place] & mine[place]
                        place += 1
                    }
                    covered.append(outside == 0)
                    overlapped.append(common != 0)
                }
                covers.append(covered)
                overlaps.append(overlapped)
            }
        }
    }

    static let relations = Relations()
    static let topicTexts = Alphabet.topics.map { Array($0.joined(separator: "/").utf8) }
    static let filterTexts = Alphabet.filters.map { Array($0.joined(separator: "/").utf8) }
    static let values = PlaceholderValues([Array("a".utf8), Array("b".utf8)])

    /// An index of 32 filters of the alphabet, by their places there.
    static func sample(_ random: inout SeededRandom) throws -> (index: TopicIndex, chosen: [Int]) {
        let chosen = (0..<32).map { _ in Int.random(in: 0..<Alphabet.filters.count, using: &random) }
        var filters: [(filter: FilterTemplate, marks: TopicIndex.Marks)] = []
        for (place, filter) in chosen.enumerated() {
            let template = try Alphabet.template(Alphabet.filters[filter], using: &random).template
            filters.append((template, 1 << TopicIndex.Marks(place)))
        }
        return (TopicIndexBuilder.index(of: filters), chosen)
    }

    /// The marks of those of the chosen filters for which a row of a table says yes.
    static func expected(_ table: [[Bool]], _ chosen: [Int], _ column: Int) -> TopicIndex.Marks {
        var marks: TopicIndex.Marks = 0
        var place = 0
        while place < chosen.count {
            if table[chosen[place]][column] { marks |= 1 << TopicIndex.Marks(place) }
            place += 1
        }
        return marks
    }

    /// 40 x 780 x 32 pairs for each seed.
    @Test(arguments: [101, 102] as [UInt64])
    func topicsAreMatchedAsTheReferenceSays(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for _ in 0..<40 {
            let (index, chosen) = try Self.sample(&random)
            for (column, text) in Self.topicTexts.enumerated() {
                let marks = index.marks(covering: text.span, with: Self.values)
                if marks != Self.expected(Self.relations.matches, chosen, column) {
                    Issue.record("\(Alphabet.topics[column]) in \(chosen.map { Alphabet.filters[$0] })")
                }
            }
        }
    }

    /// 50 x 309 x 32 pairs for each seed and question.
    @Test(arguments: [103, 104] as [UInt64])
    func filtersAreCoveredAsTheTopicsSay(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for _ in 0..<50 {
            let (index, chosen) = try Self.sample(&random)
            for (column, text) in Self.filterTexts.enumerated() {
                let marks = index.marks(covering: text.span, with: Self.values)
                if marks != Self.expected(Self.relations.covers, chosen, column) {
                    Issue.record("\(Alphabet.filters[column]) in \(chosen.map { Alphabet.filters[$0] })")
                }
            }
        }
    }

    @Test(arguments: [105, 106] as [UInt64])
    func filtersOverlapAsTheTopicsSay(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for _ in 0..<50 {
            let (index, chosen) = try Self.sample(&random)
            for (column, text) in Self.filterTexts.enumerated() {
                let marks = index.marks(overlapping: text.span, with: Self.values)
                if marks != Self.expected(Self.relations.overlaps, chosen, column) {
                    Issue.record("\(Alphabet.filters[column]) in \(chosen.map { Alphabet.filters[$0] })")
                }
            }
        }
    }

    // MARK: Levels made of several parts

    /// MQTT 4.7 but for the parent of `#`, with numbers for levels: 0 is `+`, 1 is `#`, 2 and 3 begin with `$`.
    private static func isMatch(_ filter: [Int], _ topic: [Int], from place: Int = 0) -> Bool {
        if place == 0, !filter.isEmpty, filter[0] < 2, topic[0] == 2 || topic[0] == 3 { return false }
        if place == filter.count { return place == topic.count }
        if filter[place] == 1 { return true }
        if place == topic.count { return false }
        if filter[place] != 0, filter[place] != topic[place] { return false }
        return isMatch(filter, topic, from: place + 1)
    }

    /// Random levels that become equal, or nearly so, once the values are filled in: 60 x 400 x 32 pairs for each seed.
    @Test(arguments: [107, 108] as [UInt64])
    func levelsWithPlaceholdersAreTheirText(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let written = [
            "+", "#", "$a", "${device}", "", "a", "b", "ab", "a-b", "ba", "{device}", "{tenant}", "a{device}",
            "{tenant}b", "{device}{tenant}", "{device}-{tenant}", "é", "aaaaaaaaaaaaaaaaaaaaaaaa{device}",
            "aaaaaaaaaaaaaaaaaaaaaaaaa", "x{tenant}y",
        ]
        for _ in 0..<60 {
            let device = ["a", "b", "ab", "é"].randomElement(using: &random) ?? "a"
            let tenant = ["b", "a", "-b"].randomElement(using: &random) ?? "b"
            let values = PlaceholderValues([Array(device.utf8), Array(tenant.utf8)])
            var numbers = ["+": 0, "#": 1]
            var texts = ["+", "#"]
            var numberOfWritten: [Int] = []
            // `$…` first, so that their numbers are 2 and 3; where both are one text, 3 stays unused.
            for level in written {
                let text = level.split(separator: "{device}", omittingEmptySubsequences: false)
                    .joined(separator: device).split(separator: "{tenant}", omittingEmptySubsequences: false)
                    .joined(separator: tenant)
                if level == "", texts.count == 3 { texts.append("\0unused") }
                if numbers[text] == nil {
                    numbers[text] = texts.count
                    texts.append(text)
                }
                numberOfWritten.append(numbers[text] ?? 0)
            }
            var filters: [(filter: FilterTemplate, marks: TopicIndex.Marks)] = []
            var naive: [[Int]] = []
            for place in 0..<32 {
                var levels = (0..<Int.random(in: 1...4, using: &random)).map { _ -> Int in
                    let level = Int.random(in: 0..<written.count, using: &random)
                    return level == 1 ? 0 : level
                }
                if Int.random(in: 0..<4, using: &random) == 0 { levels.append(1) }
                let text = levels.map { written[$0] }.joined(separator: "/")
                guard !text.isEmpty else { continue }
                filters.append((try FilledTemplate(text).template, 1 << TopicIndex.Marks(place)))
                naive.append([place] + levels.map { numberOfWritten[$0] })
            }
            let index = TopicIndexBuilder.index(of: filters)
            for _ in 0..<400 {
                let topic = (0..<Int.random(in: 1...4, using: &random)).map { _ -> Int in
                    let level = Int.random(in: 2..<texts.count, using: &random)
                    return texts[level] == "\0unused" ? 2 : level
                }
                let text = Array(topic.map { texts[$0] }.joined(separator: "/").utf8)
                guard !text.isEmpty else { continue }
                var expected: TopicIndex.Marks = 0
                for filter in naive {
                    let levels = Array(filter.dropFirst())
                    // `a/#` also matches `a`.
                    let matchesParent = levels.count > 1 && levels.last == 1 && Self.isMatch(levels.dropLast(), topic)
                    if Self.isMatch(levels, topic) || matchesParent { expected |= 1 << TopicIndex.Marks(filter[0]) }
                }
                if index.marks(covering: text.span, with: values) != expected {
                    Issue.record("\(topic.map { texts[$0] }), device \(device), tenant \(tenant)")
                }
            }
        }
    }
}

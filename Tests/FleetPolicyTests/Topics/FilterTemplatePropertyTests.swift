import Testing

@testable import FleetPolicy

/// Compares the compiled filters with a naive reference over every filter and every topic of a small alphabet.
///
/// How it works: 1. enumerate all filters of up to three levels and an optional `#`; 2. enumerate all topics of up to
/// four levels, with a level (`c`) that no filter names; 3. let the reference say which topics each filter matches;
/// 4. covering must be inclusion of these sets, overlapping must be that they have a member in common.
@Suite struct FilterTemplatePropertyTests {
    static let filterLevels = ["", "a", "b", "$x", "+"]
    static let topicLevels = ["", "a", "b", "$x", "c"]

    static func sequences(of levels: [String], counts: ClosedRange<Int>) -> [[String]] {
        var all: [[String]] = []
        var current: [[String]] = [[]]
        for count in 1...counts.upperBound {
            current = current.flatMap { head in levels.map { head + [$0] } }
            if counts.contains(count) { all += current }
        }
        return all
    }

    /// MQTT 4.7, level by level.
    static func referenceMatch(_ filter: [String], _ topic: [String]) -> Bool {
        if let first = filter.first, first == "+" || first == "#", topic[0].hasPrefix("$") { return false }
        for (index, level) in filter.enumerated() {
            if level == "#" { return true }
            guard index < topic.count, level == "+" || level == topic[index] else { return false }
        }
        return filter.count == topic.count
    }

    /// `sport/#` also matches `sport`: the reference takes the level before `#` as the end.
    static func referenceMatches(_ filter: [String], _ topic: [String]) -> Bool {
        referenceMatch(filter, topic)
            || filter.last == "#" && filter.count > 1 && referenceMatch(filter.dropLast(), topic)
    }

    static let filters: [[String]] = {
        let plain = sequences(of: filterLevels, counts: 1...3)
        return (plain + plain.map { $0 + ["#"] } + [["#"]]).filter { $0 != [""] }
    }()
    /// The empty topic included: it cannot be published, and counting it errs towards denying.
    static let topics = sequences(of: topicLevels, counts: 1...4)

    /// Writes a filter as a profile might: `a` as text or as the device, `b` as text or as the tenant.
    static func template(_ filter: [String], using random: inout SeededRandom) throws -> FilledTemplate {
        let text = filter.map { level in
            switch level {
            case "a" where Bool.random(using: &random): "{device}"
            case "b" where Bool.random(using: &random): "{tenant}"
            case _: level
            }
        }.joined(separator: "/")
        return try FilledTemplate(text, device: "a", tenant: "b")
    }

    @Test func coveringAndOverlappingAreWhatTheTopicsSay() throws {
        var random = SeededRandom(seed: 47)
        let wordCount = (Self.topics.count + 63) / 64
        let topicTexts = Self.topics.map { Array($0.joined(separator: "/").utf8) }
        let templates = try Self.filters.map { try Self.template($0, using: &random) }
        var matched: [[UInt64]] = []
        for (filter, template) in zip(Self.filters, templates) {
            var words = [UInt64](repeating: 0, count: wordCount)
            for (index, topic) in Self.topics.enumerated() {
                let matches = Self.referenceMatches(filter, topic)
                if matches { words[index / 64] |= 1 << UInt64(index % 64) }
                let text = topicTexts[index]
                if template.template.covers(text.span, with: template.values) != matches {
                    Issue.record("\(filter) and the topic \(topic)")
                }
            }
            matched.append(words)
        }
        let texts = Self.filters.map { Array($0.joined(separator: "/").utf8) }
        for (index, template) in templates.enumerated() {
            for (other, text) in texts.enumerated() {
                let mine = matched[index]
                let theirs = matched[other]
                let isCovered = zip(mine, theirs).allSatisfy { $1 & ~$0 == 0 }
                let isOverlapped = zip(mine, theirs).contains { $0 & $1 != 0 }
                if template.template.covers(text.span, with: template.values) != isCovered {
                    Issue.record("\(Self.filters[index]) covers \(Self.filters[other]): should be \(isCovered)")
                }
                if template.template.overlaps(text.span, with: template.values) != isOverlapped {
                    Issue.record("\(Self.filters[index]) overlaps \(Self.filters[other]): should be \(isOverlapped)")
                }
            }
        }
    }

    @Test func placeholdersWithinALevelMatchLikeTheirText() throws {
        var random = SeededRandom(seed: 48)
        let pieces = ["a", "-", "ab", "{device}", "{tenant}", "/", "/", "é"]
        for _ in 0..<20_000 {
            let device = ["a", "ab", "-a", "é"].randomElement(using: &random) ?? "a"
            let tenant = ["b", "ba", "a"].randomElement(using: &random) ?? "b"
            let count = Int.random(in: 1...6, using: &random)
            let text = (0..<count).map { _ in pieces.randomElement(using: &random) ?? "a" }.joined()
            let filled = text.split(separator: "{device}", omittingEmptySubsequences: false).joined(separator: device)
                .split(separator: "{tenant}", omittingEmptySubsequences: false).joined(separator: tenant)
            let template = try FilledTemplate(text, device: device, tenant: tenant)
            var topic = filled
            if Bool.random(using: &random), let last = topic.popLast() {
                topic += ["", "x", "\(last)a"].randomElement(using: &random) ?? ""
            }
            guard !topic.isEmpty else { continue }
            let isSame = topic.utf8.elementsEqual(filled.utf8)
            #expect(template.covers(topic) == isSame, "\(text) \(topic)")
            #expect(template.overlaps(topic) == isSame, "\(text) \(topic)")
        }
    }

    /// Whatever comes in a packet, well-formed or not, is answered.
    @Test func arbitraryBytesAreAnswered() throws {
        var random = SeededRandom(seed: 49)
        let bytes = Array("ab/+#$\0é".utf8)
        let grant = try grant(
            "publish: [\"a/{device}/#\", \"+/b\", \"#\"]\nsubscribe: [\"a/{device}/#\", \"+/b\"]\ndeny-subscribe: [\"a/+/b\", \"b/#\"]"
        )
        for _ in 0..<50_000 {
            let text = (0..<Int.random(in: 0...9, using: &random)).map { _ in bytes.randomElement(using: &random) ?? 0 }
            if !TopicText.isTopicName(text.span) {
                let publish = grant.permitsPublish(topic: text.span, qos: 0, retain: false)
                let delivery = grant.permitsDelivery(topic: text.span)
                #expect(publish == .denied(.invalidTopic))
                #expect(!delivery)
            }
            let isFilter = TopicText.isTopicFilter(text.span)
            if case .granted = grant.permitsSubscribe(filter: text.span, qos: 2) { #expect(isFilter) }
        }
    }
}

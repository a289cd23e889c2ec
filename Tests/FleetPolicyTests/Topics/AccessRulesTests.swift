import Testing

@testable import FleetPolicy

/// The verdicts of random rules against a plain walk over their lists.
@Suite struct AccessRulesTests {
    private static let levels = ["a", "b", "{device}", "{tenant}", "+", "$x", "ab{device}"]
    private static let topicLevels = ["a", "b", "c", "$x", "aba", "abb"]
    private static let values = PlaceholderValues([Array("a".utf8), Array("b".utf8)])

    private static func text(_ levels: [String], _ random: inout SeededRandom, tail: Bool) -> String {
        var chosen = (0..<Int.random(in: 1...3, using: &random)).map { _ in levels.randomElement(using: &random) ?? "a"
        }
        if tail, Bool.random(using: &random) { chosen.append("#") }
        return chosen.joined(separator: "/")
    }

    private static func filters(_ counts: ClosedRange<Int>, _ random: inout SeededRandom) throws -> [FilterTemplate] {
        try (0..<Int.random(in: counts, using: &random)).map { _ in
            try FilledTemplate(text(levels, &random, tail: true)).template
        }
    }

    private static func publishRules(_ random: inout SeededRandom) throws -> [AccessRules.PublishRule] {
        try filters(0...4, &random).map {
            AccessRules.PublishRule(
                filter: $0, maximumQoS: UInt8.random(in: 0...2, using: &random),
                allowsRetain: Bool.random(using: &random))
        }
    }

    private static func verdict(
        _ rules: [AccessRules.PublishRule], _ denied: [FilterTemplate], _ topic: [UInt8], qos: UInt8, retain: Bool
    ) -> PublishVerdict {
        if denied.contains(where: { $0.covers(topic.span, with: values) }) { return .denied(.topicDenied) }
        let matching = rules.filter { $0.filter.covers(topic.span, with: values) }
        if matching.isEmpty { return .denied(.topicNotAllowed) }
        let strongEnough = matching.filter { $0.maximumQoS >= qos }
        if strongEnough.isEmpty { return .denied(.qosTooHigh) }
        return !retain || strongEnough.contains(where: \.allowsRetain) ? .granted : .denied(.retainNotAllowed)
    }

    @Test(arguments: [201, 202] as [UInt64])
    func publishesAndWills(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for round in 0..<150 {
            let publish = try Self.publishRules(&random)
            let wills = try Self.publishRules(&random)
            let denied = try Self.filters(0...1, &random)
            let will: AccessRules.WillRule = [.none, .likePublish, .listed(wills)][round % 3]
            let rules = AccessRules(
                publish: publish, denyPublish: denied, subscribe: [], denySubscribe: [], will: will)
            for _ in 0..<60 {
                let topic = Array(Self.text(Self.topicLevels, &random, tail: false).utf8)
                let qos = UInt8.random(in: 0...3, using: &random)
                let retain = Bool.random(using: &random)
                let published = rules.publishVerdict(topic: topic.span, qos: qos, retain: retain, values: Self.values)
                #expect(published == Self.verdict(publish, denied, topic, qos: qos, retain: retain))
                let left = rules.willVerdict(topic: topic.span, qos: qos, retain: retain, values: Self.values)
                switch will {
                case .none: #expect(left == .denied(.willNotAllowed))
                case .likePublish: #expect(left == published)
                case .listed: #expect(left == Self.verdict(wills, denied, topic, qos: qos, retain: retain))
                }
            }
        }
    }

    @Test(arguments: [203, 204] as [UInt64])
    func subscriptionsAndDeliveries(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for _ in 0..<150 {
            let subscribe = try Self.filters(0...4, &random).map {
                AccessRules.SubscribeRule(
                    filter: $0, maximumQoS: UInt8.random(in: 0...2, using: &random),
                    allowsShared: Bool.random(using: &random))
            }
            let denied = try Self.filters(0...1, &random)
            let rules = AccessRules(
                publish: [], denyPublish: [], subscribe: subscribe, denySubscribe: denied, will: .none)
            for _ in 0..<60 {
                let filter = Array(Self.text(Self.topicLevels + ["+"], &random, tail: true).utf8)
                let qos = UInt8.random(in: 0...2, using: &random)
                let isShared = Bool.random(using: &random)
                let requested = (isShared ? Array("$share/g/".utf8) : []) + filter
                let verdict = rules.subscribeVerdict(filter: requested.span, qos: qos, values: Self.values)
                let covering = subscribe.filter { $0.filter.covers(filter.span, with: Self.values) }
                let usable = covering.filter { !isShared || $0.allowsShared }
                if denied.contains(where: { $0.overlaps(filter.span, with: Self.values) }) {
                    #expect(verdict == .denied(.filterDenied))
                } else if covering.isEmpty {
                    #expect(verdict == .denied(.filterNotAllowed))
                } else if let highest = usable.map(\.maximumQoS).max() {
                    #expect(verdict == .granted(maximumQoS: min(qos, highest)))
                } else {
                    #expect(verdict == .denied(.sharedNotAllowed))
                }
                let topic = Array(Self.text(Self.topicLevels, &random, tail: false).utf8)
                let isDelivered = rules.permitsDelivery(topic: topic.span, values: Self.values)
                #expect(
                    isDelivered
                        == (subscribe.contains { $0.filter.covers(topic.span, with: Self.values) }
                            && !denied.contains { $0.covers(topic.span, with: Self.values) }))
            }
        }
    }

    /// As many levels as a packet can have, against filters that branch at each of theirs.
    @Test func longTopicsAreAnswered() throws {
        let deep = try (0..<64).map { place in
            try FilledTemplate((0..<64).map { $0 == place ? "{device}" : "+" }.joined(separator: "/") + "/#").template
        }
        let rules = AccessRules(
            publish: deep.map { AccessRules.PublishRule(filter: $0, maximumQoS: 1, allowsRetain: false) },
            denyPublish: [], subscribe: [], denySubscribe: deep, will: .none)
        let long = Array(String(repeating: "a/", count: 32_767).utf8)
        #expect(rules.publishVerdict(topic: long.span, qos: 1, retain: false, values: Self.values) == .granted)
        let other = Array(String(repeating: "b/", count: 32_767).utf8)
        #expect(
            rules.publishVerdict(topic: other.span, qos: 1, retain: false, values: Self.values)
                == .denied(.topicNotAllowed))
        let wildcards = Array(String(repeating: "+/", count: 32_767).utf8) + [UInt8(ascii: "#")]
        #expect(rules.subscribeVerdict(filter: wildcards.span, qos: 1, values: Self.values) == .denied(.filterDenied))
    }
}

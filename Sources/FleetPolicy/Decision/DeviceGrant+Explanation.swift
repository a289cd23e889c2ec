extension DeviceGrant {
    /// Says whether the device may publish, and by which entry of its profile. The verdict is that of
    /// ``permitsPublish(topic:qos:retain:)``.
    public func explainPublish(topic: String, qos: UInt8, retain: Bool) -> TopicExplanation {
        let verdict = permitsPublish(topic: Array(topic.utf8).span, qos: qos, retain: retain)
        return explanation(
            .publish, topic, verdict,
            entry: decidingEntry(profile.rules.publish, .publish, topic, qos: qos, retain: retain, verdict))
    }

    /// Says whether the device may leave a will, and by which entry of its profile. The verdict is that of
    /// ``permitsWill(topic:qos:retain:)``.
    public func explainWill(topic: String, qos: UInt8, retain: Bool) -> TopicExplanation {
        let verdict = permitsWill(topic: Array(topic.utf8).span, qos: qos, retain: retain)
        let entry: RuleEntry? =
            switch profile.rules.will {
            case .none: nil
            case .likePublish:
                decidingEntry(profile.rules.publish, .publish, topic, qos: qos, retain: retain, verdict)
            case .listed(let rules): decidingEntry(rules, .will, topic, qos: qos, retain: retain, verdict)
            }
        return explanation(.will, topic, verdict, entry: entry)
    }

    /// Says whether the device may subscribe, and by which entry of its profile. The verdict is that of
    /// ``permitsSubscribe(filter:qos:)``.
    public func explainSubscribe(filter: String, qos: UInt8) -> TopicExplanation {
        let requested = Array(filter.utf8)
        let shown = SafeText.shown(filter)
        switch permitsSubscribe(filter: requested.span, qos: qos) {
        case .granted(let maximumQoS):
            let entry = subscribeEntry(requested) { rule, isShared in !isShared || rule.allowsShared }
            let lowered = maximumQoS < qos ? ", at QoS \(maximumQoS)" : ""
            return TopicExplanation(
                action: .subscribe, topic: shown, isGranted: true, code: nil, maximumQoS: Int(maximumQoS),
                entry: entry, text: "allowed\(lowered)" + Self.by(entry))
        case .denied(let denial):
            let entry: RuleEntry? =
                switch denial {
                case .invalidFilter, .filterNotAllowed: nil
                case .filterDenied: denySubscribeEntry(requested)
                case .sharedNotAllowed: subscribeEntry(requested) { _, _ in true }
                }
            return TopicExplanation(
                action: .subscribe, topic: shown, isGranted: false, code: denial.rawValue, maximumQoS: nil,
                entry: entry, text: Self.words(for: denial) + Self.by(entry))
        }
    }

    /// All that the device may do on topics, with its own values filled in.
    public func effectiveRules() -> EffectiveRules {
        let rules = profile.rules
        let sources = profile.sources
        var entries = zip(rules.publish, sources.publish).map { entry(.publish, $1, publish: $0) }
        entries += sources.denyPublish.map { entry(.denyPublish, $0) }
        entries += zip(rules.subscribe, sources.subscribe).map { entry(.subscribe, $1, subscribe: $0) }
        entries += sources.denySubscribe.map { entry(.denySubscribe, $0) }
        var willLikePublish = false
        switch rules.will {
        case .none: break
        case .likePublish: willLikePublish = true
        case .listed(let wills): entries += zip(wills, sources.will).map { entry(.will, $1, publish: $0) }
        }
        return EffectiveRules(
            device: key, profile: profileName, topicPrefix: topicPrefix, entries: entries,
            willLikePublish: willLikePublish)
    }

    // MARK: The entry that decides

    private func decidingEntry(
        _ rules: [AccessRules.PublishRule], _ list: RuleEntry.List, _ topic: String, qos: UInt8, retain: Bool,
        _ verdict: PublishVerdict
    ) -> RuleEntry? {
        let name = Array(topic.utf8)
        let sources = list == .will ? profile.sources.will : profile.sources.publish
        func first(_ isMeant: (AccessRules.PublishRule) -> Bool) -> RuleEntry? {
            zip(rules, sources).first { isMeant($0.0) && $0.0.filter.covers(name.span, with: values) }
                .map { entry(list, $1, publish: $0) }
        }
        switch verdict {
        case .granted:
            return first { qos <= $0.maximumQoS && (!retain || $0.allowsRetain) }
        case .denied(.topicDenied):
            return zip(profile.rules.denyPublish, profile.sources.denyPublish)
                .first { $0.0.covers(name.span, with: values) }.map { entry(.denyPublish, $1) }
        case .denied(.qosTooHigh):
            return first { qos > $0.maximumQoS }
        case .denied(.retainNotAllowed):
            return first { qos <= $0.maximumQoS && !$0.allowsRetain }
        case .denied(.invalidTopic), .denied(.topicNotAllowed), .denied(.willNotAllowed):
            return nil
        }
    }

    private func subscribeEntry(
        _ requested: [UInt8], isMeant: (AccessRules.SubscribeRule, _ isShared: Bool) -> Bool
    ) -> RuleEntry? {
        guard let start = TopicText.start(ofFilterIn: requested.span) else { return nil }
        let filter = Array(requested[start...])
        // Of several entries that cover the filter, the one with the highest QoS is what the device gets.
        var best: (rule: AccessRules.SubscribeRule, source: Located<String>)?
        for (rule, source) in zip(profile.rules.subscribe, profile.sources.subscribe)
        where isMeant(rule, start > 0) && rule.filter.covers(filter.span, with: values) {
            if rule.maximumQoS > best?.rule.maximumQoS ?? 0 || best == nil { best = (rule, source) }
        }
        return best.map { entry(.subscribe, $0.source, subscribe: $0.rule) }
    }

    private func denySubscribeEntry(_ requested: [UInt8]) -> RuleEntry? {
        guard let start = TopicText.start(ofFilterIn: requested.span) else { return nil }
        let filter = Array(requested[start...])
        return zip(profile.rules.denySubscribe, profile.sources.denySubscribe)
            .first { $0.0.overlaps(filter.span, with: values) }.map { entry(.denySubscribe, $1) }
    }

    // MARK: Texts

    private func entry(
        _ list: RuleEntry.List, _ source: Located<String>, publish: AccessRules.PublishRule? = nil,
        subscribe: AccessRules.SubscribeRule? = nil
    ) -> RuleEntry {
        RuleEntry(
            list: list, written: source.value, filter: profile.filled(source.value, with: values),
            location: source.location, maximumQoS: (publish?.maximumQoS ?? subscribe?.maximumQoS).map { Int($0) },
            allowsRetain: publish?.allowsRetain, allowsShared: subscribe?.allowsShared)
    }

    private func explanation(
        _ action: TopicExplanation.Action, _ topic: String, _ verdict: PublishVerdict, entry: RuleEntry?
    ) -> TopicExplanation {
        let shown = SafeText.shown(topic)
        switch verdict {
        case .granted:
            return TopicExplanation(
                action: action, topic: shown, isGranted: true, code: nil, maximumQoS: nil, entry: entry,
                text: "allowed" + Self.by(entry))
        case .denied(let denial):
            return TopicExplanation(
                action: action, topic: shown, isGranted: false, code: denial.rawValue, maximumQoS: nil, entry: entry,
                text: Self.words(for: denial) + Self.by(entry))
        }
    }

    private static func by(_ entry: RuleEntry?) -> String {
        entry.map { ", by `\($0.written)` in \($0.list.rawValue) (\($0.location))" } ?? ""
    }

    private static func words(for denial: PublishDenial) -> String {
        switch denial {
        case .invalidTopic: "refused: not a topic name"
        case .topicNotAllowed: "refused: no entry of the profile allows the topic"
        case .topicDenied: "refused: the topic is denied"
        case .qosTooHigh: "refused: the topic is allowed at a lower QoS"
        case .retainNotAllowed: "refused: the topic is allowed, but without retain"
        case .willNotAllowed: "refused: the profile allows no will"
        }
    }

    private static func words(for denial: SubscribeDenial) -> String {
        switch denial {
        case .invalidFilter: "refused: not a topic filter"
        case .filterNotAllowed: "refused: no entry of the profile allows every topic that the filter matches"
        case .filterDenied: "refused: the filter matches topics that are denied"
        case .sharedNotAllowed: "refused: the filter is allowed, but not as a shared subscription"
        }
    }
}

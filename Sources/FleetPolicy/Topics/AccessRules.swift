/// What one profile permits on topics: compiled once, shared by every device of the profile.
///
/// Default deny; deny beats allow. All questions take time in proportion to the rules, and allocate nothing.
struct AccessRules: Sendable, Hashable {
    struct PublishRule: Sendable, Hashable {
        let filter: FilterTemplate
        let maximumQoS: UInt8
        let allowsRetain: Bool
    }

    struct SubscribeRule: Sendable, Hashable {
        let filter: FilterTemplate
        let maximumQoS: UInt8
        let allowsShared: Bool
    }

    /// Which wills are permitted; a will is always bound by `denyPublish` too.
    enum WillRule: Sendable, Hashable {
        case none
        case likePublish
        case listed([PublishRule])
    }

    let publish: [PublishRule]
    let denyPublish: [FilterTemplate]
    let subscribe: [SubscribeRule]
    let denySubscribe: [FilterTemplate]
    let will: WillRule

    func publishVerdict(
        topic: Span<UInt8>, qos: UInt8, retain: Bool, values: PlaceholderValues
    ) -> PublishVerdict {
        verdict(by: publish, topic: topic, qos: qos, retain: retain, values: values)
    }

    func willVerdict(
        topic: Span<UInt8>, qos: UInt8, retain: Bool, values: PlaceholderValues
    ) -> PublishVerdict {
        switch will {
        case .none: .denied(.willNotAllowed)
        case .likePublish: verdict(by: publish, topic: topic, qos: qos, retain: retain, values: values)
        case .listed(let rules): verdict(by: rules, topic: topic, qos: qos, retain: retain, values: values)
        }
    }

    func subscribeVerdict(
        filter requested: Span<UInt8>, qos: UInt8, values: PlaceholderValues
    ) -> SubscribeVerdict {
        guard let start = TopicText.start(ofFilterIn: requested) else { return .denied(.invalidFilter) }
        let filter = requested.extracting(start..<requested.count)
        guard TopicText.isTopicFilter(filter) else { return .denied(.invalidFilter) }
        for rule in denySubscribe where rule.overlaps(filter, with: values) { return .denied(.filterDenied) }
        let isShared = start > 0
        var denial = SubscribeDenial.filterNotAllowed
        var maximumQoS: UInt8?
        for rule in subscribe where rule.filter.covers(filter, with: values) {
            guard !isShared || rule.allowsShared else {
                denial = .sharedNotAllowed
                continue
            }
            maximumQoS = max(maximumQoS ?? 0, rule.maximumQoS)
        }
        guard let maximumQoS else { return .denied(denial) }
        return .granted(maximumQoS: min(qos, maximumQoS))
    }

    func permitsDelivery(topic: Span<UInt8>, values: PlaceholderValues) -> Bool {
        guard TopicText.isTopicName(topic) else { return false }
        for rule in denySubscribe where rule.covers(topic, with: values) { return false }
        for rule in subscribe where rule.filter.covers(topic, with: values) { return true }
        return false
    }

    private func verdict(
        by rules: [PublishRule], topic: Span<UInt8>, qos: UInt8, retain: Bool, values: PlaceholderValues
    ) -> PublishVerdict {
        guard TopicText.isTopicName(topic) else { return .denied(.invalidTopic) }
        for rule in denyPublish where rule.covers(topic, with: values) { return .denied(.topicDenied) }
        // The reason given is that of the rule that came nearest to permitting.
        var denial = PublishDenial.topicNotAllowed
        for rule in rules where rule.filter.covers(topic, with: values) {
            if qos > rule.maximumQoS {
                if denial == .topicNotAllowed { denial = .qosTooHigh }
            } else if retain, !rule.allowsRetain {
                denial = .retainNotAllowed
            } else {
                return .granted
            }
        }
        return .denied(denial)
    }
}

/// What one profile permits on topics: compiled once, shared by every device of the profile.
///
/// Default deny; deny beats allow. All questions are answered by one walk through a `TopicIndex`, and allocate nothing.
/// The lists themselves are kept beside the indexes for listing, comparing and explaining. A class, so that a question
/// counts one reference and not one for each list.
final class AccessRules: Sendable {
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
    /// `publish`, `will` and `denyPublish`, with `PublishMarks`.
    private let publishing: TopicIndex
    /// `subscribe` and `denySubscribe`, with `SubscribeMarks`.
    private let subscribing: TopicIndex

    init(
        publish: [PublishRule], denyPublish: [FilterTemplate], subscribe: [SubscribeRule],
        denySubscribe: [FilterTemplate], will: WillRule
    ) {
        self.publish = publish
        self.denyPublish = denyPublish
        self.subscribe = subscribe
        self.denySubscribe = denySubscribe
        self.will = will
        let wills: [PublishRule] =
            switch will {
            case .none: []
            case .likePublish: publish
            case .listed(let rules): rules
            }
        publishing = TopicIndexBuilder.index(
            of: publish.map { ($0.filter, PublishMarks.publish($0)) }
                + wills.map { ($0.filter, PublishMarks.will($0)) }
                + denyPublish.map { ($0, PublishMarks.denied) })
        subscribing = TopicIndexBuilder.index(
            of: subscribe.map { ($0.filter, SubscribeMarks.subscribe($0)) }
                + denySubscribe.map { ($0, SubscribeMarks.denied) })
    }

    func publishVerdict(
        topic: Span<UInt8>, qos: UInt8, retain: Bool, values: PlaceholderValues
    ) -> PublishVerdict {
        guard TopicText.isTopicName(topic) else { return .denied(.invalidTopic) }
        return PublishMarks.verdict(publishing.marks(covering: topic, with: values), qos: qos, retain: retain)
    }

    func willVerdict(
        topic: Span<UInt8>, qos: UInt8, retain: Bool, values: PlaceholderValues
    ) -> PublishVerdict {
        if case .none = will { return .denied(.willNotAllowed) }
        guard TopicText.isTopicName(topic) else { return .denied(.invalidTopic) }
        let marks = publishing.marks(covering: topic, with: values)
        return PublishMarks.verdict(PublishMarks.willsAsPublishes(marks), qos: qos, retain: retain)
    }

    func subscribeVerdict(
        filter requested: Span<UInt8>, qos: UInt8, values: PlaceholderValues
    ) -> SubscribeVerdict {
        guard let start = TopicText.start(ofFilterIn: requested) else { return .denied(.invalidFilter) }
        let filter = requested.extracting(start..<requested.count)
        // Without a wildcard, to cover and to overlap are the same.
        let isTopicName = TopicText.isTopicName(filter)
        guard isTopicName || TopicText.isTopicFilter(filter) else { return .denied(.invalidFilter) }
        let covering = subscribing.marks(covering: filter, with: values)
        let overlapping =
            isTopicName || denySubscribe.isEmpty
            ? covering : subscribing.marks(overlapping: filter, with: values)
        guard overlapping & SubscribeMarks.denied == 0 else { return .denied(.filterDenied) }
        return SubscribeMarks.verdict(covering, qos: qos, isShared: start > 0)
    }

    func permitsDelivery(topic: Span<UInt8>, values: PlaceholderValues) -> Bool {
        guard TopicText.isTopicName(topic) else { return false }
        let marks = subscribing.marks(covering: topic, with: values)
        return marks & SubscribeMarks.denied == 0 && marks & SubscribeMarks.allowed != 0
    }
}

extension AccessRules: Equatable {
    /// The indexes follow from the lists.
    static func == (left: AccessRules, right: AccessRules) -> Bool {
        left === right
            || left.publish == right.publish && left.denyPublish == right.denyPublish
                && left.subscribe == right.subscribe && left.denySubscribe == right.denySubscribe
                && left.will == right.will
    }
}

/// The meaning of marks of filters that are published to.
///
/// Three bits say up to which QoS an entry allows: one bit for each QoS allowed, so that joining entries by `or` gives
/// the highest. Bits 0 to 2: `publish`; 3 to 5: those of its entries that allow retain; 6 to 11: the same of `will`;
/// bit 12: `deny-publish`.
private enum PublishMarks {
    static let denied: TopicIndex.Marks = 1 << 12
    private static let willShift: TopicIndex.Marks = 6
    private static let retainShift: TopicIndex.Marks = 3
    private static let anyQoS: TopicIndex.Marks = 0b111

    static func publish(_ rule: AccessRules.PublishRule) -> TopicIndex.Marks {
        let allowed = upTo(rule.maximumQoS)
        return rule.allowsRetain ? allowed | allowed << retainShift : allowed
    }

    static func will(_ rule: AccessRules.PublishRule) -> TopicIndex.Marks {
        publish(rule) << willShift
    }

    /// The marks with those of wills in the place of those of publishes.
    static func willsAsPublishes(_ marks: TopicIndex.Marks) -> TopicIndex.Marks {
        marks & denied | (marks & (denied - 1)) >> willShift
    }

    /// The reason given is that of the entry that came nearest to permitting.
    static func verdict(_ marks: TopicIndex.Marks, qos: UInt8, retain: Bool) -> PublishVerdict {
        guard marks & denied == 0 else { return .denied(.topicDenied) }
        guard marks & anyQoS != 0 else { return .denied(.topicNotAllowed) }
        guard qos <= 2, marks & 1 << TopicIndex.Marks(qos) != 0 else { return .denied(.qosTooHigh) }
        guard !retain || marks & 1 << (TopicIndex.Marks(qos) + retainShift) != 0 else {
            return .denied(.retainNotAllowed)
        }
        return .granted
    }
}

/// The meaning of marks of filters that are subscribed to. Bits 0 to 2: `subscribe`, one for each QoS allowed; 3 to 5:
/// those of its entries that allow shared subscriptions; bit 6: `deny-subscribe`.
private enum SubscribeMarks {
    static let denied: TopicIndex.Marks = 1 << 6
    static let allowed: TopicIndex.Marks = 0b111
    private static let sharedShift: TopicIndex.Marks = 3

    static func subscribe(_ rule: AccessRules.SubscribeRule) -> TopicIndex.Marks {
        let allowed = upTo(rule.maximumQoS)
        return rule.allowsShared ? allowed | allowed << sharedShift : allowed
    }

    static func verdict(_ marks: TopicIndex.Marks, qos: UInt8, isShared: Bool) -> SubscribeVerdict {
        guard marks & allowed != 0 else { return .denied(.filterNotAllowed) }
        let usable = isShared ? marks >> sharedShift & allowed : marks & allowed
        guard usable != 0 else { return .denied(.sharedNotAllowed) }
        return .granted(maximumQoS: min(qos, usable & 0b100 != 0 ? 2 : usable & 0b010 != 0 ? 1 : 0))
    }
}

/// One bit for each QoS from 0 to the highest one.
private func upTo(_ maximumQoS: UInt8) -> TopicIndex.Marks {
    (1 << (TopicIndex.Marks(min(maximumQoS, 2)) + 1)) - 1
}

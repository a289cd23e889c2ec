/// Whether a PUBLISH or a will is permitted.
public enum PublishVerdict: Sendable, Equatable {
    case granted
    case denied(PublishDenial)
}

/// Why a PUBLISH or a will is not permitted. The raw values are stable, for logs and metrics.
public enum PublishDenial: String, Sendable, CaseIterable {
    /// Not a topic name: empty, or with a wildcard or U+0000 in it [MQTT-3.3.2-2].
    case invalidTopic = "invalid-topic"
    /// No entry of the profile allows the topic.
    case topicNotAllowed = "topic-not-allowed"
    /// A deny entry of the profile names the topic.
    case topicDenied = "topic-denied"
    /// The topic is allowed, at a lower QoS.
    case qosTooHigh = "qos-too-high"
    /// The topic is allowed, without retain.
    case retainNotAllowed = "retain-not-allowed"
    /// The profile allows no will.
    case willNotAllowed = "will-not-allowed"
}

/// Whether a subscription is permitted.
public enum SubscribeVerdict: Sendable, Equatable {
    /// Permitted, at no more than this QoS (0 to 2), which is never above what the device asked for.
    case granted(maximumQoS: UInt8)
    case denied(SubscribeDenial)
}

/// Why a subscription is not permitted. The raw values are stable, for logs and metrics.
public enum SubscribeDenial: String, Sendable, CaseIterable {
    /// Not a topic filter (MQTT 4.7.1, 4.8.2).
    case invalidFilter = "invalid-filter"
    /// No single entry of the profile allows every topic that the filter can match.
    case filterNotAllowed = "filter-not-allowed"
    /// The filter can match a topic that a deny entry names.
    case filterDenied = "filter-denied"
    /// The filter is allowed, but not as a shared subscription.
    case sharedNotAllowed = "shared-not-allowed"
}

internal import FleetPolicy

/// What a grant says of a session beside its answers to single packets: read from the grant once, and fixed where the
/// answers would come too late (CONNECT is over).
struct SessionTerms: Sendable {
    var clientIDRule: ClientIDRule
    var topicPrefix: TopicPrefix
    var limits: DeviceLimits

    init(clientIDRule: ClientIDRule, topicPrefix: TopicPrefix, limits: DeviceLimits) {
        self.clientIDRule = clientIDRule
        self.topicPrefix = topicPrefix
        self.limits = limits
    }

    init(_ grant: DeviceGrant) {
        self.init(
            clientIDRule: grant.clientIDRule, topicPrefix: TopicPrefix(grant.topicPrefix), limits: grant.limits
        )
    }
}

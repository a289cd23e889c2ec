/// How devices of a profile come into the registry.
struct RegistrationRule: Sendable, Hashable {
    /// The raw values are those of profiles.
    enum Mode: String, Sendable, Hashable, CaseIterable {
        /// Any matching certificate gets in.
        case open
        /// A device is registered on its first connection.
        case firstSeen = "first-seen"
        /// Only registered devices get in.
        case listed
    }

    var mode = Mode.open
    /// Devices registered under the profile, in any state. Default 1,000: a stolen or careless CA key fills the
    /// registry to there and not further.
    var quota = 1_000
    /// Whether a device that comes for the first time waits for approval.
    var approval = false
}

/// Which certificates that are not in order get the quarantine profile.
struct QuarantineRule: Sendable, Hashable {
    /// Seconds after notAfter; nil: no expired certificate does.
    var expiredSeconds: Int64?
    var suspended = false
    var pending = false
    var unregistered = false
    var cloned = false

    func takes(_ reason: QuarantineReason) -> Bool {
        switch reason {
        case .expired: expiredSeconds != nil
        case .suspended: suspended
        case .pending: pending
        case .unregistered: unregistered
        case .cloned: cloned
        }
    }
}

/// What a profile says beside its topics: compared as a whole when grants are.
struct ProfileTerms: Sendable, Hashable {
    var limits = DeviceLimits()
    var clientIDRule = ClientIDRule.free
    /// Nil: the default one.
    var upstream: String?
    var asksForPassword = false
    var registration = RegistrationRule()
}

extension DeviceLimits {
    /// The limits of one device: its own values where it has some, as far as a profile could have given them too.
    ///
    /// - Parameter clientIDRule: with any but `extend` a device has one connection, because the broker keeps one
    ///   session for each name.
    func overridden(by overrides: DeviceOverrides, clientIDRule: ClientIDRule) -> DeviceLimits {
        func within(_ range: ClosedRange<Int>, _ value: Int?, _ otherwise: Int) -> Int {
            value.map { min(max($0, range.lowerBound), range.upperBound) } ?? otherwise
        }
        var limits = self
        limits.packetBytesMax = within(PolicyBounds.packetBytes, overrides.packetBytesMax, packetBytesMax)
        limits.messageRate.perSecond = within(
            PolicyBounds.messagesPerSecond, overrides.messagesPerSecond, messageRate.perSecond)
        limits.messageRate.burst = within(PolicyBounds.messagesBurst, overrides.messagesBurst, messageRate.burst)
        limits.byteRate.perSecond = within(PolicyBounds.bytesPerSecond, overrides.bytesPerSecond, byteRate.perSecond)
        limits.byteRate.burst = within(PolicyBounds.bytesBurst, overrides.bytesBurst, byteRate.burst)
        if let seconds = overrides.sessionExpirySecondsMax {
            limits.sessionExpirySecondsMax = min(seconds, UInt32(PolicyBounds.sessionExpirySeconds.upperBound))
        }
        limits.subscriptionsMax = within(PolicyBounds.subscriptions, overrides.subscriptionsMax, subscriptionsMax)
        if clientIDRule == .extend {
            limits.connections.maximum = within(
                PolicyBounds.connections, overrides.connectionsMax, connections.maximum)
        }
        return limits
    }
}

/// How the client identifier of a CONNECT has to relate to the device id. The raw values are those of profiles.
public enum ClientIDRule: String, Sendable, Hashable, CaseIterable {
    /// Whatever the device sends; the broker knows it as `<tenant>/<device>` all the same.
    case free
    /// Exactly the device id.
    case equal
    /// The device id, or the device id, one of `-`, `.`, `:`, `_`, and more: each is a session of its own, known to the
    /// broker as `<tenant>/<device>/<client identifier>`.
    case extend
    /// Empty: the gateway names the session.
    case assigned
}

/// What a grant still depends on when the handshake is over: the registry has to write the device down first.
public struct RegistrationNeed: Sendable, Hashable {
    public let key: DeviceKey
    /// The profile whose rule and quota it is.
    public let profile: String
    /// `active`, or `pending` where the profile wants approval.
    public let state: DeviceState
    /// The most devices that may be registered under the profile; nil: no bound.
    public let quota: Int?

    public init(key: DeviceKey, profile: String, state: DeviceState, quota: Int?) {
        self.key = key
        self.profile = profile
        self.state = state
        self.quota = quota
    }
}

/// The password that a device has to give in CONNECT beside its certificate.
public struct SecondFactor: Sendable, Hashable {
    /// The salted hash from the registry.
    public let passwordHash: String

    public init(passwordHash: String) {
        self.passwordHash = passwordHash
    }
}

/// Why a device was given its quarantine profile. The raw values are stable, for logs and metrics.
public enum QuarantineReason: String, Sendable, Hashable, CaseIterable {
    case expired
    case suspended
    case pending
    case unregistered
    /// The certificate seems to be in use in two places.
    case cloned
}

/// What happens when new rules no longer permit a subscription that a device has. The raw values are those of profiles.
public enum LostSubscriptionAction: String, Sendable, Hashable, CaseIterable {
    /// The gateway unsubscribes at the broker; the session goes on.
    case unsubscribe
    /// The session ends.
    case disconnect
}

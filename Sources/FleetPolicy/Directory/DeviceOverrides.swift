/// What one device has instead of its profile's value; nil: the profile's.
public struct DeviceOverrides: Sendable, Hashable {
    /// One limit that can be overridden. The raw values are stable: they are in the registry, in listings and in
    /// imports, and follow the keys of `limits` in profiles.
    public enum Limit: String, Sendable, Hashable, CaseIterable {
        case packetBytes = "packet-bytes"
        case messagesPerSecond = "messages-per-second"
        case messagesBurst = "messages-burst"
        case bytesPerSecond = "bytes-per-second"
        case bytesBurst = "bytes-burst"
        /// In seconds.
        case sessionExpiry = "session-expiry"
        case subscriptions
        case connections

        /// The values that a profile may give too.
        public var range: ClosedRange<Int> {
            switch self {
            case .packetBytes: PolicyBounds.packetBytes
            case .messagesPerSecond: PolicyBounds.messagesPerSecond
            case .messagesBurst: PolicyBounds.messagesBurst
            case .bytesPerSecond: 1...1_073_741_824  // 1 GiB: more than one connection carries
            case .bytesBurst: 1...1_073_741_824
            case .sessionExpiry: PolicyBounds.sessionExpirySeconds
            case .subscriptions: PolicyBounds.subscriptions
            case .connections: 1...100
            }
        }
    }

    public var packetBytesMax: Int?
    public var messagesPerSecond: Int?
    public var messagesBurst: Int?
    public var bytesPerSecond: Int?
    public var bytesBurst: Int?
    public var sessionExpirySecondsMax: UInt32?
    public var subscriptionsMax: Int?
    public var connectionsMax: Int?

    public init() {}

    public var isEmpty: Bool { self == DeviceOverrides() }

    /// The value of a limit by its name. A value that the limit's type cannot hold is not taken.
    public subscript(_ limit: Limit) -> Int? {
        get {
            switch limit {
            case .packetBytes: packetBytesMax
            case .messagesPerSecond: messagesPerSecond
            case .messagesBurst: messagesBurst
            case .bytesPerSecond: bytesPerSecond
            case .bytesBurst: bytesBurst
            case .sessionExpiry: sessionExpirySecondsMax.map { Int($0) }
            case .subscriptions: subscriptionsMax
            case .connections: connectionsMax
            }
        }
        set {
            switch limit {
            case .packetBytes: packetBytesMax = newValue
            case .messagesPerSecond: messagesPerSecond = newValue
            case .messagesBurst: messagesBurst = newValue
            case .bytesPerSecond: bytesPerSecond = newValue
            case .bytesBurst: bytesBurst = newValue
            case .sessionExpiry: sessionExpirySecondsMax = newValue.flatMap { UInt32(exactly: $0) }
            case .subscriptions: subscriptionsMax = newValue
            case .connections: connectionsMax = newValue
            }
        }
    }
}

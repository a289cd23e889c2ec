internal import FleetPolicy

/// A connection of a device that wants a place among the device's connections.
struct ConnectionClaim: Sendable, Hashable {
    let key: DeviceKey
    /// What the broker is to know the session by; of two connections with the same, the broker would end one.
    let clientIdentifier: String
    /// Connections the device may have at a time.
    let maximum: Int
    let onExceeded: ConnectionLimit.ExceededAction
    /// Whether a connection takes the place of one with the same client identifier, whatever else the profile says.
    let takesOverOwnName: Bool

    /// What becomes of it.
    enum Answer: Sendable, Hashable {
        case granted
        case refused
    }
}

/// A connection anywhere in the gateway.
struct ConnectionReference: Sendable, Hashable {
    /// Unique within one run of the gateway.
    let id: UInt64
    /// The number of its event loop.
    let loop: Int
}

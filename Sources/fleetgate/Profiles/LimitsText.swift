import FleetPolicy

/// The limits of a grant as an operator writes them, for listings and comparisons.
enum LimitsText {
    struct Entry: Codable, Sendable, Hashable {
        /// The key of profiles, without `limits.`.
        let key: String
        let value: String
    }

    static func entries(_ limits: DeviceLimits) -> [Entry] {
        let keepAlive = limits.keepAlive
        let rate = limits.messageRate
        let bytes = limits.byteRate
        return [
            Entry(key: "packet-bytes", value: size(limits.packetBytesMax)),
            Entry(
                key: "keep-alive",
                value: "\(seconds(Int64(keepAlive.minimumSeconds))) to \(seconds(Int64(keepAlive.maximumSeconds)))"
                    + (keepAlive.isRequired ? ", required" : "")),
            Entry(
                key: "messages",
                value: "\(rate.perSecond) a second, burst \(rate.burst), \(rate.onExceeded.rawValue)"),
            Entry(
                key: "bytes",
                value: "\(size(bytes.perSecond)) a second, burst \(size(bytes.burst)), \(bytes.onExceeded.rawValue)"),
            Entry(key: "receive-maximum", value: "\(limits.receiveMaximum)"),
            Entry(key: "session-expiry", value: seconds(Int64(limits.sessionExpirySecondsMax))),
            Entry(key: "subscriptions", value: "\(limits.subscriptionsMax)"),
            Entry(
                key: "connections",
                value: "\(limits.connections.maximum), then \(limits.connections.onExceeded.rawValue)"),
            Entry(key: "expiry-grace", value: seconds(limits.expiryGraceSeconds)),
            Entry(key: "on-denied-publish", value: limits.onDeniedPublish.rawValue),
            Entry(key: "on-lost-subscription", value: limits.onLostSubscription.rawValue),
        ]
    }

    /// The largest unit that leaves a whole number.
    static func seconds(_ seconds: Int64) -> String {
        for (unit, factor) in [("d", Int64(86_400)), ("h", 3_600), ("m", 60)]
        where seconds != 0 && seconds % factor == 0 {
            return "\(seconds / factor)\(unit)"
        }
        return "\(seconds)s"
    }

    static func size(_ bytes: Int) -> String {
        for (unit, factor) in [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)]
        where bytes != 0 && bytes % factor == 0 {
            return "\(bytes / factor)\(unit)"
        }
        return "\(bytes)"
    }
}

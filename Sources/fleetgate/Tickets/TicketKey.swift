import FleetPolicy
import NIOCore
import NIOMbedTLS

/// A key for session tickets with its times. Secret: never printed, never logged.
struct TicketKey: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    static let identifierLength = 16
    static let secretLength = 32

    /// 16 bytes, not secret.
    let identifier: [UInt8]
    /// 32 bytes.
    let secret: [UInt8]
    /// From when on new tickets are sealed with it, in seconds since 1970. Tickets that it has sealed are opened before
    /// that too: another gateway's clock may be ahead.
    var notBefore: Int64
    /// Up to when tickets are opened with it, in seconds since 1970.
    var notAfter: Int64

    /// A key from the system's generator.
    static func random(notBefore: Int64, notAfter: Int64) -> TicketKey {
        var generator = SystemRandomNumberGenerator()
        func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in generator.next() } }
        return TicketKey(
            identifier: bytes(identifierLength), secret: bytes(secretLength), notBefore: notBefore, notAfter: notAfter)
    }

    /// - Parameter lifetime: How long after its full handshake a device may resume.
    func tlsKey(lifetime: Duration) -> TLSTicketKey? {
        TLSTicketKey(identifier: identifier, secret: secret, lifetime: TimeAmount(lifetime))
    }

    var description: String { "TicketKey(\(HexadecimalText.text(identifier)))" }
    /// Without children, so that no dump shows the secret.
    var customMirror: Mirror { Mirror(self, children: []) }
}

/// The keys of one file: those of before, the one in use, and the next one, which all gateways know before any uses it.
struct TicketKeySet: Sendable, Equatable {
    /// Keys of one file: three are there with regular rotation, more after rotations by hand.
    static let keysMax = 16

    /// The oldest first.
    private(set) var keys: [TicketKey]

    init(_ keys: [TicketKey]) {
        self.keys = keys.sorted {
            ($0.notBefore, $0.notAfter, HexadecimalText.text($0.identifier))
                < ($1.notBefore, $1.notAfter, HexadecimalText.text($1.identifier))
        }
    }

    /// The times of keys, which follow from two settings.
    struct Schedule: Sendable, Equatable {
        /// How long a key seals, in seconds.
        let interval: Int64
        /// How long a ticket is good, in seconds.
        let lifetime: Int64

        init(interval: Duration, lifetime: Duration) {
            self.interval = interval.components.seconds
            self.lifetime = lifetime.components.seconds
        }

        /// Clocks of gateways that share a file may differ by this much.
        static let clockSkewSeconds: Int64 = 300

        /// When a key that begins to seal at a time has no ticket left to open.
        func end(from notBefore: Int64) -> Int64 { notBefore + interval + lifetime + Self.clockSkewSeconds }
    }

    /// The key that seals new tickets; nil: none is good now.
    func sealing(at now: Int64) -> TicketKey? {
        keys.last { $0.notBefore <= now && now < $0.notAfter }
    }

    /// The sealing key first, then all others that tickets may be sealed with; empty when nothing may be sealed: then no
    /// tickets are given at all.
    func usable(at now: Int64) -> [TicketKey] {
        guard let sealing = sealing(at: now) else { return [] }
        return [sealing] + keys.filter { $0.identifier != sealing.identifier && now < $0.notAfter }
    }

    /// When ``usable(at:)`` changes by itself; nil: never.
    func nextChange(after now: Int64) -> Int64? {
        keys.flatMap { [$0.notBefore, $0.notAfter] }.filter { $0 > now }.min()
    }

    /// Drops keys that are over and makes those that are missing: one that seals, and the next one.
    ///
    /// - Returns: whether anything has changed.
    mutating func maintain(_ schedule: Schedule, now: Int64) -> Bool {
        let before = self
        keys.removeAll { $0.notAfter <= now }
        if sealing(at: now) == nil {
            keys.append(.random(notBefore: now, notAfter: schedule.end(from: now)))
        }
        if !keys.contains(where: { $0.notBefore > now }), let newest = sealing(at: now) {
            // In step with the one before, unless that has been going on for too long.
            let next = max(newest.notBefore + schedule.interval, now + min(schedule.interval, Self.announcementSeconds))
            keys.append(.random(notBefore: next, notAfter: schedule.end(from: next)))
        }
        self = TicketKeySet(Array(Self.bounded(keys, now: now)))
        return self != before
    }

    /// Lets the next key seal at once, and makes another next one.
    mutating func rotate(_ schedule: Schedule, now: Int64) {
        _ = maintain(schedule, now: now)
        for index in keys.indices where keys[index].notBefore > now {
            keys[index].notBefore = now
            keys[index].notAfter = schedule.end(from: now)
        }
        _ = maintain(schedule, now: now)
    }

    /// Forgets every key: no ticket that was given can be used any more.
    mutating func replace(_ schedule: Schedule, now: Int64) {
        keys = []
        _ = maintain(schedule, now: now)
    }

    /// How long a new key is in the file before it seals, at least: the file has to reach the other gateways.
    private static let announcementSeconds: Int64 = 300

    /// The newest keys, when there are too many.
    private static func bounded(_ keys: [TicketKey], now: Int64) -> ArraySlice<TicketKey> {
        keys.sorted { $0.notBefore < $1.notBefore }.suffix(keysMax)
    }
}

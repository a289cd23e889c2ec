internal import FleetPolicy
internal import NIOCore

/// A token bucket of bytes, over a clock the caller supplies.
///
/// A packet larger than the whole burst must not lock its sender out for ever: it passes when the bucket is full, and
/// the bucket then owes what it did not hold.
struct ByteBucket: Sendable {
    /// The longest wait asked for, in seconds: by then whoever waits has been given up by its peer.
    private static let secondsOwedMax = 3_600.0

    private let rate: Double
    private let burst: Double
    private var bytes: Double
    private var refilledAt: NIODeadline

    init(_ rate: ByteRate, now: NIODeadline) {
        self.rate = Double(rate.perSecond)
        self.burst = Double(rate.burst)
        self.bytes = self.burst
        self.refilledAt = now
    }

    /// Takes as many bytes if they are there, or if the bucket is as full as it gets.
    mutating func take(_ count: Int, now: NIODeadline) -> Bool {
        self.refill(now: now)
        guard self.bytes >= min(Double(count), self.burst) else { return false }
        self.bytes -= Double(count)
        return true
    }

    /// Takes as many bytes, into debt if need be, and says how long it takes until the debt is paid.
    mutating func takeOrOwe(_ count: Int, now: NIODeadline) -> TimeAmount? {
        self.refill(now: now)
        self.bytes -= Double(count)
        guard self.bytes < 0 else { return nil }
        // Bounded before the conversion, which would trap: a rate of 0 pays no debt, ever.
        return .nanoseconds(Int64(min(-self.bytes / self.rate, Self.secondsOwedMax) * 1_000_000_000))
    }

    private mutating func refill(now: NIODeadline) {
        // A clock read on another thread may be behind by some nanoseconds: never take bytes back for that.
        guard now > self.refilledAt else { return }
        let seconds = Double((now - self.refilledAt).nanoseconds) / 1_000_000_000
        self.bytes = min(self.burst, self.bytes + seconds * self.rate)
        self.refilledAt = now
    }
}

internal import NIOCore

/// A token bucket over a clock the caller supplies: `rate` tokens a second, at most `burst` saved up.
///
/// A value with no clock of its own, so that its arithmetic can be tested and a session can own one without a timer.
struct TokenBucket: Sendable {
    /// Tokens added in a second.
    let rate: Double

    /// The most tokens that can be saved up.
    let burst: Double

    private var tokens: Double
    private var refilledAt: NIODeadline

    init(rate: Double, burst: Double, now: NIODeadline) {
        self.rate = rate
        self.burst = burst
        self.tokens = burst
        self.refilledAt = now
    }

    /// Takes a token if there is one. Used where what finds no token is refused.
    mutating func take(now: NIODeadline) -> Bool {
        self.refill(now: now)
        guard self.tokens >= 1 else { return false }
        self.tokens -= 1
        return true
    }

    /// Takes a token, into debt if need be, and says how long it takes until the debt is paid: the caller waits that
    /// long before it takes the next. Used where what finds no token is delayed instead of refused.
    mutating func takeOrOwe(now: NIODeadline) -> TimeAmount? {
        self.refill(now: now)
        self.tokens -= 1
        guard self.tokens < 0 else { return nil }
        // Bounded before the conversion, which would trap: a rate of 0 pays no debt, ever.
        return .nanoseconds(Int64(min(-self.tokens / self.rate, Self.secondsOwedMax) * 1_000_000_000))
    }

    /// The longest wait asked for, in seconds: by then whoever waits has been given up by its peer.
    private static let secondsOwedMax = 3_600.0

    /// Puts a token back that was taken for nothing.
    mutating func giveBack() { self.tokens = min(self.burst, self.tokens + 1) }

    /// Whether the bucket has filled up again, so that forgetting it changes nothing.
    mutating func isFull(now: NIODeadline) -> Bool {
        self.refill(now: now)
        return self.tokens >= self.burst
    }

    private mutating func refill(now: NIODeadline) {
        // A clock read on another thread may be behind by some nanoseconds: never take tokens back for that.
        guard now > self.refilledAt else { return }
        let seconds = Double((now - self.refilledAt).nanoseconds) / 1_000_000_000
        self.tokens = min(self.burst, self.tokens + seconds * self.rate)
        self.refilledAt = now
    }
}

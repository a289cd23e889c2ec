internal import NIOCore

/// Token buckets by key, in bounded number: a bucket that has filled up again is forgotten, and when the table is full,
/// keys that are not in it share one bucket.
struct TokenBucketTable<Key: Hashable & Sendable>: Sendable {
    private let rate: Double
    private let burst: Double
    private let countMax: Int
    private var buckets: [Key: TokenBucket] = [:]
    private var overflow: TokenBucket
    private var sweptAt: NIODeadline

    /// - Parameters:
    ///   - rate: tokens a second, for each key.
    ///   - burst: tokens saved up at most, for each key; at least 1.
    init(rate: Double, burst: Double, countMax: Int, now: NIODeadline) {
        self.rate = rate
        self.burst = max(1, burst)
        self.countMax = max(1, countMax)
        self.overflow = TokenBucket(rate: rate, burst: self.burst, now: now)
        self.sweptAt = now
    }

    /// Keys remembered now.
    var count: Int { self.buckets.count }

    /// Takes a token of this key, if there is one.
    mutating func take(_ key: Key, now: NIODeadline) -> Bool {
        if self.buckets[key] == nil {
            self.forgetFull(now: now)
            guard self.buckets.count < self.countMax else { return self.overflow.take(now: now) }
            self.buckets[key] = TokenBucket(rate: self.rate, burst: self.burst, now: now)
        }
        return self.buckets[key]?.take(now: now) ?? false
    }

    /// Puts a token back that this key took for nothing.
    mutating func giveBack(_ key: Key) {
        if self.buckets[key] == nil { self.overflow.giveBack() } else { self.buckets[key]?.giveBack() }
    }

    /// Drops full buckets, at most once a second, so that the sweep's cost does not grow with the rate of attack.
    private mutating func forgetFull(now: NIODeadline) {
        guard self.buckets.count >= self.countMax / 2, now - self.sweptAt >= .seconds(1) else { return }
        self.sweptAt = now
        for (key, var bucket) in self.buckets where bucket.isFull(now: now) { self.buckets[key] = nil }
    }
}

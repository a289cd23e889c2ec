internal import NIOCore
internal import Testing

@testable internal import Gateway

@Suite("TokenBucket")
struct TokenBucketTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    @Test("a new bucket gives its burst and no more")
    func burst() {
        var bucket = TokenBucket(rate: 1, burst: 3, now: self.start)
        let taken = (0..<5).map { _ in bucket.take(now: self.start) }
        #expect(taken == [true, true, true, false, false])
    }

    @Test("tokens come back at the rate, and never above the burst")
    func refill() {
        var bucket = TokenBucket(rate: 2, burst: 2, now: self.start)
        _ = bucket.take(now: self.start)
        _ = bucket.take(now: self.start)
        let early = bucket.take(now: self.start + .milliseconds(499))
        let inTime = bucket.take(now: self.start + .milliseconds(500))
        #expect(!early)
        #expect(inTime)
        let afterYears = (0..<4).map { _ in bucket.take(now: self.start + .hours(100_000)) }
        #expect(afterYears == [true, true, false, false])
    }

    @Test("a clock that is behind takes nothing away and gives nothing")
    func clockBehind() {
        var bucket = TokenBucket(rate: 1, burst: 1, now: self.start)
        let first = bucket.take(now: self.start - .seconds(5))
        let second = bucket.take(now: self.start - .seconds(4))
        let third = bucket.take(now: self.start + .milliseconds(999))
        let fourth = bucket.take(now: self.start + .seconds(1))
        #expect([first, second, third, fourth] == [true, false, false, true])
    }

    @Test("a burst below one token gives nothing")
    func burstBelowOne() {
        var bucket = TokenBucket(rate: 10, burst: 0.5, now: self.start)
        let taken = bucket.take(now: self.start + .hours(1))
        #expect(!taken)
    }

    @Test("owing says how long until the debt is paid")
    func owing() {
        var bucket = TokenBucket(rate: 4, burst: 1, now: self.start)
        let free = bucket.takeOrOwe(now: self.start)
        let owed = bucket.takeOrOwe(now: self.start)
        let owedMore = bucket.takeOrOwe(now: self.start)
        #expect(free == nil)
        #expect(owed == .milliseconds(250))
        #expect(owedMore == .milliseconds(500))
    }

    @Test("after the wait asked for the debt is paid, and the next token is owed again")
    func debtPaid() throws {
        var bucket = TokenBucket(rate: 10, burst: 1, now: self.start)
        _ = bucket.takeOrOwe(now: self.start)
        let owed = bucket.takeOrOwe(now: self.start)
        let wait = try #require(owed)
        let afterWait = bucket.takeOrOwe(now: self.start + wait)
        let afterTwice = bucket.takeOrOwe(now: self.start + wait + .milliseconds(200))
        #expect(wait == .milliseconds(100))
        #expect(afterWait == .milliseconds(100))
        #expect(afterTwice == nil)
    }

    @Test("a debt that can never be paid is a long wait, not a trap", arguments: [0.0, 1e-12])
    func unpayableDebt(rate: Double) {
        var bucket = TokenBucket(rate: rate, burst: 0, now: self.start)
        let wait = bucket.takeOrOwe(now: self.start)
        #expect(wait == .hours(1))
    }

    @Test("a million packets in debt do not trap")
    func deepDebt() {
        var bucket = TokenBucket(rate: 1, burst: 1, now: self.start)
        var wait: TimeAmount?
        for _ in 0..<1_000_000 { wait = bucket.takeOrOwe(now: self.start) }
        #expect(wait == .hours(1))
    }

    @Test("full again when nothing would be changed by forgetting it")
    func isFull() {
        var bucket = TokenBucket(rate: 1, burst: 2, now: self.start)
        let fresh = bucket.isFull(now: self.start)
        _ = bucket.take(now: self.start)
        let used = bucket.isFull(now: self.start + .milliseconds(999))
        let rested = bucket.isFull(now: self.start + .seconds(1))
        #expect([fresh, used, rested] == [true, false, true])
    }
}

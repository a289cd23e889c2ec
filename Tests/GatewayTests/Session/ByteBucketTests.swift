internal import FleetPolicy
internal import NIOCore
internal import Testing

@testable internal import Gateway

@Suite("ByteBucket")
struct ByteBucketTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    private func bucket(_ perSecond: Int, _ burst: Int) -> ByteBucket {
        ByteBucket(ByteRate(perSecond: perSecond, burst: burst), now: self.start)
    }

    @Test("the burst is there at once, and then what the rate brings")
    func takes() {
        var bucket = self.bucket(100, 1_000)
        let first = [600, 400, 1].map { bucket.take($0, now: self.start) }
        let tooEarly = bucket.take(100, now: self.start + .milliseconds(990))
        let later = bucket.take(100, now: self.start + .seconds(1))
        #expect(first == [true, true, false])
        #expect(!tooEarly)
        #expect(later)
    }

    @Test("a packet larger than the burst passes when the bucket is full, and is owed: nobody is locked out for ever")
    func largerThanTheBurst() {
        var bucket = self.bucket(100, 1_000)
        let whole = bucket.take(3_000, now: self.start)
        let next = bucket.take(1, now: self.start + .seconds(20))
        let paid = bucket.take(1, now: self.start + .milliseconds(20_010))
        let notFull = bucket.take(3_000, now: self.start + .seconds(29))
        let fullAgain = bucket.take(3_000, now: self.start + .seconds(40))
        #expect([whole, next, paid, notFull, fullAgain] == [true, false, true, false, true])
    }

    @Test("what is owed is waited for")
    func owes() {
        var bucket = self.bucket(100, 1_000)
        let free = bucket.takeOrOwe(1_000, now: self.start)
        let owed = bucket.takeOrOwe(50, now: self.start)
        let more = bucket.takeOrOwe(250, now: self.start + .milliseconds(500))
        #expect(free == nil)
        #expect(owed == .milliseconds(500))
        #expect(more == .milliseconds(2_500))
    }

    @Test("rates and packets that make no sense neither trap nor let more through")
    func extremes() {
        for (perSecond, burst, count) in [
            (0, 0, 1), (0, 0, .max), (0, 10, 11), (1, 0, .max), (.max, .max, .max), (-1, -1, 5),
        ] as [(Int, Int, Int)] {
            var owing = self.bucket(perSecond, burst)
            for _ in 0..<3 {
                let delay = owing.takeOrOwe(count, now: self.start)
                #expect((delay ?? .zero) <= .hours(1), "\(perSecond), \(burst), \(count)")
            }
        }
        var empty = self.bucket(0, 10)
        let taken = [10, 1, 1].map { empty.take($0, now: self.start + .hours(1)) }
        #expect(taken == [true, false, false])
    }

    @Test("a clock that is behind takes nothing back and gives nothing")
    func clockBehind() {
        var bucket = self.bucket(100, 100)
        _ = bucket.take(100, now: self.start)
        let earlier = bucket.take(1, now: self.start - .seconds(10))
        let same = bucket.take(1, now: self.start)
        #expect([earlier, same] == [false, false])
    }
}

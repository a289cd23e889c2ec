internal import NIOCore
internal import Testing

@testable internal import Gateway

@Suite("TokenBucketTable")
struct TokenBucketTableTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    @Test("each key has a bucket of its own, and what is given back can be taken again")
    func keys() {
        var table = TokenBucketTable<String>(rate: 1, burst: 2, countMax: 8, now: self.start)
        #expect(table.take("a", now: self.start) == true)
        #expect(table.take("a", now: self.start) == true)
        #expect(table.take("a", now: self.start) == false)
        #expect(table.take("b", now: self.start) == true)
        table.giveBack("a")
        #expect(table.take("a", now: self.start) == true)
        #expect(table.take("a", now: self.start) == false)
        for _ in 0..<9 { table.giveBack("b") }
        #expect(table.take("b", now: self.start) == true)
        #expect(table.take("b", now: self.start) == true)
        #expect(table.take("b", now: self.start) == false, "no more than the burst can be given back")
    }

    @Test("with more keys than it holds, the others share one bucket")
    func full() {
        var table = TokenBucketTable<Int>(rate: 0.001, burst: 2, countMax: 4, now: self.start)
        for key in 0..<4 { #expect(table.take(key, now: self.start) == true) }
        #expect(table.take(100, now: self.start) == true)
        #expect(table.take(101, now: self.start) == true)
        for key in 102..<200 { #expect(table.take(key, now: self.start) == false) }
        #expect(table.count == 4)
        table.giveBack(150)
        #expect(table.take(151, now: self.start) == true)
    }

    @Test("buckets that are full again are forgotten; a key that comes after has its own")
    func forgotten() {
        var table = TokenBucketTable<Int>(rate: 1, burst: 1, countMax: 4, now: self.start)
        for key in 0..<4 { _ = table.take(key, now: self.start) }
        let later = self.start + .seconds(10)
        #expect(table.take(9, now: later) == true)
        #expect(table.count == 1)
    }

    @Test("a burst below one would let nobody in, and a table for nobody would have no place")
    func bounds() {
        var table = TokenBucketTable<Int>(rate: 0, burst: 0, countMax: 0, now: self.start)
        #expect(table.take(1, now: self.start) == true)
        #expect(table.take(1, now: self.start + .hours(1)) == false)
    }
}

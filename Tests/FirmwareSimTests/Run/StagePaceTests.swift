import NIOCore
import Testing

@testable import FirmwareSim

@Suite struct StagePaceTests {
    private func offsets(_ pace: Stage.Pace, count: Int, over duration: TimeAmount = .seconds(10), action: Int = 0)
        -> [TimeAmount]
    {
        pace.offsets(count: count, stageDuration: duration, seed: 5, action: action)
    }

    @Test func atOnceIsAtOnce() {
        #expect(offsets(.atOnce, count: 3) == [.zero, .zero, .zero])
    }

    @Test func aRampReachesItsAreaAtItsEnd() throws {
        // From 0 to 20 a second over 10 s: a hundred devices, the last ones at the end.
        let times = offsets(.ramp(fromPerSecond: 0, toPerSecond: 20), count: 101)
        #expect(times.first == .zero)
        #expect(times.last == .seconds(10))
        #expect(times[25] == .seconds(5), "a quarter of the area lies in the first half")
        #expect(zip(times, times.dropFirst()).allSatisfy { $0 <= $1 })
    }

    @Test func aRampThatFallsIsTheSameBackwards() {
        let times = offsets(.ramp(fromPerSecond: 20, toPerSecond: 0), count: 101)
        #expect(times[75] == .seconds(5))
        #expect(times[100] <= .seconds(10))
    }

    @Test func whatIsLeftOfARampGoesOnAtItsLastRate() {
        let times = offsets(.ramp(fromPerSecond: 10, toPerSecond: 10), count: 121)
        #expect(times[100] == .seconds(10))
        #expect(times[120] == .seconds(12))
        let rest = offsets(.ramp(fromPerSecond: 20, toPerSecond: 0), count: 110)
        #expect(rest.suffix(9).allSatisfy { $0 == .seconds(10) })
    }

    @Test func spreadStaysInItsTime() {
        let times = offsets(.spread(over: .seconds(4)), count: 1_000)
        #expect(times.allSatisfy { $0 >= .zero && $0 < .seconds(4) })
        #expect(zip(times, times.dropFirst()).allSatisfy { $0 <= $1 })
        #expect(times[499] > .seconds(1) && times[499] < .seconds(3))
        #expect(offsets(.spread(over: .zero), count: 2) == [.zero, .zero])
    }

    @Test func eachActionHasItsOwnRandomTimes() {
        let pace = Stage.Pace.spread(over: .seconds(4))
        #expect(offsets(pace, count: 5, action: 1) == offsets(pace, count: 5, action: 1))
        #expect(offsets(pace, count: 5, action: 1) != offsets(pace, count: 5, action: 2))
    }

    @Test func independentDevicesKeepTheRateOnTheAverage() {
        let times = offsets(.rate(perSecond: 1_000, arrivals: .poisson), count: 20_000)
        #expect(times.first == .zero)
        #expect(zip(times, times.dropFirst()).allSatisfy { $0 <= $1 })
        #expect((19.0...21.0).contains(Double(times[19_999].nanoseconds) / 1e9))
        let gaps = zip(times, times.dropFirst()).map { Double(($1 - $0).nanoseconds) / 1e6 }
        // Of an exponential distribution, 1/e of the gaps are longer than the mean, and 1/e² longer than twice that.
        #expect((0.34...0.40).contains(Double(gaps.count { $0 > 1 }) / 19_999))
        #expect((0.12...0.15).contains(Double(gaps.count { $0 > 2 }) / 19_999))
        #expect(times == offsets(.rate(perSecond: 1_000, arrivals: .poisson), count: 20_000))
        #expect(times != offsets(.rate(perSecond: 1_000, arrivals: .poisson), count: 20_000, action: 1))
    }

    @Test(arguments: [0.0, 1e-300, 1e300])
    func noRateOverflows(rate: Double) {
        #expect(offsets(.ramp(fromPerSecond: rate, toPerSecond: 0), count: 3).count == 3)
        #expect(offsets(.ramp(fromPerSecond: 0, toPerSecond: rate), count: 3, over: .zero).count == 3)
    }
}

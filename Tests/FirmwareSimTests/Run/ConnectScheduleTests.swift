import NIOCore
import Testing

@testable import FirmwareSim

@Suite struct ConnectScheduleTests {
    @Test func anEvenPaceIsExact() throws {
        let schedule = ConnectSchedule(pace: .rate(perSecond: 50, arrivals: .even), seed: 1)
        #expect(
            schedule.offsets(count: 4) == [.zero, .milliseconds(20), .milliseconds(40), .milliseconds(60)])
        #expect(schedule.rampTime(count: 101) == .seconds(2))
        #expect(schedule.offsets(count: 0) == [])
        #expect(schedule.rampTime(count: 0) == .zero)
    }

    @Test func aRandomPaceKeepsTheRateOnTheAverage() throws {
        let schedule = ConnectSchedule(pace: .rate(perSecond: 1_000, arrivals: .poisson), seed: 42)
        let offsets = try #require(schedule.offsets(count: 20_000))
        #expect(offsets.first == .zero)
        #expect(zip(offsets, offsets.dropFirst()).allSatisfy { $0 <= $1 })
        let seconds = Double(offsets[19_999].nanoseconds) / 1e9
        #expect((19.0...21.0).contains(seconds))
        let gaps = zip(offsets, offsets.dropFirst()).map { Double(($1 - $0).nanoseconds) / 1e6 }
        // Of an exponential distribution, 1/e of the gaps are longer than the mean.
        let longer = Double(gaps.count { $0 > 1 }) / Double(gaps.count)
        #expect((0.34...0.40).contains(longer))
    }

    @Test(arguments: ConnectSchedule.Arrivals.allCases)
    func repeatsWithItsSeed(arrivals: ConnectSchedule.Arrivals) {
        let pace = ConnectSchedule.Pace.rate(perSecond: 10, arrivals: arrivals)
        let first = ConnectSchedule(pace: pace, seed: 7)
        let same = ConnectSchedule(pace: pace, seed: 7)
        let other = ConnectSchedule(pace: pace, seed: 8)
        #expect(first.offsets(count: 100) == same.offsets(count: 100))
        #expect(first.startOrder(devices: 100) == same.startOrder(devices: 100))
        #expect(first.startOrder(devices: 100) != other.startOrder(devices: 100))
    }

    @Test func everyDeviceStartsOnce() {
        let order = ConnectSchedule(pace: .inFlight(limit: 4), seed: 3).startOrder(devices: 500)
        #expect(order.sorted() == Array(0..<500))
        #expect(order != Array(0..<500))
    }

    @Test func withoutARateThereIsNoTimetable() {
        #expect(ConnectSchedule(pace: .inFlight(limit: 4), seed: 3).offsets(count: 5) == nil)
    }
}

@Suite struct SeededGeneratorTests {
    /// The first outputs of SplitMix64 for the seed 1234567, from its reference implementation.
    @Test func isSplitMix64() {
        var generator = SeededGenerator(seed: 1_234_567)
        let outputs = (0..<5).map { _ in generator.next() }
        #expect(
            outputs == [
                6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
                4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
            ])
    }
}

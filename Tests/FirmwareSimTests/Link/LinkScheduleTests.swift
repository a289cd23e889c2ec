import NIOCore
import Testing

@testable import FirmwareSim

@Suite struct LinkScheduleTests {
    static func model(
        p50: TimeAmount = .milliseconds(100), p99: TimeAmount = .milliseconds(100), up: Double = 8_000,
        spikes: LinkModel.Spikes? = nil
    ) -> LinkModel {
        LinkModel(
            roundTrip: .init(p50: p50, p99: p99), downBitsPerSecond: 80_000, upBitsPerSecond: up, spikes: spikes)
    }

    private func time(_ milliseconds: Int64) -> NIODeadline {
        .uptimeNanoseconds(10_000_000_000) + .milliseconds(milliseconds)
    }

    /// 8,000 bit/s is a byte a millisecond; half of the round trip is 50 ms.
    @Test(
        arguments: [
            // Alone: on the line for its length, then on its way.
            ([(0, 20)], [70]), ([(0, 0)], [50]),
            // Those that follow wait for the line.
            ([(0, 20), (0, 20), (5, 10)], [70, 90, 100]),
            // A line that is idle again begins anew.
            ([(0, 20), (200, 20)], [70, 270]),
        ] as [([(at: Int64, bytes: Int)], [Int64])])
    func releases(entries: [(at: Int64, bytes: Int)], expected: [Int64]) {
        var schedule = LinkSchedule(Self.model(), direction: .up, generator: SeededGenerator(seed: 1))
        let out = entries.map { schedule.release(bytes: $0.bytes, now: time($0.at)) }
        #expect(out == expected.map(time))
    }

    @Test func eachDirectionHasItsRate() {
        var schedule = LinkSchedule(Self.model(), direction: .down, generator: SeededGenerator(seed: 1))
        #expect(schedule.release(bytes: 100, now: time(0)) == time(60))
    }

    @Test func aRateOfZeroAddsNothing() {
        var schedule = LinkSchedule(Self.model(up: 0), direction: .up, generator: SeededGenerator(seed: 1))
        #expect(schedule.release(bytes: 1_000_000, now: time(0)) == time(50))
    }

    @Test func aSpikeDelaysItsBurst() {
        let spiky = Self.model(spikes: .init(probability: 1, delay: .seconds(2)))
        var schedule = LinkSchedule(spiky, direction: .up, generator: SeededGenerator(seed: 1))
        #expect(schedule.release(bytes: 10, now: time(0)) == time(2_060))
        #expect(schedule.release(bytes: 10, now: time(1)) == time(2_070))
    }

    @Test func nothingOvertakes() {
        let spiky = Self.model(
            p50: .milliseconds(5), p99: .seconds(5), spikes: .init(probability: 0.2, delay: .seconds(1)))
        var schedule = LinkSchedule(spiky, direction: .down, generator: SeededGenerator(seed: 3))
        var last = time(0)
        for step in 0..<2_000 {
            let out = schedule.release(bytes: step % 7 * 100, now: time(Int64(step) * 13))
            #expect(out >= last)
            #expect(out >= time(Int64(step) * 13))
            last = out
        }
    }

    @Test func roundTripsHaveThePercentilesOfTheModel() {
        let model = Self.model(p50: .milliseconds(80), p99: .milliseconds(400))
        var schedule = LinkSchedule(model, direction: .up, generator: SeededGenerator(seed: 5))
        let drawn = (0..<20_000).map { _ in schedule.drawRoundTrip().nanoseconds / 1_000 }.sorted()
        #expect((75_000...85_000).contains(drawn[10_000]))
        #expect((350_000...460_000).contains(drawn[19_800]))
    }

    @Test func theSameSeedDrawsTheSame() {
        let model = Self.model(p50: .milliseconds(80), p99: .milliseconds(400))
        var (a, b) = (
            LinkSchedule(model, direction: .up, generator: SeededGenerator(seed: 9)),
            LinkSchedule(model, direction: .up, generator: SeededGenerator(seed: 9))
        )
        for _ in 0..<50 { #expect(a.drawRoundTrip() == b.drawRoundTrip()) }
    }

    @Test func delaysAreBounded() {
        let slow = LinkModel(
            roundTrip: .init(p50: .seconds(1), p99: .hours(10)), downBitsPerSecond: 1e-9, upBitsPerSecond: 1,
            spikes: nil)
        var schedule = LinkSchedule(slow, direction: .down, generator: SeededGenerator(seed: 1))
        let out = schedule.release(bytes: .max / 2, now: time(0))
        #expect(out <= time(0) + SimulatorLimits.linkDelayMax + SimulatorLimits.linkDelayMax)
        for _ in 0..<1_000 { #expect(schedule.drawRoundTrip() <= SimulatorLimits.linkDelayMax) }
    }
}

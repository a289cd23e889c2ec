import NIOCore
import Testing

@testable import FirmwareSim

@Suite struct SampleSeriesTests {
    private struct Sum: SampleValue, Equatable {
        var total: Int
        var last: Int

        mutating func append(_ next: Sum) {
            total += next.total
            last = next.last
        }
    }

    @Test(arguments: [0, 1, 3, 4, 5, 8, 9, 100, 1_000, 12_345], [4, 5, 600])
    func nothingGetsLostAndThereAreNeverTooMany(count: Int, samplesMax: Int) {
        var series = SampleSeries<Sum>(samplesMax: samplesMax)
        for number in 0..<count { series.append(Sum(total: 1, last: number)) }
        #expect(series.samples.count <= samplesMax)
        #expect(series.samples.reduce(0) { $0 + $1.total } == count)
        // All are of the same length but the last, and end where they should.
        for (index, sample) in series.samples.dropLast().enumerated() {
            #expect(sample.total == series.intervalsPerSample)
            #expect(sample.last == (index + 1) * series.intervalsPerSample - 1)
        }
        #expect(series.samples.last?.last == (count > 0 ? count - 1 : nil))
        #expect(count <= samplesMax ? series.intervalsPerSample == 1 : series.samples.count * 2 >= samplesMax)
    }

    @Test func aLoopsSamplesAddUpOverTimeAndOverLoops() {
        func sample(connected: Int, milliseconds: Int64, busy: Double) -> LoopSample {
            var window = SampleWindow()
            window.record(.handshake(resumed: true, bytes: 100))
            window.record(.latency(.tls, .milliseconds(milliseconds)))
            window.record(.latency(.tcp, .milliseconds(1)))
            window.record(.failure(FailureReason(.tls, "eof")))
            window.recordLoopDelay(.milliseconds(milliseconds))
            window.recordProcessorTime(busySeconds: busy, wallSeconds: 1)
            return LoopSample(window, connectedNow: connected)
        }
        var overTime = sample(connected: 3, milliseconds: 5, busy: 0.2)
        overTime.append(sample(connected: 9, milliseconds: 2, busy: 0.4))
        #expect(overTime.connected == 9)
        #expect(abs(overTime.busyShare - 0.3) < 0.001)
        var overLoops = sample(connected: 3, milliseconds: 5, busy: 0.2)
        overLoops.merge(sample(connected: 9, milliseconds: 2, busy: 0.4))
        #expect(overLoops.connected == 12)
        #expect(overLoops.busyShare == 0.4)
        for sum in [overTime, overLoops] {
            #expect(sum.counters.resumedHandshakes == 2)
            #expect(sum.failures == [FailureReason(.tls, "eof"): 2])
            #expect(sum.loopDelayMax == 5_000)
            #expect(sum.latencies.keys.map(\.rawValue) == ["tls"])
            #expect(sum.latencies[.tls]?.buckets.reduce(0) { $0 + Int($1.count) } == 2)
        }
    }

    @Test func aSampleIsTakenOnce() {
        var statistics = LoopStatistics(isWarmUp: [false], fleets: 1)
        statistics.record(.attempt, fleet: 0, now: .now())
        #expect(statistics.takeSample(connectedNow: 1).counters.attempts == 1)
        #expect(statistics.takeSample(connectedNow: 1).counters.attempts == 0)
    }
}

@Suite struct MilestoneLogTests {
    @Test func sharesOfThoseThatWereToConnect() {
        var log = MilestoneLog()
        for second in (1...100).reversed() { log.record(.seconds(Int64(second))) }
        #expect(log.milestones(of: 100).map(\.seconds) == [50, 90, 99, 100])
        #expect(log.milestones(of: 200).map(\.seconds) == [100, nil, nil, nil])
        #expect(log.milestones(of: 0).isEmpty)
        #expect(log.milestones(of: 1).map(\.seconds) == [1, 1, 1, 1])
        #expect(log.milestones(of: 100).map(\.share) == [0.5, 0.9, 0.99, 1])
    }

    @Test func noTimeIsTooLongOrTooShort() {
        var log = MilestoneLog()
        log.record(.nanoseconds(-5))
        log.record(.nanoseconds(.max))
        var other = MilestoneLog()
        other.merge(log)
        #expect(other.count == 2)
        #expect(other.milestones(of: 2).first?.seconds == 0)
    }
}

import NIOCore
import Testing

@testable import FirmwareSim

@Suite struct LoopStatisticsTests {
    private let now = NIODeadline.uptimeNanoseconds(5_000)

    private func statistics(_ observations: [Observation], at time: NIODeadline? = nil) -> LoopStatistics {
        var statistics = LoopStatistics()
        for observation in observations { statistics.record(observation, now: time ?? now) }
        return statistics
    }

    @Test func mergingIsAsIfOneLoopHadSeenAll() {
        let some: [Observation] = [
            .attempt, .latency(.tls, .milliseconds(3)), .connack("accepted"), .latency(.connected, .milliseconds(9)),
            .failure(FailureReason(.session, "eof")), .published, .latency(.publish, .milliseconds(1)),
            .startDelay(.milliseconds(2)),
        ]
        let others: [Observation] = [
            .attempt, .latency(.tls, .milliseconds(70)), .connack("accepted"), .connack("connack-5"),
            .failure(FailureReason(.session, "eof")), .failure(FailureReason(.tls, "eof")), .publishesLost(3),
            .publishSkipped,
        ]
        let later = NIODeadline.uptimeNanoseconds(9_000)
        var forwards = statistics(some)
        forwards.merge(statistics(others, at: later))
        var backwards = statistics(others, at: later)
        backwards.merge(statistics(some))
        for merged in [forwards, backwards] {
            #expect(
                merged.counters
                    == RunCounters(
                        attempts: 2, handshakes: 2, connects: 1, failures: 3, published: 1, acknowledged: 1,
                        publishesLost: 3, publishesSkipped: 1))
            #expect(merged.connacks == ["accepted": 2, "connack-5": 1])
            #expect(merged.failures == [FailureReason(.session, "eof"): 2, FailureReason(.tls, "eof"): 1])
            #expect(merged.latencies[.tls]?.count == 2)
            #expect(merged.latencies[.tls]?.maximum == 70_000)
            #expect(merged.startDelays.count == 1)
            #expect(merged.lastHandshake == later)
            #expect(merged.lastConnack == now)
        }
    }

    @Test func mergingWithNothingChangesNothing() {
        var merged = statistics([.attempt, .latency(.tls, .milliseconds(3))])
        merged.merge(LoopStatistics())
        #expect(merged.counters.handshakes == 1)
        #expect(merged.lastHandshake == now)
        #expect(merged.lastConnack == nil)
    }

    @Test func percentilesAreWithinAThousandthAndNeverAboveTheMaximum() {
        var histogram = LatencyHistogram()
        for microseconds in 1...10_000 { histogram.record(.microseconds(Int64(microseconds))) }
        for (percentile, expected) in [(50.0, 5_000.0), (90, 9_000), (99, 9_900)] {
            let found = Double(histogram.percentile(percentile))
            #expect(abs(found - expected) <= expected / 1_000 + 1)
        }
        #expect(histogram.percentile(100) == 10_000)
        #expect(histogram.maximum == 10_000)
    }

    @Test func takesAnyTime() {
        var histogram = LatencyHistogram()
        histogram.record(.nanoseconds(-1))
        histogram.record(.hours(100))
        #expect(histogram.count == 2)
        #expect(histogram.percentile(99) <= histogram.maximum)
        #expect(LatencyHistogram().percentile(99) == 0)
    }
}

@Suite struct ProcessClockTests {
    @Test func readsTheLineOfAProcessWithAnyName() {
        let tail = "S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 1 0 100 1000"
        #expect(ProcessClock.processorSeconds(statLine: "42 (sim) \(tail)", ticksPerSecond: 100) == 3)
        #expect(ProcessClock.processorSeconds(statLine: "42 (a) b) 9 9) \(tail)", ticksPerSecond: 100) == 3)
    }

    @Test(arguments: ["", "42", "42 (sim", "42 (sim) S 1 2", "42 (sim) S 1 2 3 4 5 6 7 8 9 10 x y"])
    func refusesOtherLines(line: String) {
        #expect(ProcessClock.processorSeconds(statLine: line, ticksPerSecond: 100) == nil)
    }

    @Test func knowsThisProcessAndNotOneThatIsNotThere() {
        #expect(ProcessClock.ownProcessorSeconds() >= 0)
        #expect(ProcessClock.processorSeconds(ofProcess: Int32.max) == nil)
    }
}

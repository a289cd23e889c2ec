import NIOCore
import Testing

@testable import FirmwareSim

@Suite struct LoopStatisticsTests {
    private let now = NIODeadline.uptimeNanoseconds(5_000)

    private func statistics(_ observations: [Observation], at time: NIODeadline? = nil) -> LoopStatistics {
        var statistics = LoopStatistics(isWarmUp: [false], fleets: 1)
        for observation in observations { statistics.record(observation, fleet: 0, now: time ?? now) }
        return statistics
    }

    @Test func mergingIsAsIfOneLoopHadSeenAll() {
        let some: [Observation] = [
            .attempt, .latency(.tls, .milliseconds(3)), .handshake(resumed: false, bytes: 3_000), .connack("accepted"),
            .latency(.connected, .milliseconds(9)), .failure(FailureReason(.session, "eof")), .published,
            .latency(.publish, .milliseconds(1)), .startDelay(.milliseconds(2)), .received(bytes: 7), .commandSent,
        ]
        let others: [Observation] = [
            .attempt, .latency(.tls, .milliseconds(70)), .handshake(resumed: true, bytes: 500), .connack("accepted"),
            .connack("connack-5"), .failure(FailureReason(.session, "eof")), .failure(FailureReason(.tls, "eof")),
            .publishesLost(3), .publishSkipped, .received(bytes: 5), .latency(.command, .milliseconds(8)),
            .commandUnanswered,
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
                        attempts: 2, handshakes: 2, resumedHandshakes: 1, fullHandshakeBytes: 3_000,
                        resumedHandshakeBytes: 500, connects: 1, failures: 3, published: 1, acknowledged: 1,
                        publishesLost: 3, publishesSkipped: 1, received: 2, receivedBytes: 12, commandsSent: 1,
                        commandsAnswered: 1, commandsUnanswered: 1))
            let figures = merged.figures()
            #expect(figures.counters == merged.counters)
            #expect(figures.connacks == ["accepted": 2, "connack-5": 1])
            #expect(figures.failures == [FailureReason(.session, "eof"): 2, FailureReason(.tls, "eof"): 1])
            #expect(merged.failures == figures.failures)
            #expect(merged.latencies[.tls]?.count == 2)
            #expect(merged.latencies[.tls]?.maximum == 70_000)
            #expect(figures.latencies[.tls]?.count == 2)
            #expect(merged.startDelays.count == 1)
            #expect(figures.lastHandshake == later)
            #expect(figures.lastConnack == now)
        }
    }

    @Test func mergingWithNothingChangesNothing() {
        var merged = statistics([.attempt, .handshake(resumed: false, bytes: 1)])
        merged.merge(LoopStatistics(isWarmUp: [false], fleets: 1))
        #expect(merged.counters.handshakes == 1)
        #expect(merged.figures().lastHandshake == now)
        #expect(merged.figures().lastConnack == nil)
    }

    @Test func warmUpIsCountedButNotInTheRunsFigures() {
        var statistics = LoopStatistics(isWarmUp: [true, false, true], fleets: 2)
        func note(_ observations: Observation...) {
            for observation in observations { statistics.record(observation, fleet: 1, now: now) }
        }
        note(.attempt, .latency(.connected, .milliseconds(500)), .startDelay(.seconds(1)))
        statistics.recordLoopDelay(.seconds(2))
        statistics.recordProcessorTime(busySeconds: 1, wallSeconds: 1)
        statistics.enter(stage: 1)
        note(.attempt, .latency(.connected, .milliseconds(5)), .failure(FailureReason(.tls, "eof")))
        statistics.recordProcessorTime(busySeconds: 0.25, wallSeconds: 1)
        statistics.enter(stage: 2)
        note(.attempt, .failure(FailureReason(.tls, "eof")))

        #expect(statistics.counters.attempts == 3)
        #expect(statistics.latencies[.connected]?.maximum == 5_000)
        #expect(statistics.startDelays.count == 0 && statistics.loopDelays.count == 0)
        #expect(statistics.busyShare == 0.25)
        #expect(statistics.figures().counters.attempts == 1)
        #expect(statistics.figures().counters.failures == 1)
        #expect(statistics.figures(fleet: 0).isEmpty)
        #expect(statistics.figures(fleet: 1).counters.attempts == 1)
        #expect(statistics.stages.map { $0.fleets[1].counters.attempts } == [1, 1, 1])
        #expect(statistics.stages[0].figures().latencies[.connected]?.maximum == 500_000)
        #expect(statistics.stages[0].loopDelays.count == 1)
    }

    @Test func aStageOrFleetThatDoesNotExistIsNobodysFault() {
        var statistics = LoopStatistics(isWarmUp: [], fleets: 0)
        statistics.enter(stage: 7)
        statistics.record(.attempt, fleet: 9, now: now)
        #expect(statistics.counters.attempts == 1)
        #expect(statistics.figures().counters.attempts == 0)
        #expect(statistics.figures(fleet: 9).isEmpty)
    }

    @Test func ofTwoLoopsTheBusierOneIsTheStages() {
        var one = LoopStatistics(isWarmUp: [false], fleets: 1)
        var other = one
        one.recordProcessorTime(busySeconds: 0.3, wallSeconds: 1)
        other.recordProcessorTime(busySeconds: 0.9, wallSeconds: 1)
        one.merge(other)
        #expect(one.stages[0].busyShare == 0.9)
    }
}

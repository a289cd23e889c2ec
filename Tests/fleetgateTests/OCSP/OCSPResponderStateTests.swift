import Testing

@testable import fleetgate

@Suite struct OCSPResponderStateTests {
    private func broken(at now: Duration = .zero) -> OCSPResponderState {
        var state = OCSPResponderState(concurrency: 100)
        for id in 0..<UInt64(OCSPResponderState.failuresMax) {
            #expect(state.wants(id, now: now) == .ask)
            _ = state.finished(.failed("no route"), now: now)
        }
        return state
    }

    private func isRefused(_ turn: OCSPResponderState.Turn) -> Bool {
        if case .refused(let reason) = turn { return reason.contains("no route") }
        return false
    }

    @Test func givesTurnsInOrder() {
        var state = OCSPResponderState(concurrency: 2)
        #expect((1...5).map { state.wants($0, now: .zero) } == [.ask, .ask, .wait, .wait, .wait])
        #expect(state.finished(.answered, now: .zero).asking == [3])
        #expect([4, 4, 1].map { state.gaveUp($0) } == [true, false, false])
        #expect(state.finished(.failed("x"), now: .zero).asking == [5])
        #expect(state.finished(.answered, now: .zero) == .init())
        #expect(!state.isIdle)
        _ = state.finished(.answered, now: .zero)
        #expect(state.isIdle)
    }

    @Test func boundsTheQueue() {
        var state = OCSPResponderState(concurrency: 1)
        _ = state.wants(0, now: .zero)
        for id in 1...UInt64(OCSPResponderState.waitingMax) { #expect(state.wants(id, now: .zero) == .wait) }
        #expect(state.wants(9999, now: .zero) == .refused("too many questions wait for the responder"))
    }

    @Test func breaksAfterFailuresInARow() {
        var state = OCSPResponderState(concurrency: 100)
        for _ in 0..<100 {
            for _ in 1..<OCSPResponderState.failuresMax { _ = state.finished(.failed("x"), now: .zero) }
            _ = state.finished(.answered, now: .zero)
        }
        #expect(!state.isBroken)
        #expect(broken().isBroken)
    }

    @Test func refusesThoseWhoWaitWhenItBreaks() {
        var state = OCSPResponderState(concurrency: 1)
        _ = state.wants(0, now: .zero)
        for _ in 1..<OCSPResponderState.failuresMax {
            _ = state.finished(.failed("no route"), now: .zero)
            _ = state.wants(0, now: .zero)
        }
        #expect(state.wants(1, now: .zero) == .wait)
        #expect(state.wants(2, now: .zero) == .wait)
        let release = state.finished(.failed("no route"), now: .zero)
        #expect(release.refused == [1, 2])
        #expect(release.reason.contains("no route"))
        #expect(state.isIdle)
    }

    @Test func triesWithOneQuestionAndWaitsTwiceAsLongEachTime() {
        var state = broken()
        var now = Duration.zero
        var pause = OCSPResponderState.pauseMin
        for _ in 0..<12 {
            #expect(isRefused(state.wants(1, now: now + pause - .nanoseconds(1))))
            now += pause
            #expect(state.wants(2, now: now) == .ask)
            #expect(isRefused(state.wants(3, now: now)))
            _ = state.finished(.failed("no route"), now: now)
            pause = min(pause * 2, OCSPResponderState.pauseMax)
        }
        now += pause
        #expect(state.wants(4, now: now) == .ask)
        _ = state.finished(.answered, now: now)
        #expect(!state.isBroken)
        #expect(state.wants(5, now: now) == .ask)
        #expect(state.wants(6, now: now) == .ask)
    }

    @Test func failuresThatWereUnderWayDoNotLengthenThePause() {
        var state = broken()
        for _ in 0..<50 { _ = state.finished(.failed("no route"), now: .seconds(4)) }
        #expect(state.wants(1, now: OCSPResponderState.pauseMin) == .ask)
    }
}

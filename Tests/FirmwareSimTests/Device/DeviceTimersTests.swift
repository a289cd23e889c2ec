import NIOCore
import Testing

@testable import FirmwareSim

@Suite struct DeviceTimersTests {
    private func time(_ milliseconds: UInt64) -> NIODeadline { .uptimeNanoseconds(milliseconds * 1_000_000) }

    @Test func theNearestComesFirst() {
        var timers = DeviceTimers()
        #expect(timers.next == nil)
        timers.arm(.keepAlive, at: time(30))
        timers.arm(.telemetry(0), at: time(20))
        timers.arm(.telemetry(1), at: time(10))
        #expect(timers.next == time(10))
        #expect(timers.popDue(now: time(9)) == nil)
        #expect(timers.popDue(now: time(25)) == .telemetry(1))
        #expect(timers.popDue(now: time(25)) == .telemetry(0))
        #expect(timers.popDue(now: time(25)) == nil)
        #expect(timers.next == time(30))
    }

    @Test func armingAgainReplaces() {
        var timers = DeviceTimers()
        timers.arm(.state, at: time(10))
        timers.arm(.state, at: time(40))
        #expect(timers.popDue(now: time(39)) == nil)
        #expect(timers.popDue(now: time(40)) == .state)
        #expect(timers.next == nil)
    }

    @Test func cancellingLeavesNothing() {
        var timers = DeviceTimers()
        timers.arm(.state, at: time(10))
        timers.arm(.sleep, at: time(10))
        timers.cancelAll()
        #expect(timers.popDue(now: time(100)) == nil)
    }
}

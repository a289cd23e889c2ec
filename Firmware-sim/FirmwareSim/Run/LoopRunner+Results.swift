import NIOCore

extension LoopRunner {
    /// What the outside may see while the run goes on.
    struct Snapshot: Sendable {
        var counters: RunCounters
        var connectedNow: Int
        /// Devices whose first attempt is not decided yet.
        var untried: Int
        /// Whether nothing is left to do.
        var isDone: Bool
    }

    struct Outcome: Sendable {
        var statistics: LoopStatistics
        var histories: [(deviceIndex: Int, history: DeviceHistory)]
        /// Share of the wall time this loop's thread was on a processor, 0 to 1.
        var busyShare: Double
    }

    /// A device and when it is meant to start, counted from the run's beginning; nil where there is no timetable.
    struct Assignment: Sendable {
        var device: SimulatedDevice
        var offset: TimeAmount?
    }
}

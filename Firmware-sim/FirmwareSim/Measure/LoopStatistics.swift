import NIOCore

/// What one event loop counted. Each loop has its own and no other thread touches it; they are merged when the run is
/// over, so that counting costs no lock.
struct LoopStatistics: Sendable {
    /// One stage on one loop.
    struct Stage: Sendable {
        /// By the fleet's place in the plan.
        var fleets: [Figures]
        /// How late the event loop was, in microseconds.
        var loopDelays = LatencyHistogram(.hundredth)
        /// How much later than intended a device was started, in microseconds.
        var startDelays = LatencyHistogram(.hundredth)
        /// When each device was first accepted in this stage.
        var firstConnects = MilestoneLog()
        /// Processor time of the loop's thread in this stage, and how long it lasted there, in seconds.
        var busySeconds = 0.0
        var wallSeconds = 0.0

        var busyShare: Double { wallSeconds > 0 ? busySeconds / wallSeconds : 0 }
    }

    /// Whether each stage's figures stay out of the run's.
    private let isWarmUp: [Bool]
    private(set) var stages: [Stage]
    private var stage = 0
    /// Counts of everything, warm-up too: for who watches the run.
    private(set) var counters = RunCounters()
    private(set) var failures: [FailureReason: Int] = [:]
    /// The rest is of the run without its warm-up.
    private(set) var latencies = LatencySet(.thousandth)
    private(set) var loopDelays = LatencyHistogram()
    private(set) var startDelays = LatencyHistogram()
    /// When each device was first accepted since the warm-up ended.
    private(set) var firstConnects = MilestoneLog()
    private(set) var window = SampleWindow()

    /// - Parameter isWarmUp: Of each stage; at least one stage.
    init(isWarmUp: [Bool], fleets: Int) {
        self.isWarmUp = isWarmUp.isEmpty ? [false] : isWarmUp
        self.stages = self.isWarmUp.map { _ in
            Stage(fleets: [Figures](repeating: Figures(), count: max(1, fleets)))
        }
    }

    /// Whatever comes from now on belongs to that stage.
    mutating func enter(stage index: Int) {
        guard stages.indices.contains(index) else { return }
        stage = index
    }

    var isMeasured: Bool { !isWarmUp[stage] }

    mutating func record(_ observation: Observation, fleet: Int, now: NIODeadline) {
        counters.record(observation)
        if stages[stage].fleets.indices.contains(fleet) {
            stages[stage].fleets[fleet].record(observation, now: now)
        }
        window.record(observation)
        switch observation {
        case .startDelay(let delay):
            stages[stage].startDelays.record(delay)
            if isMeasured { startDelays.record(delay) }
        case .latency(let kind, let time):
            if isMeasured { latencies.record(kind, time) }
        case .failure(let reason):
            failures[reason, default: 0] += 1
        case .attempt, .attemptAbandoned, .handshake, .received, .commandSent, .commandUnanswered, .connack, .published,
            .publishesLost, .publishSkipped:
            break
        }
    }

    mutating func recordLoopDelay(_ delay: TimeAmount) {
        stages[stage].loopDelays.record(delay)
        if isMeasured { loopDelays.record(delay) }
        window.recordLoopDelay(delay)
    }

    /// A device is connected for the first time in this stage.
    mutating func recordFirstConnectInStage(since stageStart: NIODeadline, now: NIODeadline) {
        stages[stage].firstConnects.record(now - stageStart)
    }

    /// A device is connected for the first time since the warm-up ended.
    mutating func recordFirstConnect(since start: NIODeadline, now: NIODeadline) {
        firstConnects.record(now - start)
    }

    mutating func recordProcessorTime(busySeconds: Double, wallSeconds: Double) {
        stages[stage].busySeconds += busySeconds
        stages[stage].wallSeconds += wallSeconds
        window.recordProcessorTime(busySeconds: busySeconds, wallSeconds: wallSeconds)
    }

    /// What came since the last call.
    mutating func takeSample(connectedNow: Int) -> LoopSample {
        defer { window = SampleWindow() }
        return LoopSample(window, connectedNow: connectedNow)
    }

    /// Adds another loop's counts of the same plan. The order of merging does not matter, except for the busy share of a
    /// stage, which is the busiest loop's.
    mutating func merge(_ other: LoopStatistics) {
        counters.merge(other.counters)
        failures.merge(other.failures, uniquingKeysWith: +)
        latencies.merge(other.latencies)
        loopDelays.merge(other.loopDelays)
        startDelays.merge(other.startDelays)
        firstConnects.merge(other.firstConnects)
        for (index, theirs) in other.stages.enumerated() where stages.indices.contains(index) {
            stages[index].merge(theirs)
        }
    }

    /// Of the measured stages, all fleets or one.
    func figures(fleet: Int? = nil) -> Figures {
        var sum = Figures()
        for (index, stage) in stages.enumerated() where !isWarmUp[index] {
            sum.merge(stage.figures(fleet: fleet))
        }
        return sum
    }

    /// Of this loop in the measured stages, 0 to 1.
    var busyShare: Double {
        var busy = 0.0
        var wall = 0.0
        for (index, stage) in stages.enumerated() where !isWarmUp[index] {
            busy += stage.busySeconds
            wall += stage.wallSeconds
        }
        return wall > 0 ? busy / wall : 0
    }
}

extension LoopStatistics.Stage {
    /// All fleets', or one's.
    func figures(fleet: Int? = nil) -> Figures {
        if let fleet { return fleets.indices.contains(fleet) ? fleets[fleet] : Figures() }
        var sum = Figures()
        for figures in fleets { sum.merge(figures) }
        return sum
    }

    mutating func merge(_ other: LoopStatistics.Stage) {
        for (index, theirs) in other.fleets.enumerated() where fleets.indices.contains(index) {
            fleets[index].merge(theirs)
        }
        loopDelays.merge(other.loopDelays)
        startDelays.merge(other.startDelays)
        firstConnects.merge(other.firstConnects)
        if other.busyShare > busyShare {
            busySeconds = other.busySeconds
            wallSeconds = other.wallSeconds
        }
    }
}

import MQTTCodec
import NIOCore
import NIOMbedTLS
import NIOPosix

/// The devices of one event loop: starts them by the timetable, does to them what the stages say, and counts.
/// Everything in it happens on that loop.
final class LoopRunner {
    /// A device of this loop and what the loop knows of it.
    struct Slot {
        let runner: DeviceRunner
        /// Whether it was started and has not finished.
        var isActive = false
        /// Whether it counts as an attempt under way.
        var isUndecided = false
        /// Whether its first attempt was decided.
        var isTried = false
        var isConnected = false
        /// Whether an attempt of it, the first or a later one, is under way.
        var isAttempting = false
        /// Whether it was told to stop and has not finished yet.
        var isLeaving = false
        /// The last stage in which it was accepted, or connected from before.
        var lastStage = -1
        /// Whether it was accepted, or connected from before, since the warm-up ended.
        var isCounted = false
        /// Set when the next start was due before the last connection was over: when that start was meant.
        var overdueStart: NIODeadline?
    }

    let eventLoop: any EventLoop
    let material: RunMaterial
    let contexts: ContextSupply
    var statistics: LoopStatistics
    var slots: [Slot] = []
    /// From a device's index in the run to its slot.
    var places: [Int: Int] = [:]
    var connectedNow = 0
    /// Devices with an attempt under way.
    var attempting = 0

    let starts: [StartTimetable.Start]
    /// Attempts under way at once, where there is no timetable.
    let inFlightMax: Int
    var inFlight = 0
    var untried: Int
    var active = 0
    var epoch = NIODeadline.now()
    /// Place in the timetable, or among the slots, of the next start; beyond their number in the second round.
    var nextStart = 0
    /// Place in the timetable of the next start whose context is not being made yet.
    var nextPrepared = 0
    var startTimer: Scheduled<Void>?
    /// Devices that have left and are to connect again, where there is no timetable.
    var reruns = CircularBuffer<Int>()
    var isRefillScheduled = false

    var stage = 0
    var stageStart = NIODeadline.now()
    var stageTimer: Scheduled<Void>?
    var operations = CircularBuffer<Operation>()
    /// The next slot of the first operation.
    var operationPlace = 0
    var areOperationsScheduled = false
    /// Starts of later steps wait until what their stage does before them is done.
    var releasedSequence = 0
    /// For each fleet: starts of earlier steps than this are void, because the fleet was switched off since.
    var startsVoidBefore: [Int]
    var fleetsWithoutLink: Set<Int> = []

    var isStopping = false
    /// Whether every device has been told to stop.
    var isStopped = false
    var payloads: [Int: ByteBuffer] = [:]
    var probeTimer: Scheduled<Void>?
    /// When the next look at how late the loop is was meant.
    var probeDue = NIODeadline.now()
    var sampleTimer: Scheduled<Void>?
    var samples = SampleSeries<LoopSample>()
    /// Up to when the thread's processor time has been accounted for.
    var accountedUntil = NIODeadline.now()
    var accountedProcessorSeconds = 0.0

    init(
        eventLoop: any EventLoop, material: RunMaterial, part: StartTimetable.Part, inFlightMax: Int,
        contexts: ContextSupply
    ) {
        self.eventLoop = eventLoop
        self.material = material
        self.contexts = contexts
        self.starts = part.starts
        self.inFlightMax = inFlightMax
        self.untried = part.devices.count
        self.statistics = LoopStatistics(
            isWarmUp: material.outline.map(\.isWarmUp), fleets: material.plan.fleets.count)
        self.startsVoidBefore = [Int](repeating: 0, count: material.plan.fleets.count)
        slots.reserveCapacity(part.devices.count)
        for device in part.devices {
            guard material.settings.indices.contains(device.fleetIndex) else { continue }
            places[device.index] = slots.count
            slots.append(
                Slot(
                    runner: DeviceRunner(
                        device: device, settings: material.settings[device.fleetIndex],
                        generator: SeededGenerator(seed: material.plan.seed, stream: UInt64(device.index)), host: self))
            )
        }
    }

    /// What the outside may see while the run goes on.
    struct Snapshot: Sendable {
        var counters: RunCounters
        var failures: [FailureReason: Int]
        var connectedNow: Int
        /// Devices with an attempt under way, the first or a later one.
        var attempting: Int
        var stage: Int
        /// Devices whose first attempt is not decided yet.
        var untried: Int
        /// Whether nothing is left to do.
        var isDone: Bool
        /// Whether the contexts for the first starts are made.
        var isPrepared: Bool
    }

    var snapshot: Snapshot {
        let isOver: Bool
        switch material.plan.mode {
        case .scenario: isOver = false
        case .stay, .connectOnly, .handshakeOnly:
            isOver = !isStopping && nextStart >= slots.count && !material.plan.mode.repeats
        }
        return Snapshot(
            counters: statistics.counters, failures: statistics.failures, connectedNow: connectedNow,
            attempting: attempting, stage: stage,
            untried: untried, isDone: active == 0 && (isStopped || isOver), isPrepared: contexts.beingMade == 0)
    }

    // MARK: The run

    func start(epoch: NIODeadline) {
        self.epoch = epoch
        accountedUntil = NIODeadline.now()
        accountedProcessorSeconds = ProcessClock.threadProcessorSeconds()
        probe(expected: NIODeadline.now() + SimulatorLimits.loopProbeInterval)
        scheduleSample(1)
        beginStage(0)
        switch material.plan.mode {
        case .scenario: startDueDevices()
        case .stay, .connectOnly, .handshakeOnly:
            switch material.plan.pace {
            case .rate: startDueDevices()
            case .inFlight: fillFlight()
            }
        }
    }

    /// Ends the run: every device takes its leave. ``snapshot`` says when that is done.
    func stop() {
        guard !isStopping else { return }
        isStopping = true
        startTimer?.cancel()
        stageTimer?.cancel()
        // What is measured ends here: the leave-taking of a whole fleet at once is nobody's latency.
        probeTimer?.cancel()
        recordOverdueProbes()
        accountProcessorTime()
        operations.removeAll()
        operationPlace = 0
        perform(.end)
    }

    /// The loop's part of the result. Call once, when the run is over.
    func finish() -> Outcome {
        startTimer?.cancel()
        stageTimer?.cancel()
        probeTimer?.cancel()
        sampleTimer?.cancel()
        samples.append(statistics.takeSample(connectedNow: connectedNow))
        return Outcome(
            statistics: statistics, samples: samples,
            histories: slots.map { ($0.runner.device.index, $0.runner.session.history) })
    }

    struct Outcome: Sendable {
        var statistics: LoopStatistics
        var samples: SampleSeries<LoopSample>
        var histories: [(deviceIndex: Int, history: DeviceHistory)]
    }
}

import NIOCore

extension LoadRun {
    /// What an observer sees a few times a second. Counts are of everything so far, warm-up too.
    struct Progress: Sendable {
        var counters = RunCounters()
        var failures: [FailureReason: Int] = [:]
        var connectedNow = 0
        /// Of this process.
        var devices: Int
        /// Whether devices leave as soon as they are accepted, or as the handshake is over.
        var isConnectOnly: Bool
        /// Seconds since the first intended start.
        var elapsedSeconds: Double
        /// Nil: until the devices are done.
        var totalSeconds: Double?
        /// The stage's name, its number from 1, and how many there are.
        var stage = ""
        var stageNumber = 1
        var stageCount = 1
        var isWarmUp = false
        /// Over the last second.
        var rates = Rates()
        /// Of the run without its warm-up so far; renewed once a second.
        var latencies = LatencySet(.thousandth)

        /// Per second.
        struct Rates: Sendable, Equatable {
            var handshakes = 0.0
            var connects = 0.0
            var published = 0.0
            var acknowledged = 0.0
            var failures = 0.0
        }
    }
}

/// Makes ``LoadRun/Progress`` of what the loops say.
struct ProgressObserver: Sendable {
    private let material: RunMaterial
    private let ownDevices: Int
    private let epoch: NIODeadline
    /// What the counters were at times of the last second, the oldest first.
    private var history: [(time: NIODeadline, counters: RunCounters)] = []
    private var latencies = LatencySet(.thousandth)
    private var latenciesAt: NIODeadline?

    private static let span: TimeAmount = .seconds(1)

    init(material: RunMaterial, ownDevices: Int, epoch: NIODeadline) {
        self.material = material
        self.ownDevices = ownDevices
        self.epoch = epoch
    }

    func needsLatencies(at now: NIODeadline) -> Bool {
        latenciesAt.map { $0 + Self.span <= now } ?? true
    }

    mutating func latencies(_ parts: [LatencySet]) {
        latencies = LatencySet(.thousandth)
        for part in parts { latencies.merge(part) }
        latenciesAt = .now()
    }

    mutating func progress(_ snapshots: [LoopRunner.Snapshot], now: NIODeadline) -> LoadRun.Progress {
        let plan = material.plan
        var progress = LoadRun.Progress(
            devices: ownDevices, isConnectOnly: plan.mode.isConnectOnly,
            elapsedSeconds: max(0, Double((now - epoch).nanoseconds) / 1e9),
            totalSeconds: plan.duration.map { Double($0.nanoseconds) / 1e9 })
        for snapshot in snapshots {
            progress.counters.merge(snapshot.counters)
            progress.failures.merge(snapshot.failures, uniquingKeysWith: +)
            progress.connectedNow += snapshot.connectedNow
        }
        let stage = snapshots.map(\.stage).max() ?? 0
        if material.outline.indices.contains(stage) {
            progress.stage = material.outline[stage].name
            progress.isWarmUp = material.outline[stage].isWarmUp
        }
        progress.stageNumber = stage + 1
        progress.stageCount = material.outline.count
        progress.latencies = latencies
        progress.rates = rates(progress.counters, now: now)
        return progress
    }

    private mutating func rates(_ counters: RunCounters, now: NIODeadline) -> LoadRun.Progress.Rates {
        history.append((now, counters))
        while history.count > 2, let second = history.dropFirst().first, second.time + Self.span <= now {
            history.removeFirst()
        }
        guard let first = history.first, first.time < now else { return .init() }
        let seconds = Double((now - first.time).nanoseconds) / 1e9
        let change = counters.since(first.counters)
        return .init(
            handshakes: Double(change.handshakes) / seconds, connects: Double(change.connects) / seconds,
            published: Double(change.published) / seconds, acknowledged: Double(change.acknowledged) / seconds,
            failures: Double(change.failures) / seconds)
    }
}

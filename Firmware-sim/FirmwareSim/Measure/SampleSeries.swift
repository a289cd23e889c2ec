import NIOCore

/// What can be added up over time.
protocol SampleValue: Sendable {
    /// Takes in what the next interval held.
    mutating func append(_ next: Self)
}

/// Equally long intervals one after the other. When there are too many, pairs of them become one, so that a run of a
/// minute has seconds and one of a day has minutes, and neither has more than some hundred.
struct SampleSeries<Element: SampleValue>: Sendable {
    private(set) var samples: [Element] = []
    /// How many of the first intervals are in one sample.
    private(set) var intervalsPerSample = 1
    /// Intervals in the last sample.
    private var lastCount = 0
    private let samplesMax: Int

    init(samplesMax: Int = SimulatorLimits.samplesMax) {
        self.samplesMax = max(2, samplesMax)
    }

    mutating func append(_ interval: Element) {
        if let last = samples.indices.last, lastCount < intervalsPerSample {
            samples[last].append(interval)
            lastCount += 1
            return
        }
        if samples.count >= samplesMax { halve() }
        if let last = samples.indices.last, lastCount < intervalsPerSample {
            samples[last].append(interval)
            lastCount += 1
        } else {
            samples.append(interval)
            lastCount = 1
        }
    }

    private mutating func halve() {
        let isOdd = samples.count % 2 == 1
        samples = stride(from: 0, to: samples.count, by: 2).map { first in
            var sample = samples[first]
            if first + 1 < samples.count { sample.append(samples[first + 1]) }
            return sample
        }
        lastCount += isOdd ? 0 : intervalsPerSample
        intervalsPerSample *= 2
    }
}

/// What one loop saw since the last sample, as it happens.
struct SampleWindow: Sendable {
    private(set) var counters = RunCounters()
    private(set) var failures: [FailureReason: Int] = [:]
    private(set) var latencies = LatencySet(.hundredth)
    private(set) var loopDelayMax: UInt64 = 0
    private(set) var busySeconds = 0.0
    private(set) var wallSeconds = 0.0

    mutating func record(_ observation: Observation) {
        counters.record(observation)
        switch observation {
        case .latency(let kind, let time):
            switch kind {
            case .tls, .connected, .publish, .command: latencies.record(kind, time)
            case .tcp, .connack, .send, .established: break
            }
        case .failure(let reason):
            failures[reason, default: 0] += 1
        case .attempt, .attemptAbandoned, .startDelay, .handshake, .received, .commandSent, .commandUnanswered,
            .connack,
            .published, .publishesLost, .publishSkipped:
            break
        }
    }

    mutating func recordLoopDelay(_ delay: TimeAmount) {
        loopDelayMax = max(loopDelayMax, UInt64(max(0, delay.nanoseconds) / 1_000))
    }

    mutating func recordProcessorTime(busySeconds: Double, wallSeconds: Double) {
        self.busySeconds += busySeconds
        self.wallSeconds += wallSeconds
    }
}

/// One interval of one loop, or of all when merged, in a form that is small enough to be kept.
struct LoopSample: SampleValue {
    /// At the interval's end.
    private(set) var connected: Int
    private(set) var counters: RunCounters
    private(set) var failures: [FailureReason: Int]
    private(set) var latencies: [LatencyKind: LatencyDigest]
    private(set) var loopDelayMax: UInt64
    private(set) var busySeconds: Double
    private(set) var wallSeconds: Double

    var busyShare: Double { wallSeconds > 0 ? min(1, busySeconds / wallSeconds) : 0 }

    init(_ window: SampleWindow, connectedNow: Int) {
        connected = connectedNow
        counters = window.counters
        failures = window.failures
        latencies = Dictionary(uniqueKeysWithValues: window.latencies.all.map { ($0.kind, $0.histogram.digest) })
        loopDelayMax = window.loopDelayMax
        busySeconds = window.busySeconds
        wallSeconds = window.wallSeconds
    }

    mutating func append(_ next: LoopSample) {
        addCounts(next)
        connected = next.connected
        busySeconds += next.busySeconds
        wallSeconds += next.wallSeconds
    }

    /// Adds the same interval of another loop; of processor time the busier one's is kept.
    mutating func merge(_ other: LoopSample) {
        addCounts(other)
        connected += other.connected
        if other.busyShare > busyShare {
            busySeconds = other.busySeconds
            wallSeconds = other.wallSeconds
        }
    }

    private mutating func addCounts(_ other: LoopSample) {
        counters.merge(other.counters)
        failures.merge(other.failures, uniquingKeysWith: +)
        for (kind, digest) in other.latencies {
            if latencies[kind]?.merge(digest) == nil { latencies[kind] = digest }
        }
        loopDelayMax = max(loopDelayMax, other.loopDelayMax)
    }
}

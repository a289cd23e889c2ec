import Foundation
import MQTTCodec
import NIOCore

/// The result of a run, in the form that `--json` writes. Times are in microseconds, rates per second.
struct RunReport: Codable, Sendable, Equatable {
    /// Of this structure; grows when a field changes its meaning, not when one is added.
    static let schemaVersion = 1

    var schema = RunReport.schemaVersion
    var tool = "firmware-sim"
    /// ISO 8601, UTC.
    var startedAt: String
    var parameters: Parameters
    var devices: Devices
    var fleets: [Fleet]
    var handshakes: Handshakes
    /// By outcome: `accepted`, `connack-5`, …
    var connack: [String: Int]
    /// By kind: `tcp`, `tls`, `connack`, `connected`, `send`, `publish`; kinds that did not occur are absent.
    var latency: [String: Latency]
    var publishing: Publishing
    /// The most frequent first.
    var failures: [Failure]
    var generator: Generator
    var servers: [Server]
    var verdict: Verdict

    /// What it takes to repeat the run.
    struct Parameters: Codable, Sendable, Equatable {
        var target: String
        var tls: String
        var mqtt: String
        var mode: String
        var ratePerSecond: Double?
        var arrivals: String?
        var concurrency: Int?
        var reconnect: String
        var loops: Int
        var seed: UInt64
    }

    struct Devices: Codable, Sendable, Equatable {
        var planned: Int
        var attempted: Int
        /// Accepted by the server at least once.
        var connected: Int
    }

    struct Fleet: Codable, Sendable, Equatable {
        var name: String
        var devices: Int
        var connected: Int
        var published: Int
        var acknowledged: Int
        /// Devices that never connected, by their last failure: `phase/code`.
        var neverConnected: [String: Int]
    }

    struct Handshakes: Codable, Sendable, Equatable {
        var attempts: Int
        /// Under way when the run ended.
        var abandoned: Int
        /// Finished on the client's side.
        var completed: Int
        /// Over the time from the first intended start to the last handshake.
        var perSecond: Double
        /// Accepted with CONNACK.
        var connects: Int
        /// Over the time from the first intended start to the last CONNACK.
        var connectsPerSecond: Double
    }

    struct Latency: Codable, Sendable, Equatable {
        var count: UInt64
        var p50: UInt64
        var p90: UInt64
        var p99: UInt64
        var max: UInt64

        init(_ histogram: LatencyHistogram) {
            count = histogram.count
            p50 = histogram.percentile(50)
            p90 = histogram.percentile(90)
            p99 = histogram.percentile(99)
            max = histogram.maximum
        }
    }

    struct Publishing: Codable, Sendable, Equatable {
        var published: Int
        var acknowledged: Int
        /// QoS 1 publishes whose connection ended before their acknowledgement.
        var lost: Int
        /// Due while too many before them were still waiting.
        var skipped: Int
    }

    struct Failure: Codable, Sendable, Equatable {
        var phase: String
        var reason: String
        var count: Int
    }

    /// How the generator itself fared.
    struct Generator: Codable, Sendable, Equatable {
        var processorSeconds: Double
        /// Of the busiest event loop, 0 to 1.
        var loopBusyShareMax: Double
        var loopDelay: Latency
        /// How much later than intended devices were started.
        var startDelay: Latency
        /// Why the generator, not the server, was the limit; empty if it was not.
        var limits: [String]
    }

    struct Server: Codable, Sendable, Equatable {
        var processID: Int32
        /// Absent: no such process at the beginning or at the end.
        var processorSeconds: Double?
        var connectsPerProcessorSecond: Double?
    }

    struct Verdict: Codable, Sendable, Equatable {
        var passed: Bool
        /// What went wrong; not empty, with ``passed``, when failures were allowed.
        var shortcomings: [String]
    }
}

extension RunReport {
    init(
        plan: RunPlan, devices: [SimulatedDevice], outcomes: [LoopRunner.Outcome], epoch: NIODeadline,
        processes: ProcessMeasurement, startedAt: Date
    ) {
        var statistics = LoopStatistics()
        var histories = [DeviceHistory](repeating: DeviceHistory(), count: devices.count)
        for outcome in outcomes {
            statistics.merge(outcome.statistics)
            for (index, history) in outcome.histories {
                histories[index] = history
            }
        }
        let counters = statistics.counters

        self.startedAt = startedAt.formatted(.iso8601)
        self.parameters = Parameters(plan)
        self.devices = Devices(
            planned: devices.count, attempted: histories.count { $0.attempts > 0 },
            connected: histories.count { $0.connects > 0 })
        self.fleets = plan.fleets.map { fleet in
            Fleet(fleet, devices: zip(devices, histories).filter { $0.0.fleet == fleet.name }.map(\.1))
        }
        self.handshakes = Handshakes(
            attempts: counters.attempts, abandoned: counters.abandoned, completed: counters.handshakes,
            perSecond: Self.rate(counters.handshakes, from: epoch, to: statistics.lastHandshake),
            connects: counters.connects,
            connectsPerSecond: Self.rate(counters.connects, from: epoch, to: statistics.lastConnack))
        self.connack = statistics.connacks
        self.latency = Dictionary(
            uniqueKeysWithValues: statistics.latencies.map { ($0.key.rawValue, Latency($0.value)) })
        self.publishing = Publishing(
            published: counters.published, acknowledged: counters.acknowledged, lost: counters.publishesLost,
            skipped: counters.publishesSkipped)
        self.failures = statistics.failures
            .map { Failure(phase: $0.key.phase.rawValue, reason: $0.key.code, count: $0.value) }
            .sorted { ($1.count, $0.phase, $0.reason) < ($0.count, $1.phase, $1.reason) }
        self.generator = Generator(
            statistics, busyShares: outcomes.map(\.busyShare), processorSeconds: processes.ownProcessorSeconds)
        self.servers = processes.servers.map { server in
            let seconds = server.processorSeconds
            return Server(
                processID: server.processID, processorSeconds: seconds,
                connectsPerProcessorSecond: seconds.flatMap { $0 > 0 ? Double(counters.connects) / $0 : nil })
        }
        self.verdict = Verdict(passed: true, shortcomings: [])
        self.verdict.shortcomings = Self.shortcomings(histories, lost: counters.publishesLost)
        self.verdict.passed = plan.allowsFailures || verdict.shortcomings.isEmpty
    }

    private static func rate(_ count: Int, from start: NIODeadline, to end: NIODeadline?) -> Double {
        guard let end, end > start else { return 0 }
        return Double(count) * 1e9 / Double((end - start).nanoseconds)
    }

    private static func shortcomings(_ histories: [DeviceHistory], lost: Int) -> [String] {
        var shortcomings: [String] = []
        let never = histories.count { $0.connects == 0 }
        if never > 0 {
            shortcomings.append("\(never) of \(histories.count) devices never connected")
        }
        if lost > 0 {
            shortcomings.append("\(lost) QoS 1 publishes were not acknowledged")
        }
        let refused = histories.reduce(0) { $0 + $1.refusedPublishes }
        if refused > 0 {
            shortcomings.append("\(refused) QoS 1 publishes were refused")
        }
        return shortcomings
    }
}

extension RunReport.Parameters {
    init(_ plan: RunPlan) {
        target = "\(plan.target.host):\(plan.target.port)"
        tls = plan.tls.rawValue
        mqtt =
            switch plan.mqtt {
            case .v3_1_1: "3.1.1"
            case .v5: "5"
            }
        mode = plan.mode.isConnectOnly ? "connect-only" : "stay"
        switch plan.schedule.pace {
        case .rate(let perSecond, let kind):
            ratePerSecond = perSecond
            arrivals = kind.rawValue
        case .inFlight(let limit):
            concurrency = limit
        }
        reconnect = plan.mode.isConnectOnly ? BackoffPolicy.none.text : plan.backoff.text
        loops = plan.loops
        seed = plan.schedule.seed
    }
}

extension RunReport.Fleet {
    init(_ fleet: FleetSpecification, devices histories: [DeviceHistory]) {
        name = fleet.name
        devices = histories.count
        connected = histories.count { $0.connects > 0 }
        published = histories.reduce(0) { $0 + $1.published }
        acknowledged = histories.reduce(0) { $0 + $1.acknowledged }
        neverConnected = [:]
        for history in histories where history.connects == 0 {
            let reason = history.lastFailure.map { "\($0.phase.rawValue)/\($0.code)" }
            neverConnected[reason ?? (history.attempts == 0 ? "not-attempted" : "not-decided"), default: 0] += 1
        }
    }
}

extension RunReport.Generator {
    init(_ statistics: LoopStatistics, busyShares: [Double], processorSeconds: Double) {
        self.processorSeconds = processorSeconds
        self.loopBusyShareMax = busyShares.max() ?? 0
        self.loopDelay = RunReport.Latency(statistics.loopDelays)
        self.startDelay = RunReport.Latency(statistics.startDelays)
        self.limits = []
        if loopBusyShareMax > SimulatorLimits.loopBusyShareMax {
            limits.append("an event loop was busy \(Int((loopBusyShareMax * 100).rounded())) % of the time")
        }
        if loopDelay.p99 > SimulatorLimits.loopDelayMicrosecondsMax {
            limits.append("event-loop delay p99 was \(LatencyText.render(microseconds: loopDelay.p99))")
        }
        if startDelay.p99 > SimulatorLimits.loopDelayMicrosecondsMax {
            limits.append("devices were started late, p99 \(LatencyText.render(microseconds: startDelay.p99))")
        }
    }
}

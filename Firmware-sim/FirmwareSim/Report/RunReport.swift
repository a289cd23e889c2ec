import Foundation

/// The result of a run, in the form that `--json` writes. Times are in microseconds unless named otherwise, rates per
/// second. Figures are of the run without its warm-up, counts of failures and milestones too.
struct RunReport: Codable, Sendable, Equatable {
    /// Of this structure; grows when a field changes its meaning, not when one is added.
    static let schemaVersion = 2

    var schema = RunReport.schemaVersion
    var tool = "firmware-sim"
    /// ISO 8601, UTC.
    var startedAt: String
    /// From the first intended start to the end of the last stage.
    var durationSeconds = 0.0
    var parameters: Parameters
    var stages: [Stage] = []
    var devices: Devices
    var fleets: [Fleet]
    var handshakes: Handshakes
    /// By outcome: `accepted`, `connack-5`, …
    var connack: [String: Int]
    /// By kind: `tcp`, `tls`, `connack`, `connected`, `send`, `publish`, `established`, `command`; kinds that did not
    /// occur are absent.
    var latency: [String: Latency]
    /// How long it took until shares of the devices were connected: 50, 90, 99 and 100 %.
    var milestones: [Milestone] = []
    var publishing: Publishing
    var commands = Commands()
    /// The most frequent first.
    var failures: [Failure]
    var series = Series()
    var generator: Generator
    var servers: [Server]
    var assertions: [AssertionResult] = []
    var verdict: Verdict

    /// What it takes to repeat the run.
    struct Parameters: Codable, Sendable, Equatable {
        var target: String
        var tls: String
        var mqtt: String
        /// `stay`, `connect-only`, `handshake` or `scenario`.
        var mode: String
        /// The scenario's name.
        var scenario: String?
        /// What the scenario's numbers of devices were multiplied with.
        var scale: Double?
        /// What the scenario's times were multiplied with.
        var timeScale: Double?
        /// `2/4`: this is the second of four parts of one run.
        var shard: String?
        /// Of handshakes, how many were to be resumed, 0 to 1; nil where classes decide.
        var resumeShare: Double?
        var ratePerSecond: Double?
        var arrivals: String?
        var concurrency: Int?
        var reconnect: String
        var loops: Int
        var seed: UInt64
    }

    struct Stage: Codable, Sendable, Equatable {
        var name: String
        /// From the first intended start.
        var startSeconds: Double
        var endSeconds: Double
        var isWarmUp: Bool
        /// Of this stage alone, over all fleets, by kind.
        var latency: [String: Latency]
        var handshakes: Handshakes
        /// Since the stage's beginning.
        var milestones: [Milestone]
        var failures: [Failure]
        /// Of this stage alone, by fleet name; a fleet without figures is absent.
        var fleets: [String: FleetFigures]
    }

    /// What an assertion about one fleet in one stage is judged by.
    struct FleetFigures: Codable, Sendable, Equatable {
        var latency: [String: Latency]
        var handshakes: Handshakes
        var failures: [Failure]
    }

    struct Devices: Codable, Sendable, Equatable {
        var planned: Int
        var attempted: Int
        /// Accepted by the server at least once.
        var connected: Int
    }

    struct Fleet: Codable, Sendable, Equatable {
        var name: String
        var deviceClass = DeviceClass.native.name
        var firmware = "telemetry"
        /// As in ``CredentialKind``.
        var credential = CredentialKind.valid.rawValue
        /// As in ``Conduct``.
        var conduct = Conduct.honest.rawValue
        var devices: Int
        var connected: Int
        var published: Int
        var acknowledged: Int
        /// Publishes of others that reached it.
        var received = 0
        /// Devices that never connected, by their last failure: `phase/code`.
        var neverConnected: [String: Int]
        var expectation: Expected?
        /// Over the run, by kind.
        var latency: [String: Latency] = [:]
        var handshakes = Handshakes()
        var failures: [Failure] = []
    }

    /// What was to become of a fleet's devices, and what did.
    struct Expected: Codable, Sendable, Equatable {
        /// `accepted` or `refused`.
        var outcome: String
        /// For `refused`: those that count, as `PHASE/CODE`.
        var reasons: [String]
        /// Devices of which it holds.
        var met: Int
        /// Devices of which it does not, by what became of them: `accepted`, `tls/eof`, `not-attempted`, …
        var violated: [String: Int]
    }

    struct Handshakes: Codable, Sendable, Equatable {
        var attempts = 0
        /// Under way when the run ended.
        var abandoned = 0
        /// Finished on the client's side: full and resumed.
        var completed = 0
        var resumed = 0
        /// Over the time from the first intended start to the last handshake.
        var perSecond = 0.0
        var fullPerSecond = 0.0
        var resumedPerSecond = 0.0
        /// Accepted with CONNACK.
        var connects = 0
        /// Over the time from the first intended start to the last CONNACK.
        var connectsPerSecond = 0.0
        /// TLS bytes of a handshake, both ways together; 0 if there was none.
        var bytesPerFull = 0.0
        var bytesPerResumed = 0.0

        var full: Int { completed - resumed }
    }

    /// A latency's distribution. Percentiles are upper ends of the histogram's buckets, never above the maximum.
    struct Latency: Codable, Sendable, Equatable {
        var count: UInt64
        var p50: UInt64
        var p90: UInt64
        var p99: UInt64
        var p999: UInt64
        var max: UInt64
        /// The histogram: `[upper end of the bucket, count]`, ascending, only those that are not empty. What runs are
        /// merged and plots are drawn from.
        var buckets: [[UInt64]]

        init(_ histogram: LatencyHistogram) {
            count = histogram.count
            p50 = histogram.percentile(50)
            p90 = histogram.percentile(90)
            p99 = histogram.percentile(99)
            p999 = histogram.percentile(99.9)
            max = histogram.maximum
            buckets = histogram.buckets
        }
    }

    struct Milestone: Codable, Sendable, Equatable {
        /// 0.5, 0.9, 0.99 or 1.
        var share: Double
        /// Of the devices that were to connect. Nil: it never came to that.
        var seconds: Double?
    }

    struct Publishing: Codable, Sendable, Equatable {
        var published: Int
        var acknowledged: Int
        /// QoS 1 publishes whose connection ended before their acknowledgement.
        var lost: Int
        /// Due while too many before them were still waiting.
        var skipped: Int
        /// Publishes that came from the server: commands, answers, updates.
        var received = 0
        var receivedBytes = 0
    }

    /// Device to device, through the broker.
    struct Commands: Codable, Sendable, Equatable {
        var sent = 0
        var answered = 0
        /// Not answered within the command's time-out.
        var unanswered = 0
    }

    struct Failure: Codable, Sendable, Equatable {
        var phase: String
        var reason: String
        var count: Int
        /// Of those, how many are what their fleet's expectation asks for.
        var expected = 0
    }

    /// The run over time, from the first intended start.
    struct Series: Codable, Sendable, Equatable {
        /// Of one sample: 1, or more in a long run, which has at most some hundred samples.
        var intervalSeconds = 1.0
        var samples: [Sample] = []
    }

    /// One interval. Counts are of the interval, `connected` is at its end.
    struct Sample: Codable, Sendable, Equatable {
        var connected = 0
        var attempts = 0
        var fullHandshakes = 0
        var resumedHandshakes = 0
        var connects = 0
        /// By `PHASE/CODE`.
        var failures: [String: Int] = [:]
        var published = 0
        var acknowledged = 0
        var received = 0
        /// By kind, those of ``RunReport/Sample/kinds`` that occurred.
        var latency: [String: Latency] = [:]
        /// Busiest loop, 0 to 1.
        var generatorBusy = 0.0
        /// The longest delay of an event loop.
        var loopDelayMax: UInt64 = 0
        /// Of the target's processes together, in processors; nil when none was named.
        var serverProcessors: Double?
        var serverResidentBytes: UInt64?

        /// The kinds whose latencies are kept over time.
        static let kinds: [LatencyKind] = [.tls, .connected, .publish, .command]
    }

    /// How the generator itself fared.
    struct Generator: Codable, Sendable, Equatable {
        var processorSeconds: Double
        /// Of the busiest event loop, 0 to 1.
        var loopBusyShareMax: Double
        var loopDelay: Latency
        /// How much later than intended devices were started.
        var startDelay: Latency
        /// Resident memory of this process for each connected device when most were connected; nil with too few
        /// devices to tell.
        var residentBytesPerDevice: Double?
        /// Why the generator, not the server, was the limit; empty if it was not. The result is then marked invalid.
        var limits: [String]
    }

    struct Server: Codable, Sendable, Equatable {
        var processID: Int32
        /// Absent: no such process at the beginning or at the end.
        var processorSeconds: Double?
        var connectsPerProcessorSecond: Double?
        var handshakesPerProcessorSecond: Double?
        var residentBytesAtStart: UInt64?
        var residentBytesMax: UInt64?
        /// The growth when most devices were connected, for each of them.
        var residentBytesPerDevice: Double?
    }

    struct AssertionResult: Codable, Sendable, Equatable {
        var text: String
        var passed: Bool
        /// Such as `1.84 s`, or `no handshake was finished`.
        var observed: String
    }

    struct Verdict: Codable, Sendable, Equatable {
        var passed: Bool
        /// False: the generator was the limit (see ``Generator/limits``); the figures are not the target's.
        var isValid = true
        /// What went wrong; not empty, with ``passed``, when failures were allowed.
        var shortcomings: [String]
    }
}

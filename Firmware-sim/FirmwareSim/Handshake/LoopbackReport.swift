/// What a loopback run found, in the form that `--json` writes. Times are in microseconds unless named otherwise.
struct LoopbackReport: Codable, Sendable, Equatable {
    static let schemaVersion = 1

    var schema = LoopbackReport.schemaVersion
    /// Not the name of other reports, which this cannot be compared with.
    var tool = "firmware-sim loopback"
    var parameters: Parameters
    /// Of measuring, without the warm-up.
    var durationSeconds: Double
    var handshakes: Int
    /// Of wall time, all loops together, both sides on the same machine.
    var perSecond: Double
    /// Of processor time, both sides together: what one core does alone.
    var perProcessorSecond: Double
    var processorSeconds: Double
    /// Nil: none of this kind was made.
    var full: Kind?
    var resumed: Kind?

    struct Parameters: Codable, Sendable, Equatable {
        var tls: String
        var resumeShare: Double
        var loops: Int
        var devices: Int
        var seed: UInt64
    }

    /// Handshakes of one kind.
    struct Kind: Codable, Sendable, Equatable {
        var count: Int
        var client: Side
        var server: Side
        /// TLS bytes both ways, tickets included.
        var bytes: Double
        /// From making the connection until both sides are through.
        var latency: RunReport.Latency
    }

    /// One side's share.
    struct Side: Codable, Sendable, Equatable {
        /// Of one handshake, with making and freeing its connection.
        var processorMicroseconds: Double
        /// Of the processor time of both sides: 0 to 1.
        var share: Double
        /// How many of this kind one core could do if it did this side alone.
        var perProcessorSecond: Double
    }

    init(_ plan: LoopbackPlan, _ tally: LoopbackTally) {
        parameters = Parameters(
            tls: plan.tls.rawValue, resumeShare: plan.resumeShare, loops: plan.loops, devices: plan.devices,
            seed: plan.seed)
        durationSeconds = tally.seconds
        handshakes = tally.count
        perSecond = tally.perSecond
        perProcessorSecond = tally.processorSeconds > 0 ? Double(tally.count) / tally.processorSeconds : 0
        processorSeconds = tally.processorSeconds
        full = Kind(tally.full)
        resumed = Kind(tally.resumed)
    }
}

extension LoopbackReport.Kind {
    fileprivate init?(_ tally: LoopbackTally.Kind) {
        guard tally.count > 0 else { return nil }
        count = tally.count
        let both = tally.clientNanoseconds + tally.serverNanoseconds
        client = LoopbackReport.Side(nanoseconds: tally.clientNanoseconds, of: both, count: tally.count)
        server = LoopbackReport.Side(nanoseconds: tally.serverNanoseconds, of: both, count: tally.count)
        bytes = Double(tally.bytes) / Double(tally.count)
        latency = RunReport.Latency(tally.latency)
    }
}

extension LoopbackReport.Side {
    fileprivate init(nanoseconds: Int64, of both: Int64, count: Int) {
        processorMicroseconds = Double(nanoseconds) / 1_000 / Double(count)
        share = both > 0 ? Double(nanoseconds) / Double(both) : 0
        perProcessorSecond = nanoseconds > 0 ? Double(count) * 1e9 / Double(nanoseconds) : 0
    }
}

import NIOCore

/// What the handshakes of one thread, or of all, come to.
struct LoopbackTally: Sendable {
    /// Of one kind of handshake.
    struct Kind: Sendable {
        var count = 0
        var clientNanoseconds: Int64 = 0
        var serverNanoseconds: Int64 = 0
        var bytes = 0
        var latency = LatencyHistogram()

        mutating func add(_ handshake: LoopbackHandshake) {
            count += 1
            clientNanoseconds += handshake.clientNanoseconds
            serverNanoseconds += handshake.serverNanoseconds
            bytes += handshake.bytes
            latency.record(handshake.latency)
        }

        mutating func merge(_ other: Kind) {
            count += other.count
            clientNanoseconds += other.clientNanoseconds
            serverNanoseconds += other.serverNanoseconds
            bytes += other.bytes
            latency.merge(other.latency)
        }
    }

    var full = Kind()
    var resumed = Kind()
    /// The longest time that a thread measured, in seconds.
    var seconds = 0.0
    /// Handshakes per second of wall time: of a thread; merged, of all threads together.
    var perSecond = 0.0
    /// Processor time of the threads over the measuring, in seconds, with what neither side takes.
    var processorSeconds = 0.0

    var count: Int { full.count + resumed.count }

    mutating func add(_ handshake: LoopbackHandshake) {
        if handshake.isResumed {
            resumed.add(handshake)
        } else {
            full.add(handshake)
        }
    }

    mutating func finish(wall: TimeAmount, processorNanoseconds: Int64) {
        seconds = Double(wall.nanoseconds) / 1e9
        perSecond = seconds > 0 ? Double(count) / seconds : 0
        processorSeconds = Double(processorNanoseconds) / 1e9
    }

    mutating func merge(_ other: LoopbackTally) {
        full.merge(other.full)
        resumed.merge(other.resumed)
        seconds = max(seconds, other.seconds)
        perSecond += other.perSecond
        processorSeconds += other.processorSeconds
    }
}

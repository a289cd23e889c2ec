import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// When bytes that enter one direction of an emulated link come out of it: time in, release time out. A value without a
/// clock; bytes never overtake each other.
///
/// Bytes wait for the line, take their time on it by its rate, and then travel for half a round trip. The round trip is
/// drawn anew for each burst: for what enters while the line is idle.
struct LinkSchedule: Sendable {
    private let model: LinkModel
    private let bitsPerSecond: Double
    private var generator: SeededGenerator
    /// When the last bytes have left for their journey.
    private var lineFree: NIODeadline = .uptimeNanoseconds(0)
    /// Of the burst under way.
    private var journey: TimeAmount = .zero
    private var lastRelease: NIODeadline = .uptimeNanoseconds(0)

    enum Direction: Sendable {
        /// Towards the device.
        case down
        /// From the device.
        case up
    }

    init(_ model: LinkModel, direction: Direction, generator: SeededGenerator) {
        self.model = model
        self.generator = generator
        self.bitsPerSecond =
            switch direction {
            case .down: model.downBitsPerSecond
            case .up: model.upBitsPerSecond
            }
    }

    /// - Parameters:
    ///   - bytes: How many enter; at least 0.
    ///   - now: Not before that of the call before.
    mutating func release(bytes: Int, now: NIODeadline) -> NIODeadline {
        if lineFree <= now {
            lineFree = now
            journey = Self.half(drawRoundTrip()) + drawSpike()
        }
        lineFree = lineFree + serialisation(of: bytes)
        lastRelease = max(lastRelease, lineFree + journey)
        return lastRelease
    }

    /// A whole round trip, for what needs one before anything else: the TCP connection.
    mutating func drawRoundTrip() -> TimeAmount {
        let median = Double(model.roundTrip.p50.nanoseconds)
        let tail = Double(model.roundTrip.p99.nanoseconds)
        guard median > 0 else { return .zero }
        guard tail > median else { return Self.bounded(median) }
        // Log-normal: the 99th percentile lies 2.3263 standard deviations above the median.
        let deviation = log(tail / median) / 2.326_347_874
        return Self.bounded(median * exp(deviation * drawNormal()))
    }

    private mutating func drawSpike() -> TimeAmount {
        guard let spikes = model.spikes, Double.random(in: 0..<1, using: &generator) < spikes.probability else {
            return .zero
        }
        return spikes.delay
    }

    /// From the standard normal distribution (Box and Muller 1958).
    private mutating func drawNormal() -> Double {
        let radius = (-2 * log(1 - Double.random(in: 0..<1, using: &generator))).squareRoot()
        return radius * cos(2 * .pi * Double.random(in: 0..<1, using: &generator))
    }

    private func serialisation(of bytes: Int) -> TimeAmount {
        guard bitsPerSecond > 0 else { return .zero }
        return Self.bounded(Double(bytes) * 8 / bitsPerSecond * 1e9)
    }

    private static func half(_ time: TimeAmount) -> TimeAmount { .nanoseconds(time.nanoseconds / 2) }

    private static func bounded(_ nanoseconds: Double) -> TimeAmount {
        .nanoseconds(Int64(min(max(0, nanoseconds), Double(SimulatorLimits.linkDelayMax.nanoseconds))))
    }
}

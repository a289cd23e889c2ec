import Foundation
import NIOCore

/// When each device is meant to connect. A value that follows wholly from its parameters, so that a run can be repeated
/// and latencies be counted from the intended start, whether or not the generator kept to it.
struct ConnectSchedule: Sendable, Equatable {
    enum Pace: Sendable, Equatable {
        /// That many starts per second, whatever becomes of them.
        case rate(perSecond: Double, arrivals: Arrivals)
        /// As fast as the server answers: a new start whenever fewer than so many handshakes are under way.
        case inFlight(limit: Int)
    }

    enum Arrivals: String, Sendable, Equatable, CaseIterable {
        /// The same time between any two starts.
        case even
        /// Exponentially distributed times between starts: independent devices.
        case poisson
    }

    let pace: Pace
    let seed: UInt64

    /// The random streams drawn from the run's seed; devices' own streams are below.
    enum Stream {
        static let order: UInt64 = 1 << 62
        /// The first of as many as there are actions.
        static let arrivals: UInt64 = order + 1
    }

    /// The order in which the devices start: fleets mixed, by the seed.
    func startOrder(devices count: Int) -> [Int] {
        var generator = SeededGenerator(seed: seed, stream: Stream.order)
        return Array(0..<count).shuffled(using: &generator)
    }

    /// The time of each start after the first one's, ascending; nil where there is no timetable.
    func offsets(count: Int) -> [TimeAmount]? {
        switch pace {
        case .inFlight: nil
        case .rate(let perSecond, let arrivals):
            Stage.Pace.rate(perSecond: perSecond, arrivals: arrivals)
                .offsets(count: count, stageDuration: .zero, seed: seed, action: 0)
        }
    }

    /// How long the starts take: exactly with an even pace, on the average with a random one; zero without a timetable.
    func rampTime(count: Int) -> TimeAmount {
        switch pace {
        case .inFlight: .zero
        case .rate(let perSecond, _): .nanoseconds(Int64(Double(max(0, count - 1)) * 1e9 / perSecond))
        }
    }
}

extension Stage.Pace {
    /// The time of each start after the stage's beginning, ascending.
    ///
    /// - Parameters:
    ///   - stageDuration: What a ramp is over in; what has not started by then starts at the rate it ended with, or at
    ///     once if that is 0.
    ///   - action: The place of the action among all of the run: each has its own random stream.
    func offsets(count: Int, stageDuration: TimeAmount, seed: UInt64, action: Int) -> [TimeAmount] {
        var generator = SeededGenerator(
            seed: seed, stream: ConnectSchedule.Stream.arrivals &+ UInt64(truncatingIfNeeded: action))
        switch self {
        case .atOnce:
            return [TimeAmount](repeating: .zero, count: count)
        case .rate(let perSecond, .even):
            return (0..<count).map { Self.amount(seconds: Double($0) / perSecond) }
        case .rate(let perSecond, .poisson):
            var elapsed = 0.0
            return (0..<count).map { index in
                // The first start is the origin of all times, as with an even pace.
                if index > 0 {
                    elapsed += -log(1 - Double.random(in: 0..<1, using: &generator)) / perSecond
                }
                return Self.amount(seconds: elapsed)
            }
        case .ramp(let from, let to):
            let seconds = Double(stageDuration.nanoseconds) / 1e9
            return (0..<count).map {
                Self.amount(seconds: Self.rampTime(Double($0), from: from, to: to, over: seconds))
            }
        case .spread(let time):
            let length = max(0, time.nanoseconds)
            guard length > 0 else { return [TimeAmount](repeating: .zero, count: count) }
            return (0..<count).map { _ in Int64.random(in: 0..<length, using: &generator) }.sorted()
                .map { .nanoseconds($0) }
        }
    }

    /// When `number` devices have started: the rate's integral, `from * t + (to - from) * t² / (2 * over)`, solved for t.
    private static func rampTime(_ number: Double, from: Double, to: Double, over seconds: Double) -> Double {
        let inRamp = (from + to) / 2 * seconds
        guard number <= inRamp, seconds > 0 else {
            return to > 0 ? seconds + (number - inRamp) / to : seconds
        }
        let growth = (to - from) / seconds
        // Written so that nothing is divided by a growth near zero.
        let root = max(0, from * from + 2 * growth * number).squareRoot()
        return from + root > 0 ? min(seconds, 2 * number / (from + root)) : 0
    }

    /// Bounded by the longest run there is: a tiny rate must not overflow.
    private static func amount(seconds: Double) -> TimeAmount {
        .nanoseconds(Int64(min(max(0, seconds), 2 * SimulatorLimits.durationSecondsMax) * 1e9))
    }
}

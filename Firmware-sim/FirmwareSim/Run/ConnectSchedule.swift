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

    /// The random streams drawn from the run's seed; devices' own streams begin above.
    private enum Stream {
        static let order: UInt64 = 1 << 62
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
        case .inFlight:
            return nil
        case .rate(let perSecond, .even):
            return (0..<count).map { .nanoseconds(Int64(Double($0) * 1e9 / perSecond)) }
        case .rate(let perSecond, .poisson):
            var generator = SeededGenerator(seed: seed, stream: Stream.arrivals)
            var elapsed = 0.0
            return (0..<count).map { index in
                // The first start is the origin of all times, as with an even pace.
                if index > 0 {
                    elapsed += -log(1 - Double.random(in: 0..<1, using: &generator)) / perSecond
                }
                return .nanoseconds(Int64(elapsed * 1e9))
            }
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

internal import FleetPolicy
internal import Synchronization

/// Holds sightings until they are written, the newest of each device. Any thread may put some in; none waits.
final class SightingBuffer: Sendable {
    /// Devices that are remembered at a time. A gateway lets in some thousand a second; each is about a kilobyte.
    static let devicesMax = 32_768

    private struct State {
        var sightings: [DeviceKey: Sighting] = [:]
        var counts = SightingCounts()
    }

    private let state = Mutex(State())
    private let devicesMax: Int

    init(devicesMax: Int = SightingBuffer.devicesMax) {
        self.devicesMax = devicesMax
    }

    var counts: SightingCounts { state.withLock { $0.counts } }

    func put(_ sighting: Sighting) {
        state.withLock { state in
            if let earlier = state.sightings[sighting.key] {
                // Threads may come in another order than the devices.
                guard sighting.at >= earlier.at else { return }
            } else if state.sightings.count >= devicesMax {
                state.counts.dropped += 1
                return
            }
            state.sightings[sighting.key] = sighting
        }
    }

    func takeAll() -> [Sighting] {
        state.withLock { state in
            defer { state.sightings = [:] }
            return Array(state.sightings.values)
        }
    }

    func count(_ change: @Sendable (inout SightingCounts) -> Void) {
        state.withLock { change(&$0.counts) }
    }
}

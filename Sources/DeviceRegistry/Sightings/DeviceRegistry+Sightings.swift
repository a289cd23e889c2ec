internal import FleetPolicy
internal import Logging

extension DeviceRegistry {
    /// Takes note of a device that was let in. Never waits, from any thread; what does not fit is counted and dropped.
    /// Written by ``run()``, of each device the newest.
    public nonisolated func record(_ sighting: Sighting) {
        sightings.put(sighting.bounded)
    }

    public nonisolated var sightingCounts: SightingCounts { sightings.counts }

    /// Writes the sightings once a second, until the task is cancelled; then once more. One transaction each.
    public func run() async {
        while !Task.isCancelled {
            do {
                try await Task.sleep(for: .seconds(1))
            } catch {
                break
            }
            await flushSightings()
        }
        await flushSightings()
    }

    /// Writes the sightings that wait.
    public func flushSightings() async {
        let taken = sightings.takeAll()
        guard !taken.isEmpty else { return }
        do throws(RegistryError) {
            let unregistered = try await writing { writer throws(RegistryError) in
                var unregistered = 0
                for sighting in taken where try !writer.record(sighting) { unregistered += 1 }
                return (unregistered, [])
            }
            sightings.count {
                $0.unregistered += unregistered
                $0.written += taken.count - unregistered
            }
        } catch {
            // They are not worth keeping the gateway's memory for; the next connection brings the next one.
            sightings.count { $0.dropped += taken.count }
            logger.warning(
                "sightings of devices could not be written",
                metadata: ["count": "\(taken.count)", "reason": "\(error.code.rawValue)"])
        }
    }
}

import DeviceRegistry
import Logging
import ServiceLifecycle

/// Runs the registry beside the gateway: hands its changes down, and writes what was seen of devices.
///
/// It outlives the gateway, whose last sessions are still seen while it shuts down.
struct RegistryService: Service {
    let registry: DeviceRegistry
    let publisher: SnapshotPublisher
    let logger: Logger

    func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await update in self.registry.updates { await self.publisher.adopt(update) }
            }
            group.addTask { await self.registry.run() }
            // The error is the shutdown itself.
            try? await gracefulShutdown()
            group.cancelAll()
        }
        do {
            try await self.registry.close()
        } catch {
            self.logger.log(.error, "the registry could not be closed", fields: [.reason: "\(error.message)"])
        }
        let counts = self.registry.sightingCounts
        if counts.dropped > 0 {
            self.logger.log(
                .warning, "some sightings of devices were not written", fields: [.count: "\(counts.dropped)"])
        }
    }
}

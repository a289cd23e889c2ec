import DeviceRegistry
import FleetPolicy
import Logging

/// A registry together with the store under it.
struct StoredRegistry: RegistryOperations {
    let registry: DeviceRegistry
    let store: any DeviceStore
    let logger: Logger

    func apply(_ command: RegistryCommand, by actor: String) async throws(RegistryError) -> RegistryAnswer {
        try await registry.apply(command, by: actor)
    }

    func importDevices(
        _ devices: DeviceImport, dryRun: Bool, by actor: String,
        onProgress: @escaping @Sendable (RegistryProgress) -> Void
    ) async throws(RegistryError) -> ImportSummary {
        let registry = dryRun ? try await DeviceRegistry.open(RehearsalStore(base: store), logger: logger) : registry
        let answer = try await registry.apply(.importDevices(devices: devices), by: actor, progress: onProgress)
        guard case .imported(let summary) = answer else {
            throw RegistryError(.storeFailed, "the registry answered an import with something else")
        }
        return summary
    }

    func export(_ export: DeviceExport, to write: @Sendable (String) async throws -> Void) async throws {
        try await registry.export(export, write: write)
    }

    func close() async throws(RegistryError) {
        try await registry.close()
    }
}

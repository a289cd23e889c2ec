import DeviceRegistry
import FleetPolicy

/// A registry whose changes by operators are in the audit log, those that were refused too.
struct AuditedRegistry: RegistryOperations {
    let base: any RegistryOperations
    let audit: AuditLog

    func apply(_ command: RegistryCommand, by actor: String) async throws(RegistryError) -> RegistryAnswer {
        do throws(RegistryError) {
            let answer = try await base.apply(command, by: actor)
            audit.append(AuditEntry.administration(actor: actor, command: command))
            return answer
        } catch {
            audit.append(
                AuditEntry.administration(
                    actor: actor, command: command, outcome: .refused(reason: error.code.rawValue)))
            throw error
        }
    }

    func importDevices(
        _ devices: DeviceImport, dryRun: Bool, by actor: String,
        onProgress: @escaping @Sendable (RegistryProgress) -> Void
    ) async throws(RegistryError) -> ImportSummary {
        let command = RegistryCommand.importDevices(devices: devices)
        do throws(RegistryError) {
            let summary = try await base.importDevices(devices, dryRun: dryRun, by: actor, onProgress: onProgress)
            if !dryRun { audit.append(AuditEntry.administration(actor: actor, command: command)) }
            return summary
        } catch {
            if !dryRun {
                audit.append(
                    AuditEntry.administration(
                        actor: actor, command: command, outcome: .refused(reason: error.code.rawValue)))
            }
            throw error
        }
    }

    func export(_ export: DeviceExport, to write: @Sendable (String) async throws -> Void) async throws {
        try await base.export(export, to: write)
    }

    func close() async throws(RegistryError) { try await base.close() }
}

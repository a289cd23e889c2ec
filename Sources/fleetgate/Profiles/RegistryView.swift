import DeviceRegistry
import FleetPolicy
import Foundation

/// What the registry knows, for tools that judge certificates without being the gateway. Nothing is changed.
struct RegistryView: Sendable {
    let location: ControlLocation

    /// All devices, from the registry's file; a gateway that is running meanwhile does not mind. No devices when there
    /// is no file.
    ///
    /// - Throws: ``CommandFailure``.
    func directory() async throws -> DeviceDirectory {
        guard let path = location.registryPath, FileManager.default.fileExists(atPath: path) else { return .empty }
        do throws(RegistryError) {
            let store = try SQLiteDeviceStore(path: path)
            let directory = try await store.loadDirectory()
            try await store.close()
            return directory
        } catch {
            throw CommandFailure("\(path): \(error.message)")
        }
    }

    /// The certificates that devices were last seen with: of the running gateway, or else of the registry's file.
    ///
    /// - Throws: ``CommandFailure``, ``ControlClientError``.
    func certificates() async throws -> RegistryCertificates {
        let devices = try await RegistryAccess.devices(at: location, creates: false)
        return RegistryCertificates { command in try await devices.apply(command).answer }
    }
}

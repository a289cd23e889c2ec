import DeviceRegistry
import FleetPolicy
import Foundation
import Logging

/// Finds out where device commands go.
enum RegistryAccess {
    /// The running gateway's registry, or the registry's file when nobody listens on the admin socket; which of them it
    /// is, is decided once for a command.
    ///
    /// - Parameter creates: Whether the file may be a new one.
    /// - Throws: ``CommandFailure``, ``ControlClientError``, `ControlFailure`.
    static func devices(at location: ControlLocation, creates: Bool) async throws -> any DeviceAuthority {
        let client = ControlClient(socketPath: location.socketPath)
        do {
            try await client.greet()
            return GatewayDevices(client: client)
        } catch let error as ControlClientError where error.reason == .notRunning {
            guard let path = location.registryPath else {
                throw CommandFailure("\(error); with --config, the registry's file could be used")
            }
            return try await file(path, creates: creates)
        }
    }

    private static func file(_ path: String, creates: Bool) async throws -> any DeviceAuthority {
        guard creates || FileManager.default.fileExists(atPath: path) else {
            throw CommandFailure("the gateway is not running, and there is no registry at \(path)")
        }
        Terminal.printError("the gateway is not running; working on the registry \(LogText.visible(path))")
        let logger = Logger(label: "fleetgate") { _ in SwiftLogNoOpLogHandler() }
        do {
            let store = try SQLiteDeviceStore(path: path)
            let registry = try await DeviceRegistry.open(store, logger: logger)
            return FileDevices(
                registry: StoredRegistry(registry: registry, store: store, logger: logger), actor: OperatorName.own)
        } catch {
            throw CommandFailure("\(error.message)")
        }
    }
}

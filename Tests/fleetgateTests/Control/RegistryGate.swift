import AdminAPI
import DeviceRegistry
import FleetPolicy
import Foundation
import Logging
import NIOCore
import Synchronization
import Testing

@testable import AdminAPI
@testable import fleetgate

/// The registry's side of a gateway: a real registry in a folder of the test's own, behind a real socket or by its file.
final class RegistryGate: Sendable {
    private let folder: SocketFolder
    let location: ControlLocation
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    /// Sessions that are open, for those who count them; a judged device that is not active loses its own.
    let openSessions = Mutex<[DeviceKey: Int]>([:])
    /// How often event loops were waited for.
    let settled = Mutex(0)

    init() throws {
        folder = try SocketFolder()
        location = ControlLocation(socketPath: folder.path + "/s", registryPath: folder.path + "/registry.sqlite")
    }

    var socket: String { location.socketPath }
    var client: ControlClient { ControlClient(socketPath: socket) }
    var path: String { folder.path }

    /// A running gateway, as far as device commands can tell.
    func whileRunning(
        _ routes: [ControlRoute] = [], _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        let store = try SQLiteDeviceStore(path: location.registryPath ?? "")
        let registry = try await DeviceRegistry.open(store, logger: logger)
        let sessions = LiveSessions(
            count: { key in self.openSessions.withLock { $0[key] ?? 0 } },
            judge: { key in
                if await registry.directory.device(key)?.state != .active {
                    self.openSessions.withLock { $0[key] = nil }
                }
            }, settle: { self.settled.withLock { $0 += 1 } })
        let all =
            routes
            + ControlRoutes.registry(
                StoredRegistry(registry: registry, store: store, logger: logger), sessions: sessions)
        try await whileServing(all, at: socket, logger: logger, body)
        try await registry.close()
    }

    /// Device commands as they are given on the command line, whether a gateway runs or not.
    func withDevices<Result>(_ body: (any DeviceAuthority) async throws -> Result) async throws -> Result {
        let devices = try await RegistryAccess.devices(at: location, creates: true)
        let result = try await body(devices)
        try await devices.close()
        return result
    }
}

/// A folder with a short path, which a socket's has to be, removed with the value.
private final class SocketFolder: Sendable {
    let path: String

    init() throws {
        path = "/tmp/fgc-" + String(UInt32.random(in: .min ... .max), radix: 36)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

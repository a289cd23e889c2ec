import AdminAPI
import ArgumentParser
import FleetPolicy

/// How the commands that go to a running gateway find it.
struct GatewayOptions: ParsableArguments {
    @Option(
        name: .shortAndLong, help: ArgumentHelp("The gateway's configuration file.", valueName: "file"),
        completion: .file(extensions: ["yaml", "yml"]))
    var config: String?

    @Option(
        help: ArgumentHelp("The gateway's admin socket. Default: the configuration's.", valueName: "path"),
        completion: .file())
    var socket: String?

    func validate() throws {
        guard config != nil || socket != nil else {
            throw ValidationError("--config or --socket has to say which gateway is meant")
        }
    }

    /// - Throws: `ExitCode` when the configuration has mistakes, which are printed.
    func location() throws -> ControlLocation {
        let configured = try config.map { try ControlLocation.read($0) }
        return ControlLocation(
            socketPath: socket ?? configured?.socketPath ?? "", registryPath: configured?.registryPath,
            observationsPath: configured?.observationsPath)
    }

    /// Does something with the devices of the running gateway, or with the registry's file when there is none.
    ///
    /// - Parameter creates: Whether the registry may be a new one.
    /// - Throws: ``CommandFailure``, ``ControlClientError``, `ControlFailure`, `ExitCode`, and what `body` throws.
    func withDevices(
        creates: Bool = false, _ body: (any DeviceAuthority) async throws -> Void
    ) async throws {
        let devices = try await RegistryAccess.devices(at: location(), creates: creates)
        do {
            try await body(devices)
        } catch {
            try? await devices.close()
            throw error
        }
        try await devices.close()
    }
}

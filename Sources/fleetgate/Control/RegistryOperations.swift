import DeviceRegistry
import FleetPolicy

/// What the device commands need of a registry.
protocol RegistryOperations: Sendable {
    /// Does what the command says, all or nothing.
    func apply(_ command: RegistryCommand, by actor: String) async throws(RegistryError) -> RegistryAnswer

    /// Takes in many devices, all or none. With `dryRun` everything is checked and nothing is changed.
    ///
    /// - Parameter onProgress: Called now and then, from any thread.
    func importDevices(
        _ devices: DeviceImport, dryRun: Bool, by actor: String,
        onProgress: @escaping @Sendable (RegistryProgress) -> Void
    ) async throws(RegistryError) -> ImportSummary

    /// Writes devices out, part by part, each a whole number of lines.
    func export(_ export: DeviceExport, to write: @Sendable (String) async throws -> Void) async throws

    /// Ends the use of the registry; nothing may be asked afterwards.
    func close() async throws(RegistryError)
}

extension RegistryCommand {
    /// The name of the command's route behind `devices/`. `import` has a body of another kind.
    var name: Name {
        switch self {
        case .add: .add
        case .list: .list
        case .show: .show
        case .count: .count
        case .history: .history
        case .certificates: .certificates
        case .setState: .setState
        case .approve: .approve
        case .retire: .retire
        case .change: .change
        case .pin: .pin
        case .unpin: .unpin
        case .setPassword: .setPassword
        case .remove: .remove
        case .importDevices: .importDevices
        }
    }

    /// The raw values are stable: they are in the paths of the admin socket.
    enum Name: String, CaseIterable {
        case add, list, show, count, history, certificates
        case setState = "set-state"
        case approve, retire, change, pin, unpin
        case setPassword = "set-password"
        case remove
        case importDevices = "import"
    }

    /// The device whose sessions the command may end; nil: of none, or of many.
    var deviceConcerned: DeviceKey? {
        switch self {
        case .add(let device, _): device.key
        case .setState(let key, _, _, _), .approve(let key, _), .retire(let key, _), .change(let key, _),
            .pin(let key, _), .unpin(let key, _), .setPassword(let key, _), .remove(let key):
            key
        case .list, .show, .count, .history, .certificates, .importDevices: nil
        }
    }
}

import ArgumentParser
import DeviceRegistry
import FleetPolicy

/// `fleetgate device add`.
struct DeviceAddCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Register devices.",
        discussion: """
            A device can be registered before it is first seen, which profiles with "registration: listed" ask for, or \
            with its certificate pinned, so that no other certificate gets in under its name.

            EXAMPLES
              fleetgate device add -c gate/fleetgate.yaml hamburg/meter-4711 \\
                --profile smart-meter --attribute street=Elbchaussee
              fleetgate device add -c gate/fleetgate.yaml gateway-7 \\
                --cert gateway-7.pem --note "spare, in the cellar"
            """)

    @OptionGroup var gateway: GatewayOptions

    @Option(help: "The state to begin with.")
    var state = DeviceStateArgument.active

    @Option(help: ArgumentHelp("The profile it is registered under.", valueName: "name"))
    var profile = ""

    @Option(help: ArgumentHelp("Free text, at most 1024 bytes.", valueName: "text"))
    var note = ""

    @Option(help: ArgumentHelp("A value for {registry.NAME} in profiles; may be repeated.", valueName: "name=value"))
    var attribute: [AssignmentArgument] = []

    @Option(
        help: ArgumentHelp("A limit instead of the profile's; may be repeated.", valueName: "limit=number"))
    var override: [AssignmentArgument] = []

    @OptionGroup var pin: PinSourceOptions

    @Argument(
        help: "The devices: TENANT/DEVICE, or DEVICE of the tenant default.",
        transform: DeviceArgument.init(parsing:))
    var devices: [DeviceArgument]

    func validate() throws {
        _ = try Assignments.attributes(attribute)
        _ = try Assignments.overrides(override)
        try DeviceTextRules.check(profile: profile, note: note)
        if pin.isGiven, devices.count > 1 {
            throw ValidationError("a certificate can be pinned for one device only")
        }
    }

    func run() async throws {
        let pins = pin.isGiven ? [PinRecord(try pin.pin())] : []
        try await gateway.withDevices(creates: true) { registry in
            let attributes = try Assignments.attributes(attribute).set
            let overrides = try Assignments.overrides(override).set
            let failed = try await EachDevice(devices).run { key in
                let device = DeviceRecord(
                    key: key, state: state.state, profile: profile, pins: pins, attributes: attributes,
                    overrides: overrides, note: note)
                let (record, sessionsEnded) = try await registry.record(.add(device: device, passwordHash: nil))
                print(ChangeReport.line(key, "registered, \(record.state.rawValue)", sessionsEnded: sessionsEnded))
            }
            if failed { throw ExitCode.failure }
        }
    }
}

/// What profile names and notes may hold.
enum DeviceTextRules {
    static func check(profile: String?, note: String?) throws {
        if let objection = profile.flatMap(RegisteredDevice.objection(toProfile:)) {
            throw ValidationError("--profile \(objection)")
        }
        if let objection = note.flatMap({
            RegisteredDevice.objection(toText: $0, bytesMax: DeviceRecord.noteBytesMax, allowsLineBreaks: true)
        }) {
            throw ValidationError("--note \(objection)")
        }
    }
}

/// `fleetgate device set`.
struct DeviceSetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Change what the registry says about devices.",
        discussion: """
            What is not named stays as it is. An empty value removes: --attribute street= or --note "".

            Limits: packet-bytes, messages-per-second, messages-burst, bytes-per-second, bytes-burst, session-expiry \
            (seconds), subscriptions, connections.

            EXAMPLES
              fleetgate device set -c gate/fleetgate.yaml meter-4711 \\
                --attribute street=Elbchaussee --attribute floor=
              fleetgate device set -c gate/fleetgate.yaml meter-4711 \\
                --override messages-per-second=200
            """)

    @OptionGroup var gateway: GatewayOptions

    @Option(help: ArgumentHelp("The profile it is registered under.", valueName: "name"))
    var profile: String?

    @Option(help: ArgumentHelp("Free text, at most 1024 bytes.", valueName: "text"))
    var note: String?

    @Option(help: ArgumentHelp("A value for {registry.NAME} in profiles; may be repeated.", valueName: "name=value"))
    var attribute: [AssignmentArgument] = []

    @Option(
        help: ArgumentHelp("A limit instead of the profile's; may be repeated.", valueName: "limit=number"))
    var override: [AssignmentArgument] = []

    @Argument(
        help: "The devices: TENANT/DEVICE, or DEVICE of the tenant default.",
        transform: DeviceArgument.init(parsing:))
    var devices: [DeviceArgument]

    func validate() throws {
        guard profile != nil || note != nil || !attribute.isEmpty || !override.isEmpty else {
            throw ValidationError("nothing to change: --profile, --note, --attribute or --override")
        }
        try DeviceTextRules.check(profile: profile, note: note)
        _ = try change()
    }

    func change() throws -> DeviceChange {
        let attributes = try Assignments.attributes(attribute)
        let overrides = try Assignments.overrides(override)
        return DeviceChange(
            profile: profile, note: note, attributes: attributes.set, removedAttributes: attributes.removed,
            overrides: overrides.set, removedOverrides: overrides.removed)
    }

    func run() async throws {
        try await gateway.withDevices { registry in
            let change = try change()
            let failed = try await EachDevice(devices).run { key in
                let (_, sessionsEnded) = try await registry.record(.change(device: key, change: change))
                print(ChangeReport.line(key, "changed", sessionsEnded: sessionsEnded))
            }
            if failed { throw ExitCode.failure }
        }
    }
}

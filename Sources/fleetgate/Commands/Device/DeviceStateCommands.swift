import ArgumentParser
import DeviceRegistry
import FleetPolicy

/// What the commands that change the state of devices have in common.
struct DeviceStateOptions: ParsableArguments {
    @OptionGroup var gateway: GatewayOptions

    @Option(help: ArgumentHelp("Why, for listings and the history; at most 256 bytes.", valueName: "text"))
    var reason = ""

    @Argument(
        help: "The devices: TENANT/DEVICE, or DEVICE of the tenant default.",
        transform: DeviceArgument.init(parsing:))
    var devices: [DeviceArgument]

    func validate() throws {
        if let objection = RegisteredDevice.objection(
            toText: reason, bytesMax: DeviceRecord.reasonBytesMax, allowsLineBreaks: false)
        {
            throw ValidationError("--reason \(objection)")
        }
    }

    func run(_ command: (DeviceKey) -> RegistryCommand) async throws {
        try await gateway.withDevices { registry in
            let failed = try await EachDevice(devices).run { key in
                let (record, sessionsEnded) = try await registry.record(command(key))
                print(ChangeReport.line(key, record.state.rawValue, sessionsEnded: sessionsEnded))
            }
            if failed { throw ExitCode.failure }
        }
    }
}

/// `fleetgate device disable`.
struct DeviceDisableCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "disable",
        abstract: "Suspend devices: they are not let in until they are enabled.",
        discussion: """
            Beats every profile. Live sessions end at once; the command says how many. Where the device's profile has \
            "quarantine: suspended: true", the device may come back, with the topics of the quarantine profile only. \
            A device that has no record yet gets one, as suspended.

            EXAMPLES
              fleetgate device disable -c gate/fleetgate.yaml hamburg/meter-4711 \\
                --reason "reported stolen"
              cut -d, -f1 recalled.csv | xargs fleetgate device disable \\
                -c gate/fleetgate.yaml --reason recall
            """)

    @OptionGroup var options: DeviceStateOptions

    func run() async throws {
        try await options.run { .setState(device: $0, state: .suspended, reason: options.reason, force: false) }
    }
}

/// `fleetgate device enable`.
struct DeviceEnableCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enable",
        abstract: "Make suspended devices active again.",
        discussion: """
            A retired device comes back with --force only.

            EXAMPLES
              fleetgate device enable -c gate/fleetgate.yaml hamburg/meter-4711
            """)

    @OptionGroup var options: DeviceStateOptions

    @Flag(help: "Take back a retirement too.")
    var force = false

    func run() async throws {
        try await options.run { .setState(device: $0, state: .active, reason: options.reason, force: force) }
    }
}

/// `fleetgate device approve`.
struct DeviceApproveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "approve",
        abstract: "Let pending devices in.",
        discussion: """
            EXAMPLES
              fleetgate device list -c gate/fleetgate.yaml --state pending
              fleetgate device approve -c gate/fleetgate.yaml hamburg/meter-4711
            """)

    @OptionGroup var options: DeviceStateOptions

    func run() async throws {
        try await options.run { .approve(device: $0, reason: options.reason) }
    }
}

/// `fleetgate device retire`.
struct DeviceRetireCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retire",
        abstract: "Shut devices out for good; their names stay taken.",
        discussion: """
            For devices that were scrapped or sold: nobody gets in under their names again. Live sessions end at \
            once. A device that has no record yet gets one, as retired.

            EXAMPLES
              fleetgate device retire -c gate/fleetgate.yaml hamburg/meter-4711 \\
                --reason "replaced by meter-5120"
            """)

    @OptionGroup var options: DeviceStateOptions

    func run() async throws {
        try await options.run { .retire(device: $0, reason: options.reason) }
    }
}

/// `fleetgate device remove`.
struct DeviceRemoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Forget devices; their names are free again.",
        discussion: """
            What is forgotten is not shut out: where a profile lets any matching certificate in, the device may come \
            back. To keep it out, retire it. Its history stays.

            EXAMPLES
              fleetgate device remove -c gate/fleetgate.yaml hamburg/test-1
            """)

    @OptionGroup var gateway: GatewayOptions

    @Argument(
        help: "The devices: TENANT/DEVICE, or DEVICE of the tenant default.",
        transform: DeviceArgument.init(parsing:))
    var devices: [DeviceArgument]

    func run() async throws {
        try await gateway.withDevices { registry in
            let failed = try await EachDevice(devices).run { key in
                let outcome = try await registry.apply(.remove(device: key))
                print(ChangeReport.line(key, "removed", sessionsEnded: outcome.sessionsEnded))
            }
            if failed { throw ExitCode.failure }
        }
    }
}

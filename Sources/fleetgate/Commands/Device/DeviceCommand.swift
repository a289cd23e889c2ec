import ArgumentParser

/// `fleetgate device`.
struct DeviceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "device",
        abstract: "The registry: single devices inside the classes that profiles describe.",
        discussion: """
            A device is named TENANT/DEVICE, or DEVICE alone for the tenant "default".

            The commands talk to the running gateway over its admin socket, and what they change holds at once, for \
            live sessions too. Who may open the socket may use them. When no gateway runs, they work on the registry's \
            file and say so.

            STATES
              pending     seen or announced, not approved yet
              active      let in, if certificate and profile agree
              suspended   not let in for now (disable, enable)
              retired     never let in again; its name stays taken

            EXAMPLES
              fleetgate device list --config gate/fleetgate.yaml --state pending
              fleetgate device approve -c gate/fleetgate.yaml hamburg/meter-4711
              fleetgate device disable -c gate/fleetgate.yaml hamburg/meter-4711 \\
                --reason "reported stolen"
              fleetgate device import -c gate/fleetgate.yaml fleet.csv --dry-run

            EXIT STATUS
              0   done
              1   not done, or not for all devices named
              64  the command line is wrong
            """,
        subcommands: [
            DeviceListCommand.self, DeviceShowCommand.self, DeviceHistoryCommand.self, DeviceAddCommand.self,
            DeviceSetCommand.self, DeviceDisableCommand.self, DeviceEnableCommand.self, DeviceApproveCommand.self,
            DeviceRetireCommand.self, DeviceRemoveCommand.self, DevicePinCommand.self, DeviceUnpinCommand.self,
            DeviceSetPasswordCommand.self, DeviceImportCommand.self, DeviceExportCommand.self,
        ])
}

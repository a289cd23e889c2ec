import ArgumentParser

/// The program `fleetgate`.
@main
struct FleetGate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fleetgate",
        abstract: "The gate in front of an MQTT broker: devices get in with their own certificate, or not at all.",
        discussion: """
            Devices connect over mutual TLS. FleetGate finds out from a device's certificate who it is and which \
            device profile it gets, and then carries its MQTT session to the broker, checking every packet against \
            the profile.

            FIRST STEPS
              fleetgate init gate         # configuration, CA, profiles
              fleetgate check --config gate/fleetgate.yaml
              fleetgate serve --config gate/fleetgate.yaml
              fleetgate ca issue --ca gate/ca --out gate/devices/meter-4711 \\
                --subject "O=Elbe Netz,OU=hamburg-nord,CN=meter-4711"

            EXIT STATUS
              0   done
              1   something is wrong with the configuration, or the command failed
              64  the command line is wrong
            """,
        version: BuildInformation.version,
        subcommands: subcommands)
}

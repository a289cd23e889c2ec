import ArgumentParser

extension FleetGate {
    /// In the order of `--help`.
    static let subcommands: [any ParsableCommand.Type] = [
        InitCommand.self, ServeCommand.self, CheckCommand.self, ReloadCommand.self, ProfileCommand.self,
        DeviceCommand.self,
        ExplainCommand.self, CACommand.self, VersionCommand.self,
    ]
}

import ArgumentParser

extension FleetGate {
    /// In the order of `--help`.
    static let subcommands: [any ParsableCommand.Type] = [
        InitCommand.self, ServeCommand.self, CheckCommand.self, ReloadCommand.self,
        ProfileCommand.self, DeviceCommand.self, ExplainCommand.self,
        SessionsCommand.self, RevokeCommand.self, CRLCommand.self, OCSPCommand.self,
        JournalCommand.self, CertsCommand.self, AuditCommand.self, TicketsCommand.self,
        CACommand.self, CertCommand.self, VersionCommand.self,
    ]
}

import ArgumentParser

/// `fleetgate audit`.
struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Verify and search the audit log.",
        discussion: """
            The gateway writes down who was let in or refused, with which certificate and why, how each session ended, \
            and what operators changed: JSON lines in files that are only added to. Each line names the SHA-256 of the \
            line before it, and checkpoints sign the whole chain so far. These commands read the files; a gateway need \
            not be running.

            EXAMPLES
              fleetgate audit verify --config gate/fleetgate.yaml
              fleetgate audit search -c gate/fleetgate.yaml --device meter-4711 --since 2d
              fleetgate audit show --config gate/fleetgate.yaml --line 1017
            """,
        subcommands: [AuditVerifyCommand.self, AuditSearchCommand.self, AuditShowCommand.self])
}

/// Which log is meant.
struct AuditLocationOptions: ParsableArguments {
    @Argument(help: "The folder of the audit log. Default: the configuration's.", completion: .directory)
    var folder: String?

    @Option(
        name: .shortAndLong, help: ArgumentHelp("The gateway's configuration file.", valueName: "file"),
        completion: .file(extensions: ["yaml", "yml"]))
    var config: String?

    func validate() throws {
        guard (folder == nil) != (config == nil) else {
            throw ValidationError("either a folder or --config has to say which audit log is meant")
        }
    }

    /// - Throws: ``CommandFailure``, and `ExitCode` when the configuration has mistakes, which are printed.
    func location() throws -> AuditFolder {
        if let folder { return AuditFolder(path: folder) }
        guard let config else { throw CommandFailure("no audit log is named") }
        return AuditFolder(path: try AuditLocation.read(config))
    }
}

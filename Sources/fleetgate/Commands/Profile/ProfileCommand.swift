import ArgumentParser

/// `fleetgate profile`.
struct ProfileCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "profile",
        abstract: "Device profiles: check, list, compare, put in force, go back.",
        discussion: """
            A profile says which certificates it is for, who a device is, and what it may do. DeviceProfiles/README.md \
            describes the format.

            A change to a fleet: copy the folder of profiles, edit the copy, `lint` it, see with `diff` which devices \
            it concerns, `apply` it. If it was wrong: `rollback`.
            """,
        subcommands: [
            ProfileLintCommand.self, ProfileListCommand.self, ProfileShowCommand.self, ProfileNewCommand.self,
            ProfileDiffCommand.self, ProfileApplyCommand.self, ProfileVersionsCommand.self,
            ProfileRollbackCommand.self,
        ])
}

/// Which profiles a command is about: files and folders, or those of a configuration.
struct ProfilePathOptions: ParsableArguments {
    @Argument(
        help: "Profiles: files, or folders with .yaml files. They are read as one set.",
        completion: .file(extensions: ["yaml", "yml"]))
    var path: [String] = []

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("The gateway's configuration file, for its folder of profiles.", valueName: "file"),
        completion: .file(extensions: ["yaml", "yml"]))
    var config: String?

    func validate() throws {
        guard !path.isEmpty || config != nil else {
            throw ValidationError("name files or folders with profiles, or give --config")
        }
    }

    /// - Throws: ``ProfileMistakes`` of the configuration.
    func read() throws -> ProfileSources {
        let setting = try config.map { try ProfileSetting.read($0) }
        return ProfileSources.read(path.isEmpty ? [setting?.folder ?? "."] : path)
    }
}

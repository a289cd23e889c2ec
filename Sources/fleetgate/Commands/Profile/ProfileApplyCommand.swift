import ArgumentParser

/// How `apply` and `rollback` are called.
struct ProfileReplaceOptions: ParsableArguments {
    @Option(
        name: .shortAndLong, help: ArgumentHelp("The gateway's configuration file.", valueName: "file"),
        completion: .file(extensions: ["yaml", "yml"]))
    var config: String

    @Flag(help: "Check, and say what would change; change nothing.")
    var dryRun = false

    @Flag(help: "Do not tell the running gateway; it takes the set over at its next reload.")
    var noReload = false

    @Flag(help: "Print one JSON object instead of text.")
    var json = false

    func run(_ source: (ProfileSetting) throws -> (folder: String, name: String)) async throws {
        let setting = try ProfileSetting.read(config)
        let (folder, name) = try source(setting)
        let client = ControlClient(socketPath: setting.control.socketPath)
        let isTold = !noReload
        let report = try await ProfileApplication(setting: setting, actor: OperatorName.own, isDryRun: dryRun) {
            isTold ? await ProfileApplication.reload(over: client) : nil
        }.apply(folder, named: name)
        print(json ? try JSONText.encode(report) : report.text)
        if case .refused = report.reload { throw ExitCode(1) }
    }
}

/// `fleetgate profile apply`.
struct ProfileApplyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Put a folder of profiles in force.",
        discussion: """
            Checks the folder as a whole, and against the names in the configuration. Then the configuration's folder \
            of profiles and a copy of the new one change places in one step, the set before becomes a version that \
            `rollback` can go back to, and a running gateway takes the new one over: sessions whose grant is the same \
            carry on, all others are judged again. With any mistake nothing is changed.

            Only .yaml and .yml files are taken. Other files that stand beside the present profiles stay. A folder \
            with anything but files in it is refused.

            EXAMPLES
              fleetgate profile apply new-profiles --config gate/fleetgate.yaml --dry-run
              fleetgate profile apply new-profiles --config gate/fleetgate.yaml

            EXIT STATUS
              0   in force, or in the folder for when the gateway starts
              1   a mistake, and nothing was changed; or the running gateway did not take
                  it over
            """)

    @Argument(help: "The folder with the new profiles.", completion: .directory)
    var folder: String

    @OptionGroup var options: ProfileReplaceOptions

    func run() async throws {
        try await options.run { _ in (folder, folder) }
    }
}

/// `fleetgate profile rollback`.
struct ProfileRollbackCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback",
        abstract: "Put an earlier set of profiles back in force.",
        discussion: """
            As `apply` with a version's files: they are checked against the present configuration, and the set that \
            they replace becomes a version itself, so a rollback can be rolled back.

            EXAMPLES
              fleetgate profile rollback --config gate/fleetgate.yaml
              fleetgate profile rollback 12 --config gate/fleetgate.yaml --dry-run
            """)

    @Argument(help: "The version's number. Default: the newest.")
    var version: Int?

    @OptionGroup var options: ProfileReplaceOptions

    func run() async throws {
        try await options.run { setting in
            let versions = ProfileVersions(folder: setting.folder)
            let all = versions.all()
            guard let number = version ?? all.first?.number else {
                throw CommandFailure("\(versions.folder) has no earlier versions")
            }
            guard all.contains(where: { $0.number == number }) else {
                throw CommandFailure("there is no version \(number); `fleetgate profile versions` lists them")
            }
            return (versions.folder(of: number), "version \(number)")
        }
    }
}

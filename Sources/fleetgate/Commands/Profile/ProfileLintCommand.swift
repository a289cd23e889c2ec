import ArgumentParser
import FleetPolicy

/// `fleetgate profile lint`.
struct ProfileLintCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lint",
        abstract: "Check profiles and show every mistake.",
        discussion: """
            Everything named is one set: a profile that extends another one, or that names it for its quarantine, \
            needs it among them. With --config, the names of brokers and listeners are checked against the \
            configuration too, and its folder is taken when no other is named.

            Mistakes are shown as file:line:column: key: message, which editors can jump to.

            EXAMPLES
              fleetgate profile lint gate/profiles
              fleetgate profile lint base.yaml valve.yaml
              fleetgate profile lint new-profiles --config gate/fleetgate.yaml
              fleetgate profile lint gate/profiles --json | jq -r '.mistakes[].code'

            Exit status 0: no mistakes. 1: there are some.
            """)

    @OptionGroup var profiles: ProfilePathOptions

    @Flag(help: "Print one JSON object instead of text.")
    var json = false

    func run() throws {
        let report = try ProfileLintReport(profiles)
        if json {
            print(try JSONText.encode(report))
        } else {
            for mistake in report.mistakes { Terminal.printError(mistake.text) }
            if report.ok {
                print(report.summary)
            } else {
                Terminal.printError(ProfileMistakes.count(report.mistakes.count))
            }
        }
        if !report.ok { throw ExitCode(1) }
    }
}

struct ProfileLintReport: Encodable {
    let ok: Bool
    /// Files read.
    let files: Int
    /// Names, abstract profiles included; empty when there is any mistake.
    let profiles: [String]
    let mistakes: [CheckReport.Mistake]

    /// Of a set without mistakes.
    var summary: String {
        "\(profiles.count) \(profiles.count == 1 ? "profile" : "profiles") in "
            + "\(files) \(files == 1 ? "file" : "files"): no mistakes"
    }

    /// - Throws: ``ProfileMistakes`` of the configuration.
    init(_ options: ProfilePathOptions) throws {
        let sources = try options.read()
        let setting = try options.config.map { try ProfileSetting.read($0) }
        self.init(sources, setting)
    }

    init(_ sources: ProfileSources, _ setting: ProfileSetting?) {
        let all = sources.mistakes + (sources.set.flatMap { set in setting.map { $0.mistakes(in: set) } } ?? [])
        ok = all.isEmpty
        files = sources.files.count
        profiles = all.isEmpty ? ProfileOutline.all(sources.documents).map(\.name).sorted() : []
        mistakes = all.map(CheckReport.Mistake.init)
    }
}

import ArgumentParser
import Foundation

/// `fleetgate profile versions`.
struct ProfileVersionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "versions",
        abstract: "List the sets of profiles that were in force before.",
        discussion: """
            Every `apply` and `rollback` keeps the set that it replaces, in the folder PROFILES.versions beside the \
            folder of profiles: up to \(ProfileVersions.versionsMax), the newest first.

            EXAMPLES
              fleetgate profile versions --config gate/fleetgate.yaml
              fleetgate profile versions --config gate/fleetgate.yaml --json
            """)

    @Option(
        name: .shortAndLong, help: ArgumentHelp("The gateway's configuration file.", valueName: "file"),
        completion: .file(extensions: ["yaml", "yml"]))
    var config: String

    @Flag(help: "Print one JSON object instead of a table.")
    var json = false

    func run() throws {
        let versions = ProfileVersions(folder: try ProfileSetting.read(config).folder)
        let all = versions.all()
        if json {
            print(try JSONText.encode(["versions": all]))
        } else if all.isEmpty {
            print("\(versions.folder) has no earlier versions")
        } else {
            let rows = all.map { version in
                [
                    "\(version.number)", version.replacedAt.iso8601, version.replacedBy,
                    "\(version.files.count)", version.replacedWith,
                ]
            }
            print(AlignedColumns.text([["VERSION", "REPLACED", "BY", "FILES", "WITH"]] + rows))
        }
    }
}

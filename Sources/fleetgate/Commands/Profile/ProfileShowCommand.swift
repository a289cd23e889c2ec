import ArgumentParser

/// `fleetgate profile show`.
struct ProfileShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show what a profile says in the end, and where each value is from.",
        discussion: """
            What is inherited by `extends` is filled in. Behind each value stands its file and line, and the profile \
            that it is from when that is another one. What nobody says has its default (DeviceProfiles/README.md).

            EXAMPLES
              fleetgate profile show smart-meter --config gate/fleetgate.yaml
              fleetgate profile show valve new-profiles --json
            """)

    @Argument(help: "The profile's name.")
    var name: String

    @OptionGroup var profiles: ProfilePathOptions

    @Flag(help: "Print one JSON object instead of text.")
    var json = false

    func run() throws {
        let sources = try profiles.read()
        _ = try sources.compiled()
        let outlines = ProfileOutline.all(sources.documents)
        guard let outline = outlines.first(where: { $0.name == name }) else {
            throw CommandFailure(
                "there is no profile \(LogText.visible(name)); there are \(outlines.map(\.name).sorted().joined(separator: ", "))"
            )
        }
        print(json ? try JSONText.encode(ProfileShowReport(outline)) : outline.text)
    }
}

struct ProfileShowReport: Encodable {
    let profile: String
    /// The profile that it extends, the one that that extends, and so on.
    let extends: [String]
    let file: String
    let values: [ProfileOutline.Value]

    init(_ outline: ProfileOutline) {
        profile = outline.name
        extends = Array(outline.lineage.dropFirst())
        file = outline.file
        values = outline.values
    }
}

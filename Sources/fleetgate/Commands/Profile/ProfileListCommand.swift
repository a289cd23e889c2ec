import ArgumentParser

/// `fleetgate profile list`.
struct ProfileListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List profiles in the order in which they are tried.",
        discussion: """
            The first that matches decides. RANK counts the conditions: those that name one certificate or holder \
            exactly, literal ones, and patterns; of one priority the higher rank comes first.

            EXAMPLES
              fleetgate profile list --config gate/fleetgate.yaml
              fleetgate profile list new-profiles --json | jq -r '.profiles[].name'
            """)

    @OptionGroup var profiles: ProfilePathOptions

    @Flag(help: "Print one JSON object instead of a table.")
    var json = false

    func run() throws {
        let sources = try profiles.read()
        let listing = ProfileListing(try sources.compiled(), sources.documents)
        print(json ? try JSONText.encode(listing) : listing.text)
    }
}

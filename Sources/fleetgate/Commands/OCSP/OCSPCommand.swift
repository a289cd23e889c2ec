import ArgumentParser

/// `fleetgate ocsp`.
struct OCSPCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ocsp",
        abstract: "Ask OCSP responders.",
        subcommands: [OCSPCheckCommand.self])
}

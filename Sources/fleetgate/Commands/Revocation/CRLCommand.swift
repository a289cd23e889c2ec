import ArgumentParser

/// `fleetgate crl`.
struct CRLCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "crl",
        abstract: "Certificate revocation lists: what is in force, and what a list says.",
        subcommands: [CRLStatusCommand.self, CRLCheckCommand.self, CRLFetchCommand.self])
}

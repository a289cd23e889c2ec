import ArgumentParser

/// `fleetgate certs`.
struct CertsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "certs",
        abstract: "The inventory: every certificate that a device got in with.",
        discussion: """
            The gateway writes down each certificate whose session the broker accepted: what it says, when it was \
            seen first and last, from where and by which device. These commands ask the running gateway over its admin \
            socket, or read the file when none runs.

            EXAMPLES
              fleetgate certs expiring -c gate/fleetgate.yaml --within 30d
              fleetgate certs weak -c gate/fleetgate.yaml
              fleetgate certs duplicates -c gate/fleetgate.yaml
              fleetgate certs clones -c gate/fleetgate.yaml
              fleetgate certs show -c gate/fleetgate.yaml meter-4711

            EXIT STATUS
              0   done
              1   the command failed, or there is no such certificate
              64  the command line is wrong
            """,
        subcommands: [
            CertsListCommand.self, CertsShowCommand.self, CertsExpiringCommand.self, CertsWeakCommand.self,
            CertsDuplicatesCommand.self, CertsClonesCommand.self,
        ])
}

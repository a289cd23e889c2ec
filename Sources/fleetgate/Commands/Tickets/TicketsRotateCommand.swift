import ArgumentParser
import FleetPolicy
import Foundation

/// `fleetgate tickets rotate`.
struct TicketsRotateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate",
        abstract: "Seal new tickets with the next key from now on, and make another next one.",
        discussion: """
            Makes the file when there is none, with mode 0600. Keys of before go on opening the tickets that they \
            have sealed. Running gateways notice the change within seconds; nothing has to be restarted. Where \
            gateways have copies of the file (tickets.rotation: external), rotate one and distribute it: the key that \
            seals from now on is in their copies already.

            With --revoke-all every key is replaced: no ticket that was given can be used any more, and each device \
            has one full handshake. That is for a file of keys that others may have seen.

            EXAMPLES
              fleetgate tickets rotate --config gate/fleetgate.yaml
              fleetgate tickets rotate --file /shared/tickets.keys --every 1d --lifetime 2h
              fleetgate tickets rotate --config gate/fleetgate.yaml --revoke-all

            EXIT STATUS
              0   done
              1   the file cannot be used; it is as it was
              64  the command line is wrong
            """)

    @OptionGroup var options: TicketFileOptions

    @Flag(help: "Replace all keys, so that every ticket is void.")
    var revokeAll = false

    @Option(
        help: ArgumentHelp(
            "How long a key seals. Default: tickets.rotate-every of --config, or 12h.", valueName: "duration"))
    var every: String?

    @Option(
        help: ArgumentHelp(
            "How long a ticket is good. Default: tickets.lifetime of --config, or 2h.", valueName: "duration"))
    var lifetime: String?

    func validate() throws {
        _ = try duration(every, "--every", TicketSettings.rotationRange)
        _ = try duration(lifetime, "--lifetime", TicketSettings.lifetimeRange)
    }

    func run() throws {
        let (file, tickets) = try options.settings()
        let schedule = TicketKeySet.Schedule(
            interval: try duration(every, "--every", TicketSettings.rotationRange)
                ?? tickets?.rotationInterval ?? TicketSettings.rotationDefault,
            lifetime: try duration(lifetime, "--lifetime", TicketSettings.lifetimeRange)
                ?? tickets?.lifetime ?? TicketSettings.lifetimeDefault)
        let now = Int64(Date().timeIntervalSince1970)
        let keys: TicketKeySet
        do throws(TicketKeyFileError) {
            keys =
                revokeAll
                ? try file.replace(schedule, now: now)
                : try file.update {
                    $0.rotate(schedule, now: now)
                    return true
                }
        } catch {
            throw CommandFailure(error)
        }
        guard let sealing = keys.sealing(at: now) else { throw CommandFailure("no key could be made") }
        print("\(LogText.visible(file.path)): new tickets are sealed with \(HexadecimalText.text(sealing.identifier))")
    }

    private func duration(_ text: String?, _ option: String, _ range: ClosedRange<Duration>) throws -> Duration? {
        guard let text else { return nil }
        let mistakes = MistakeCollector()
        let place = SourceLocation(file: option, line: 1, column: 1)
        let node = SourceNode.mapping(
            [(key: option, keyLocation: place, value: .scalar(text, quoted: false, place))], place)
        let found = MappingReader.read(node, reporting: mistakes) { $0.duration(option, in: range) }
        guard let duration = found ?? nil else {
            throw ValidationError("\(option): \(mistakes.mistakes.first?.message ?? "is not a duration")")
        }
        return duration
    }
}

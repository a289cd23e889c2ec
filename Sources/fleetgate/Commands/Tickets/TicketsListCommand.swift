import ArgumentParser
import FleetPolicy
import Foundation

/// `fleetgate tickets list`.
struct TicketsListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the ticket keys of a file, without what is secret of them.",
        discussion: """
            Shown are the id of each key, from when on it seals new tickets, until when tickets that it has sealed are \
            opened, and what it is now: `sealing`, `opening` (sealed tickets of before), or `next`.

            EXAMPLES
              fleetgate tickets list --config gate/fleetgate.yaml
              fleetgate tickets list --file /shared/tickets.keys --json | jq -r '.[].id'

            EXIT STATUS
              0   done
              1   the file cannot be used
              64  the command line is wrong
            """)

    @OptionGroup var options: TicketFileOptions

    @Flag(help: "Print a JSON list instead of a table.")
    var json = false

    /// A key as it is shown. The secret is not in it.
    struct Row: Encodable, Equatable {
        let id: String
        let state: String
        let notBefore: Date
        let notAfter: Date

        enum CodingKeys: String, CodingKey {
            case id, state
            case notBefore = "not-before"
            case notAfter = "not-after"
        }
    }

    func run() throws {
        let (file, _) = try options.settings()
        let keys: TicketKeySet
        do throws(TicketKeyFileError) {
            keys = try file.read()
        } catch {
            guard error.code == .missing else { throw CommandFailure(error) }
            throw CommandFailure(
                "\(error.description) (hint: a gateway makes it when it starts; `fleetgate tickets rotate` does too)")
        }
        let rows = Self.rows(keys, now: Int64(Date().timeIntervalSince1970))
        if json {
            print(try JSONText.encode(rows))
        } else {
            print(
                AlignedColumns.text(
                    [["ID", "STATE", "SEALS FROM", "OPENS UNTIL"]]
                        + rows.map { [$0.id, $0.state, $0.notBefore.iso8601, $0.notAfter.iso8601] }))
        }
    }

    static func rows(_ keys: TicketKeySet, now: Int64) -> [Row] {
        let sealing = keys.sealing(at: now)?.identifier
        return keys.keys.map { key in
            let state =
                if key.identifier == sealing {
                    "sealing"
                } else if key.notAfter <= now {
                    "over"
                } else {
                    key.notBefore > now ? "next" : "opening"
                }
            return Row(
                id: HexadecimalText.text(key.identifier), state: state,
                notBefore: Date(timeIntervalSince1970: TimeInterval(key.notBefore)),
                notAfter: Date(timeIntervalSince1970: TimeInterval(key.notAfter)))
        }
    }
}

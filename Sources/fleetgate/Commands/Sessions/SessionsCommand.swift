import AdminAPI
import ArgumentParser
import FleetPolicy
import Foundation

/// `fleetgate sessions`.
struct SessionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sessions",
        abstract: "The live sessions of a running gateway.",
        discussion: """
            Sessions are found by device, tenant, profile, bundle of trust anchors, certificate or CA. Whoever is \
            ended may come back at once: `fleetgate revoke` and `fleetgate device disable` keep away.

            EXAMPLES
              fleetgate sessions list --config gate/fleetgate.yaml --tenant hamburg-nord
              fleetgate sessions end --config gate/fleetgate.yaml --anchors fleet
            """,
        subcommands: [SessionsListCommand.self, SessionsEndCommand.self])
}

/// Which sessions are meant.
struct SessionSelectionOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Those of a device, as tenant/device.", valueName: "id"))
    var device: String?

    @Option(help: ArgumentHelp("Those of a tenant.", valueName: "name"))
    var tenant: String?

    @Option(help: ArgumentHelp("Those with a profile in force.", valueName: "name"))
    var profile: String?

    @Option(help: ArgumentHelp("Those under a bundle of trust anchors.", valueName: "name"))
    var anchors: String?

    @Option(help: ArgumentHelp("Those with a certificate, by its SHA-256.", valueName: "hex"))
    var fingerprint: String?

    @Option(help: ArgumentHelp("Those with a CA in their chain, by its id; see crl status.", valueName: "hex"))
    var issuer: String?

    @Option(help: ArgumentHelp("With --issuer: the one certificate with this serial number.", valueName: "hex"))
    var serial: String?

    var selection: SessionExchange.Selection {
        func plain(_ text: String?) -> String? { text?.replacing(":", with: "").lowercased() }
        return SessionExchange.Selection(
            device: device.flatMap { DeviceKey(parsing: $0) }, tenant: tenant, profile: profile, anchors: anchors,
            fingerprint: plain(fingerprint), serial: plain(serial), issuer: plain(issuer))
    }

    func validate() throws {
        guard device.map({ DeviceKey(parsing: $0) != nil }) ?? true else {
            throw ValidationError("--device takes tenant/device, or a device of the tenant default")
        }
        guard selection.count <= 1 else { throw ValidationError("give one selection") }
        guard serial == nil || issuer != nil else { throw ValidationError("--serial goes with --issuer") }
    }
}

/// `fleetgate sessions list`.
struct SessionsListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List live sessions.",
        discussion: """
            All, or those that one option selects.

            EXAMPLES
              fleetgate sessions list --config gate/fleetgate.yaml
              fleetgate sessions list --config gate/fleetgate.yaml --profile smart-meter --json

            EXIT STATUS
              0   done
              1   the gateway is not running, or refused the question
              64  the command line is wrong
            """)

    @OptionGroup var gateway: GatewayOptions
    @OptionGroup var options: SessionSelectionOptions

    @Flag(help: "Print a JSON list instead of a table.")
    var json = false

    func run() async throws {
        let client = ControlClient(socketPath: try gateway.location().socketPath)
        let items = CollectedItems<SessionExchange.Row>()
        let _: ControlDone = try await client.call(SessionExchange.listRoute, options.selection) {
            (row: SessionExchange.Row) in await items.append(row)
        }
        let rows = await items.all.sorted { ("\($0.device)", $0.since) < ("\($1.device)", $1.since) }
        print(json ? try JSONText.encode(rows) : Self.table(rows))
    }

    static func table(_ rows: [SessionExchange.Row]) -> String {
        AlignedColumns.text(
            [["DEVICE", "PROFILE", "ADDRESS", "LISTENER", "ANCHORS", "SINCE", "CLIENT ID"]]
                + rows.map { row in
                    [
                        "\(row.device)", row.quarantine.map { "\(row.profile) (\($0))" } ?? row.profile, row.address,
                        row.listener, row.anchors ?? "pinned",
                        row.since.iso8601, row.clientID ?? "-",
                    ]
                })
    }
}

/// `fleetgate sessions end`.
struct SessionsEndCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "end",
        abstract: "End live sessions.",
        discussion: """
            MQTT 5 devices hear that it was an administrative action. They may come back at once, with a full \
            handshake or a ticket, and are judged again then. It is in the audit log.

            EXAMPLES
              fleetgate sessions end --config gate/fleetgate.yaml --tenant hamburg-nord
              fleetgate sessions end --config gate/fleetgate.yaml --device hamburg-nord/meter-4711 \\
                --reason "moved to another broker"

            EXIT STATUS
              0   done, also when there was none
              1   the gateway is not running, or refused it
              64  the command line is wrong
            """)

    @OptionGroup var gateway: GatewayOptions
    @OptionGroup var options: SessionSelectionOptions

    @Option(help: ArgumentHelp("Why, for log and audit.", valueName: "text"))
    var reason = ""

    func validate() throws {
        guard options.selection.count == 1 else { throw ValidationError("one option has to say which sessions") }
        guard reason.utf8.count <= SessionExchange.reasonBytesMax else {
            throw ValidationError("--reason takes at most \(SessionExchange.reasonBytesMax) bytes")
        }
    }

    func run() async throws {
        let client = ControlClient(socketPath: try gateway.location().socketPath)
        let ended: SessionExchange.Ended = try await client.call(
            SessionExchange.endRoute, SessionExchange.End(selection: options.selection, reason: reason))
        print(ended.sessions == 1 ? "1 session ended" : "\(ended.sessions) sessions ended")
    }
}

import ArgumentParser
import DeviceRegistry
import FleetPolicy
import Foundation

/// `fleetgate journal`.
struct JournalCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "journal",
        abstract: "Show why connections failed, the latest first.",
        discussion: """
            One entry for each connection that failed: before or in its handshake, because its certificate was \
            refused, or because its CONNECT was. The same failure of one address and certificate is one entry with a \
            count. What one address, or all of them, can cause in a minute is bounded; what is beyond is summed up in \
            entries with the reason "suppressed".

            The certificate is what the device presented: unless the reason says otherwise, it is not verified.

            The command asks the running gateway over its admin socket, or reads the file when none runs.

            Times are durations that end now (90s, 15m, 6h, 30d, 2w), dates (2026-01-31, in UTC) or \
            2026-01-31T12:00:00Z. Conditions hold together.

            EXAMPLES
              fleetgate journal -c gate/fleetgate.yaml --since 1h
              fleetgate journal -c gate/fleetgate.yaml --device meter-4711 --verbose
              fleetgate journal -c gate/fleetgate.yaml --reason unknown-ca --json \\
                | jq -r '.[].certificate.issuer'
              fleetgate journal -c gate/fleetgate.yaml --address 192.0.2. --follow
            """)

    /// Between two questions with --follow: the gateway writes once a second.
    private static let followInterval = Duration.seconds(1)

    @OptionGroup var gateway: GatewayOptions

    @Option(help: ArgumentHelp("Only with this text in the device or in a name of the certificate.", valueName: "text"))
    var device: String?

    @Option(help: ArgumentHelp("Only with this text in the certificate's subject.", valueName: "text"))
    var subject: String?

    @Option(
        help: ArgumentHelp(
            "Only with this serial number; colons, case and leading zeros do not matter.", valueName: "hex"))
    var serial: String?

    @Option(help: ArgumentHelp("Only from addresses that begin so.", valueName: "text"))
    var address: String?

    @Option(help: ArgumentHelp("Only with this reason, such as unknown-ca.", valueName: "reason"))
    var reason: String?

    @Option(help: ArgumentHelp("Only failures since then.", valueName: "time"))
    var since: MomentArgument?

    @Option(help: ArgumentHelp("At most so many entries.", valueName: "number"))
    var limit = 50

    @Flag(help: "Go on with new entries as they come, until interrupted.")
    var follow = false

    @Flag(name: .shortAndLong, help: "Show names, validity and what the device offered, too.")
    var verbose = false

    @Flag(help: "Print a JSON array instead of text, each entry on a line; with --follow, lines without the array.")
    var json = false

    func validate() throws {
        guard (1...1_000_000).contains(limit) else { throw ValidationError("--limit must be 1 to 1000000") }
        if let serial, SerialNumberText.normal(serial).contains(where: { !$0.isHexDigit }) || serial.isEmpty {
            throw ValidationError("--serial takes hexadecimal digits, with colons or without")
        }
    }

    func run() async throws {
        let source = try await ObservationAccess.source(at: gateway.location())
        if follow {
            try await followed(source)
        } else {
            try await listed(source) { print($0) }
        }
    }

    /// The entries that there are.
    func listed(_ source: any ObservationSource, print: @escaping (String) -> Void) async throws {
        var query = query
        var rest = limit
        var array = ListingArray(print: print)
        var isFirst = true
        while rest > 0 {
            query.limit = min(rest, JournalQuery.limitMax)
            let page = try await source.journal(query)
            for record in page {
                let listing = JournalListing(record: record)
                if json {
                    array.append(try listing.line())
                } else {
                    print((isFirst ? "" : "\n") + listing.text(isVerbose: verbose))
                }
                isFirst = false
            }
            rest -= page.count
            guard page.count == query.limit, let last = page.last else { break }
            query.before = last.id
        }
        if json {
            array.end()
        } else if isFirst {
            print("nothing")
        }
    }

    /// The entries that there are, the oldest first, and those that come.
    private func followed(_ source: any ObservationSource) async throws {
        var latest = query
        latest.limit = min(limit, JournalQuery.limitMax)
        var records = Array(try await source.journal(latest).reversed())
        var query = query
        query.after = 0
        while true {
            for record in records {
                let listing = JournalListing(record: record)
                print(json ? try listing.line() : listing.text(isVerbose: verbose))
                query.after = max(query.after ?? 0, record.id)
            }
            // Standard output may be a pipe, which is written to when it is full.
            fflush(nil)
            try await Task.sleep(for: Self.followInterval)
            records = try await source.journal(query)
        }
    }

    private var query: JournalQuery {
        var query = JournalQuery()
        query.device = device
        query.subject = subject
        query.serialNumber = serial
        query.address = address
        query.reason = reason
        query.since = since?.seconds
        return query
    }
}

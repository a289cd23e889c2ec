import ArgumentParser
import DeviceRegistry
import FleetPolicy
import Foundation

/// Which devices a listing or an export is of.
struct DeviceFilterOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Only devices in this state.", valueName: "state"))
    var state: DeviceStateArgument?

    @Option(help: ArgumentHelp("Only devices registered under this profile.", valueName: "name"))
    var profile: String?

    @Option(help: ArgumentHelp("Only devices of this tenant.", valueName: "tenant"))
    var tenant: String?

    @Option(help: ArgumentHelp("Only devices whose id contains this text, in either case.", valueName: "text"))
    var contains: String?

    @Option(help: ArgumentHelp("Only devices not seen since then, or never.", valueName: "time"))
    var notSeenSince: MomentArgument?

    /// - Parameter limit: Of each page.
    func query(limit: Int = DeviceQuery.limitMax) -> DeviceQuery {
        DeviceQuery(
            tenant: tenant, state: state?.state, profile: profile, containing: contains,
            notSeenSince: notSeenSince?.seconds, limit: limit)
    }
}

/// `fleetgate device list`.
struct DeviceListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List devices, with how many there are in each state.",
        discussion: """
            The counts are of all devices that the filters let through, also those that --limit cuts off.

            Times are durations that end now (90s, 15m, 6h, 30d, 2w), dates (2026-01-31, in UTC) or \
            2026-01-31T12:00:00Z. A device that was never seen counts as not seen since any time.

            EXAMPLES
              fleetgate device list -c gate/fleetgate.yaml
              fleetgate device list -c gate/fleetgate.yaml --state pending --limit 20
              fleetgate device list -c gate/fleetgate.yaml --not-seen-since 90d --json \\
                | jq -r '.devices[].device'
            """)

    @OptionGroup var gateway: GatewayOptions
    @OptionGroup var filter: DeviceFilterOptions

    @Option(help: ArgumentHelp("Only devices whose id begins with this text.", valueName: "text"))
    var prefix: String?

    @Option(help: ArgumentHelp("Only devices seen since then.", valueName: "time"))
    var seenSince: MomentArgument?

    @Option(help: ArgumentHelp("At most so many devices. Default: all.", valueName: "number"))
    var limit: Int?

    @Flag(help: "Print one JSON object instead of a table; each device is on a line of its own.")
    var json = false

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit must be at least 1") }
        if let seenSince, let until = filter.notSeenSince, seenSince.seconds >= until.seconds {
            throw ValidationError("--seen-since is not before --not-seen-since: no device can be both")
        }
    }

    func run() async throws {
        try await gateway.withDevices { devices in
            let writer = DeviceListWriter(json: json, now: DeviceTimes.now) { print($0) }
            let isWanted: ((DeviceRecord) -> Bool)? = isSortedHere ? { self.isWanted($0) } : nil
            let pages = DevicePages(devices: devices, query: query, limit: limit, isWanted: isWanted)
            try await pages.each(writer.page)
            let counts = writer.isCutOff ? try await pages.counts() : nil
            try writer.end(counts: counts)
        }
    }

    /// Whether there is a filter that the registry's query cannot say.
    private var isSortedHere: Bool { prefix != nil || seenSince != nil }

    private var query: DeviceQuery {
        // Where this program sorts out itself, a page may hold few that are wanted.
        var query = filter.query(limit: isSortedHere ? DeviceQuery.limitMax : min(limit ?? .max, DeviceQuery.limitMax))
        if query.containing == nil { query.containing = prefix }
        return query
    }

    /// What the registry's query cannot say.
    private func isWanted(_ record: DeviceRecord) -> Bool {
        if let prefix, !record.key.deviceID.hasPrefix(prefix) { return false }
        if let seenSince { return record.lastSeen.map { $0 >= seenSince.seconds } ?? false }
        return true
    }
}

/// All devices that fit a query, page after page.
struct DevicePages {
    let devices: any DeviceAuthority
    let query: DeviceQuery
    /// Devices in all; nil: no bound.
    let limit: Int?
    /// Sorts out what the query lets through; nil: all of it is wanted.
    let isWanted: ((DeviceRecord) -> Bool)?

    struct Page {
        let records: [DeviceRecord]
        /// There may be more than the limit lets through.
        let isCutOff: Bool
    }

    func each(_ body: (Page) throws -> Void) async throws {
        var query = query
        var rest = limit ?? .max
        repeat {
            guard case .devices(let records, let next) = try await devices.apply(.list(query: query)).answer else {
                throw ControlClientError.badAnswer("is not a list of devices")
            }
            let wanted = isWanted.map { records.filter($0) } ?? records
            let page = Array(wanted.prefix(rest))
            rest -= page.count
            try body(Page(records: page, isCutOff: rest == 0 && (next != nil || page.count < wanted.count)))
            query.after = next
        } while query.after != nil && rest > 0
    }

    /// How many devices there are in each state, whatever the limit.
    func counts() async throws -> StateCounts {
        var counts = StateCounts()
        guard isWanted == nil else {
            // Only who reads them all can count these.
            try await DevicePages(devices: devices, query: query, limit: nil, isWanted: isWanted).each { page in
                for record in page.records { counts.add(record.state) }
            }
            return counts
        }
        for state in DeviceState.allCases where query.state == nil || query.state == state {
            var query = query
            query.state = state
            guard case .count(let count) = try await devices.apply(.count(query: query)).answer else {
                throw ControlClientError.badAnswer("is not a count of devices")
            }
            counts.add(state, count: count)
        }
        return counts
    }
}

/// Writes a listing out as its pages come.
final class DeviceListWriter {
    private let json: Bool
    private let print: (String) -> Void
    private var table: DeviceTable
    /// Of what was written.
    private var written = StateCounts()
    /// There may be more devices than were written.
    private(set) var isCutOff = false

    init(json: Bool, now: Int64, print: @escaping (String) -> Void) {
        self.json = json
        self.print = print
        table = DeviceTable(now: now)
    }

    func page(_ page: DevicePages.Page) throws {
        if json {
            for record in page.records {
                print((written.total == 0 ? "{\"devices\":[\n" : ",") + (try DeviceListing(record: record).line()))
                written.add(record.state)
            }
        } else {
            for line in table.lines(page.records) { print(line) }
            for record in page.records { written.add(record.state) }
        }
        isCutOff = isCutOff || page.isCutOff
    }

    /// - Parameter counts: Of all devices that fit; nil: all of them were written.
    func end(counts: StateCounts?) throws {
        let all = counts ?? written
        let isComplete = all.total <= written.total
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            let counts = String(decoding: try encoder.encode(all), as: UTF8.self)
            print(
                (written.total == 0 ? "{\"devices\":[" : "") + "],\"counts\":\(counts),\"complete\":\(isComplete)}")
        } else {
            if written.total > 0 { print("") }
            print(all.text + (isComplete ? "" : " (\(written.total) shown: --limit)"))
        }
    }
}

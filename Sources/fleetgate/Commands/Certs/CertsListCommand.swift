import ArgumentParser
import DeviceRegistry
import FleetPolicy
import Foundation

/// Which certificates a listing is of.
struct CertificateFilterOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Only with this text in the device's name.", valueName: "text"))
    var device: String?

    @Option(help: ArgumentHelp("Only with this text in the subject or another name.", valueName: "text"))
    var subject: String?

    @Option(help: ArgumentHelp("Only with this text in the issuer.", valueName: "text"))
    var issuer: String?

    @Option(help: ArgumentHelp("Only of devices with this profile.", valueName: "name"))
    var profile: String?

    @Option(help: ArgumentHelp("Only seen since then.", valueName: "time"))
    var seenSince: MomentArgument?

    @Option(help: ArgumentHelp("Only not seen since then.", valueName: "time"))
    var notSeenSince: MomentArgument?

    @Flag(help: "Only of devices that were not seen with a later one.")
    var notRenewed = false

    @Option(help: ArgumentHelp("At most so many. Default: all.", valueName: "number"))
    var limit: Int?

    @Flag(help: "Print a JSON array instead of a table, each certificate on a line.")
    var json = false

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit must be at least 1") }
        if let seenSince, let notSeenSince, seenSince.seconds >= notSeenSince.seconds {
            throw ValidationError("--seen-since is not before --not-seen-since: no certificate can be both")
        }
    }

    var query: CertificateQuery {
        var query = CertificateQuery()
        query.device = device
        query.subject = subject
        query.issuer = issuer
        query.profile = profile
        query.seenSince = seenSince?.seconds
        query.notSeenSince = notSeenSince?.seconds
        query.notRenewed = notRenewed
        return query
    }

    func list(
        _ query: CertificateQuery, of source: any ObservationSource, now: Int64, print: @escaping (String) -> Void
    ) async throws {
        let writer = CertificateListWriter(json: json, now: now, weakness: query.weakness, print: print)
        let pages = CertificatePages(source: source, query: query, limit: limit)
        let isCutOff = try await pages.each(writer.page)
        writer.end(isCutOff: isCutOff)
    }
}

/// `fleetgate certs list`.
struct CertsListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List certificates, the soonest to expire first.",
        discussion: """
            Times are durations that end now (90s, 15m, 6h, 30d, 2w), dates (2026-01-31, in UTC) or \
            2026-01-31T12:00:00Z.

            EXAMPLES
              fleetgate certs list -c gate/fleetgate.yaml --issuer "Elbe Netz"
              fleetgate certs list -c gate/fleetgate.yaml --not-seen-since 90d
              fleetgate certs list -c gate/fleetgate.yaml --json | jq -r '.[].sha256'
            """)

    @OptionGroup var gateway: GatewayOptions
    @OptionGroup var filter: CertificateFilterOptions

    func run() async throws {
        let source = try await ObservationAccess.source(at: gateway.location())
        try await filter.list(filter.query, of: source, now: DeviceTimes.now) { print($0) }
    }
}

/// A span of time that begins now, as it is named on the command line.
struct SpanArgument: ExpressibleByArgument, Hashable {
    let seconds: Int64

    /// `30d`, `2w`, `6h`; at most a hundred years.
    init?(argument: String) {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800]
        guard let unit = argument.last.flatMap({ units[$0] }), let count = Int64(argument.dropLast()), count >= 0
        else { return nil }
        let (seconds, overflow) = count.multipliedReportingOverflow(by: unit)
        guard !overflow, seconds <= 36_525 * 86_400 else { return nil }
        self.seconds = seconds
    }

    init(days: Int64) { seconds = days * 86_400 }

    var defaultValueDescription: String { Duration.seconds(seconds).text }
}

/// `fleetgate certs expiring`.
struct CertsExpiringCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "expiring",
        abstract: "List certificates that expire soon, or have expired.",
        discussion: """
            A certificate whose device was seen with a later one says "renewed"; --not-renewed leaves it out. Those \
            that have expired are listed with --expired only.

            EXAMPLES
              fleetgate certs expiring -c gate/fleetgate.yaml --within 30d --not-renewed
              fleetgate certs expiring -c gate/fleetgate.yaml --within 0d --expired
            """)

    @OptionGroup var gateway: GatewayOptions

    @Option(help: ArgumentHelp("How soon: 90d, 2w, 12h.", valueName: "span"))
    var within = SpanArgument(days: 30)

    @Flag(help: "Those that have expired, too.")
    var expired = false

    @OptionGroup var filter: CertificateFilterOptions

    func run() async throws {
        let source = try await ObservationAccess.source(at: gateway.location())
        let now = DeviceTimes.now
        try await filter.list(query(now: now), of: source, now: now) { print($0) }
    }

    func query(now: Int64) -> CertificateQuery {
        var query = filter.query
        query.expiringUntil = now + within.seconds
        // Valid up to and including notAfter (RFC 5280, section 4.1.2.5).
        if !expired { query.expiringAfter = now - 1 }
        return query
    }
}

/// `fleetgate certs weak`.
struct CertsWeakCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "weak",
        abstract: "List certificates that ought to be replaced by stronger ones.",
        discussion: """
            Weak are: RSA keys below --rsa-bits (3072 by default: shorter ones are not for use beyond 2030, NIST SP \
            800-57), keys that are neither RSA nor P-256, P-384, P-521 or Ed25519, signatures with SHA-1 or MD5, and \
            certificates that are valid for more than --days.

            EXAMPLES
              fleetgate certs weak -c gate/fleetgate.yaml
              fleetgate certs weak -c gate/fleetgate.yaml --rsa-bits 2048 --json
            """)

    @OptionGroup var gateway: GatewayOptions

    @Option(help: ArgumentHelp("The smallest RSA key that is not weak, 1024 to 16384.", valueName: "bits"))
    var rsaBits = 3072

    @Option(help: ArgumentHelp("The longest validity that is not weak, 1 to 36525.", valueName: "days"))
    var days = 3653

    @OptionGroup var filter: CertificateFilterOptions

    func validate() throws {
        guard (1024...16_384).contains(rsaBits) else { throw ValidationError("--rsa-bits must be 1024 to 16384") }
        guard (1...36_525).contains(days) else { throw ValidationError("--days must be 1 to 36525") }
    }

    func run() async throws {
        let source = try await ObservationAccess.source(at: gateway.location())
        var query = filter.query
        query.weakness = CertificateQuery.Weakness(rsaBitsMin: rsaBits, validityDaysMax: days)
        try await filter.list(query, of: source, now: DeviceTimes.now) { print($0) }
    }
}

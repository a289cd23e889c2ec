import ArgumentParser
import Foundation

/// `fleetgate audit search`.
struct AuditSearchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "search",
        abstract: "List the lines of the audit log that fit.",
        discussion: """
            Oldest first. Every option that is given has to fit. Times are durations that end now (90s, 15m, 6h, 30d, \
            2w), dates (2026-01-31, in UTC) or 2026-01-31T12:00:00Z. Searching does not verify: `audit verify` does.

            KINDS
              \(AuditKind.allCases.map(\.rawValue).joined(separator: ", "))

            EXAMPLES
              fleetgate audit search gate/audit --device meter-4711
              fleetgate audit search gate/audit --kind administration --actor alice
              fleetgate audit search gate/audit --reason certificate-revoked --json \\
                | jq -r .device
              fleetgate audit search gate/audit --kind decision --follow
            """)

    @OptionGroup var location: AuditLocationOptions
    @OptionGroup var filter: AuditFilterOptions

    @Option(help: ArgumentHelp("At most so many lines, the newest of them. Default: all.", valueName: "number"))
    var limit: Int?

    @Flag(help: "Go on with new lines as they are written, until interrupted.")
    var follow = false

    @Flag(help: "Print the lines as they are in the files, one JSON object each.")
    var json = false

    func validate() throws {
        if let limit, !(1...100_000).contains(limit) {
            throw ValidationError("--limit must be 1 to 100000")
        }
        if limit != nil, follow { throw ValidationError("--follow has no end that --limit could count from") }
    }

    func run() throws {
        let progress = AuditProgress(
            verb: "searched", isTerminal: isatty(STDERR_FILENO) == 1 && isatty(STDOUT_FILENO) == 0, json: true,
            write: AuditProgress.printError)
        let search = AuditSearch(folder: try location.location(), query: try filter.query())
        var newest: [String] = []
        var count = 0
        let unread = try search.run(onProgress: progress.show, follows: wait) { hit in
            let text = json ? String(decoding: hit.bytes, as: UTF8.self) : AuditLineText.line(hit.line)
            count += 1
            guard let limit else {
                print(text)
                if follow { fflush(nil) }
                return .more
            }
            newest.append(text)
            if newest.count >= limit * 2 { newest.removeFirst(newest.count - limit) }
            return .more
        }
        progress.end()
        for text in newest.suffix(limit ?? 0) { print(text) }
        if count == 0, !json { Terminal.printError("no line fits") }
        if unread > 0 {
            Terminal.printError("\(unread) lines could not be read; `fleetgate audit verify` says which")
        }
    }

    /// At the end of the log: whether to look again, a quarter of a second later.
    private func wait() -> Bool {
        guard follow else { return false }
        usleep(250_000)
        return true
    }
}

/// Which lines are wanted.
struct AuditFilterOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Only of this device: DEVICE or TENANT/DEVICE.", valueName: "device"))
    var device: String?

    @Option(help: ArgumentHelp("Only of this tenant.", valueName: "tenant"))
    var tenant: String?

    @Option(
        help: ArgumentHelp(
            "Only with this certificate: its SHA-256 in hexadecimal, or how it begins.", valueName: "sha256"))
    var certificate: String?

    @Option(help: ArgumentHelp("Only with a certificate of this serial number, in hexadecimal.", valueName: "serial"))
    var serial: String?

    @Option(help: ArgumentHelp("Only of this kind; may be given again.", valueName: "kind"))
    var kind: [String] = []

    @Option(help: ArgumentHelp("Only with this reason code.", valueName: "code"))
    var reason: String?

    @Option(help: ArgumentHelp("Only what this operator did.", valueName: "name"))
    var actor: String?

    @Option(help: ArgumentHelp("Only from this IP address.", valueName: "address"))
    var address: String?

    @Option(help: ArgumentHelp("Only since then.", valueName: "time"))
    var since: MomentArgument?

    @Option(help: ArgumentHelp("Only before then.", valueName: "time"))
    var until: MomentArgument?

    func validate() throws {
        for kind in kind where AuditKind(rawValue: kind) == nil {
            throw ValidationError(
                "--kind \(LogText.visible(kind)): there are \(AuditKind.allCases.map(\.rawValue).joined(separator: ", "))"
            )
        }
        _ = try query()
    }

    func query() throws -> AuditQuery {
        AuditQuery(
            kinds: Set(kind), reason: reason, device: device, tenant: tenant,
            certificate: try certificate.map { try digits($0, "--certificate") },
            serial: try serial.map { try serialDigits($0) }, actor: actor, address: address,
            since: since.map { UTCTime.text($0.seconds.multipliedReportingOverflow(by: 1_000).partialValue) },
            until: until.map { UTCTime.text($0.seconds.multipliedReportingOverflow(by: 1_000).partialValue) })
    }

    /// Hexadecimal digits in either case, with or without colons.
    private func digits(_ text: String, _ option: String) throws -> String {
        let digits = text.lowercased().filter { $0 != ":" }
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
        else { throw ValidationError("\(option) takes hexadecimal digits") }
        return digits
    }

    /// As it stands in the log: whole bytes, without those in front that are zero.
    private func serialDigits(_ text: String) throws -> String {
        let digits = try digits(text, "--serial").drop { $0 == "0" }
        return digits.count % 2 == 0 ? String(digits) : "0\(digits)"
    }
}

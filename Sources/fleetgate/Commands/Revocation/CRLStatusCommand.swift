import AdminAPI
import ArgumentParser
import Foundation

/// `fleetgate crl status`.
struct CRLStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show the lists that are in force in the running gateway, and where they come from.",
        discussion: """
            STATE is "in-force", "outdated" (nextUpdate has passed) or "missing". POLICY is "required" when a trust \
            anchor that the CA is below asks for its list. An exclamation mark behind the state is the alarm that the \
            metric fleetgate_crl_alarm shows too.

            The exit status is 1 when there is an alarm, so that a monitoring system can run it.

            EXAMPLES
              fleetgate crl status -c gate/fleetgate.yaml
              fleetgate crl status -c gate/fleetgate.yaml --json
            """)

    @OptionGroup var gateway: GatewayOptions

    @Flag(help: "Print JSON instead of tables.")
    var json = false

    func run() async throws {
        let items = CollectedItems<RevocationExchange.StatusItem>()
        let client = ControlClient(socketPath: try gateway.location().socketPath)
        var status: RevocationStatus = try await client.call(RevocationExchange.statusRoute, ControlDone()) {
            (item: RevocationExchange.StatusItem) in await items.append(item)
        }
        for item in await items.all {
            switch item {
            case .authority(let authority): status.authorities.append(authority)
            case .source(let source): status.sources.append(source)
            }
        }
        print(json ? try JSONText.encode(status) : Self.text(status))
        if status.authorities.contains(where: \.isAlarm) { throw ExitCode.failure }
    }

    static func text(_ status: RevocationStatus) -> String {
        var parts: [String] = []
        let authorities = status.authorities.map { list in
            [
                list.authority, list.policy, list.state.rawValue + (list.isAlarm ? "!" : ""), "\(list.entries)",
                list.number ?? "-", list.thisUpdate?.formatted(.iso8601) ?? "-",
                list.nextUpdate?.formatted(.iso8601) ?? "-", list.sources.joined(separator: " "),
            ]
        }
        parts.append(
            authorities.isEmpty
                ? "no CAs whose lists count are known"
                : AlignedColumns.text(
                    [["AUTHORITY", "POLICY", "STATE", "ENTRIES", "NUMBER", "THIS UPDATE", "NEXT UPDATE", "FROM"]]
                        + authorities))
        let sources = status.sources.map { source in
            [
                source.source, source.nextRefresh?.formatted(.iso8601) ?? "watched",
                source.problem.map { "\($0.reason): \($0.message)" } ?? "ok",
            ]
        }
        if !sources.isEmpty { parts.append(AlignedColumns.text([["SOURCE", "NEXT", "STATE"]] + sources)) }
        parts.append("certificates revoked by \"fleetgate revoke\": \(status.localRevocations)")
        return parts.joined(separator: "\n\n")
    }
}

import ArgumentParser
import DeviceRegistry
import Foundation

/// `fleetgate certs duplicates`.
struct CertsDuplicatesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "duplicates",
        abstract: "List keys and devices with several certificates.",
        discussion: """
            KINDS
              shared-key     devices with one key in common: an image that was copied, or
                             keys that were not made at random; replace them
              reused-key     a device whose certificate was renewed with the old key
              several-valid  a device with several certificates that are valid still;
                             revoke those that it does not use any more

            EXAMPLES
              fleetgate certs duplicates -c gate/fleetgate.yaml
              fleetgate certs duplicates -c gate/fleetgate.yaml --json \\
                | jq '.[] | select(.kind == "shared-key")'
            """)

    @OptionGroup var gateway: GatewayOptions

    @Flag(help: "Print a JSON array instead of text.")
    var json = false

    func run() async throws {
        let source = try await ObservationAccess.source(at: gateway.location())
        try await list(source) { print($0) }
    }

    func list(_ source: any ObservationSource, print: (String) -> Void) async throws {
        let groups = try await source.duplicates()
        if json {
            print(try JSONText.encode(groups.map(Listing.init)))
            return
        }
        let now = DeviceTimes.now
        for group in groups {
            print("\(group.kind.rawValue)  \(LogText.visible(group.common)): \(group.count) certificates")
            print(
                AlignedColumns.text(
                    group.certificates.map {
                        [
                            $0.fingerprint.prefix(16).description, $0.device,
                            CertificateListWriter.expiry($0, now: now),
                            "seen " + DeviceTimes.relative($0.lastSeen, now: now), $0.subject,
                        ]
                    }, indent: "    "))
        }
        if groups.isEmpty { print("none") }
    }

    private struct Listing: Encodable {
        let kind: String
        let common: String
        let count: Int
        let certificates: [CertificateListing]

        init(_ group: CertificateDuplicates) {
            kind = group.kind.rawValue
            common = group.common
            count = group.count
            certificates = group.certificates.map { CertificateListing($0) }
        }
    }
}

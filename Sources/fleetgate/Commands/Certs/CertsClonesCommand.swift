import ArgumentParser
import DeviceRegistry
import FleetPolicy
import Foundation

/// `fleetgate certs clones`.
struct CertsClonesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clones",
        abstract: "List certificates that seem to be in use in two places.",
        discussion: """
            A certificate is suspected when sessions with it go to and fro between networks faster than a device \
            moves (alternating), or last in two networks at once (simultaneous). A device that roams, one behind a \
            NAT whose address changes and one with IPv4 and IPv6 are not. Networks are IPv4 /24 and IPv6 /48.

            A profile can give such devices its quarantine profile (quarantine: cloned); without that, a suspicion \
            is shown and counted only. It ends with --clear, or after a quiet time.

            EXAMPLES
              fleetgate certs clones -c gate/fleetgate.yaml
              fleetgate certs clones -c gate/fleetgate.yaml --clear \\
                3f5c2a9be0417d663f5c2a9be0417d663f5c2a9be0417d663f5c2a9be0417d66
            """)

    @OptionGroup var gateway: GatewayOptions

    @Option(
        help: ArgumentHelp("End the suspicion of the certificate with this SHA-256 fingerprint.", valueName: "hex"))
    var clear: String?

    @Flag(help: "Print a JSON array instead of a table.")
    var json = false

    func validate() throws {
        if let clear, fingerprint(clear) == nil {
            throw ValidationError("--clear takes 64 hexadecimal digits, with colons or without")
        }
    }

    func run() async throws {
        let source = try await ObservationAccess.source(at: gateway.location())
        if let fingerprint = clear.flatMap(fingerprint) {
            guard try await source.clearSuspicion(of: fingerprint) else {
                throw CommandFailure("there is no suspicion of \(fingerprint)")
            }
            print("cleared \(fingerprint)")
        } else {
            try await list(source) { print($0) }
        }
    }

    func list(_ source: any ObservationSource, print: (String) -> Void) async throws {
        let suspicions = try await source.suspicions()
        if json {
            print(try JSONText.encode(suspicions.map(Listing.init)))
            return
        }
        let now = DeviceTimes.now
        let rows = suspicions.map {
            [
                $0.fingerprint, $0.kind.rawValue, $0.device.isEmpty ? "-" : $0.device,
                DeviceTimes.relative($0.first, now: now), DeviceTimes.relative($0.last, now: now), "\($0.count)",
                $0.networks.joined(separator: " "),
            ]
        }
        guard !rows.isEmpty else { return print("none") }
        print(
            AlignedColumns.text([["SHA-256", "KIND", "DEVICE", "FIRST", "LAST", "SIGNS", "NETWORKS"]] + rows))
    }

    private func fingerprint(_ text: String) -> String? {
        guard text.utf8.count <= 95, let bytes = HexadecimalText.bytes(text, separator: ":"), bytes.count == 32 else {
            return nil
        }
        return HexadecimalText.text(bytes)
    }

    private struct Listing: Encodable {
        let sha256: String
        let kind: String
        let device: String
        let subject: String
        let first: String
        let last: String
        let signs: Int64
        let networks: [String]

        init(_ suspicion: CloneSuspicion) {
            sha256 = suspicion.fingerprint
            kind = suspicion.kind.rawValue
            device = suspicion.device
            subject = suspicion.subject
            first = DeviceTimes.text(suspicion.first)
            last = DeviceTimes.text(suspicion.last)
            signs = suspicion.count
            networks = suspicion.networks
        }
    }
}

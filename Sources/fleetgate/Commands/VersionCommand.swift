import ArgumentParser
import NIOMbedTLS

/// `fleetgate version`.
struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version",
        abstract: "Print the versions of FleetGate and of the TLS library in it.",
        discussion: """
            Says also whether P-256, which nearly all devices use, is computed by libcrypto (much faster \
            than mbedTLS itself), and whether TLS 1.3 is offered: mbedTLS 3.6.6 or later is needed for it.
            """)

    @Flag(help: "Print one JSON object instead of text.")
    var json = false

    func run() throws {
        let report = VersionReport.current()
        print(json ? try JSONText.encode(report) : report.text)
    }
}

struct VersionReport: Encodable, Equatable {
    let fleetgate: String
    let mbedTLS: String
    /// `active`, `compiled-out` or `self-check-failed`.
    let fastP256: String
    let offersTLS13: Bool

    enum CodingKeys: String, CodingKey {
        case fleetgate
        case mbedTLS = "mbedtls"
        case fastP256 = "fast-p256"
        case offersTLS13 = "tls-1.3"
    }

    static func current() -> VersionReport {
        VersionReport(
            fleetgate: BuildInformation.version, mbedTLS: MbedTLSLibrary.version,
            fastP256: MbedTLSLibrary.fastP256.rawValue, offersTLS13: MbedTLSLibrary.supportsTLS13)
    }

    var text: String {
        """
        fleetgate  \(fleetgate)
        mbedTLS    \(mbedTLS)
        fast P-256 \(fastP256)
        TLS 1.3    \(offersTLS13 ? "offered" : "not offered (mbedTLS 3.6.6 or later is needed)")
        """
    }
}

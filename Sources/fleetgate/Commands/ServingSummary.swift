import AdminAPI
import FleetPKI
import FleetPolicy
import Foundation
import Gateway

/// What a configuration would serve, in short.
struct ServingSummary: Encodable {
    let listener: String
    let tlsVersions: [String]
    let certificate: String
    let certificateEnds: Date
    let clientCAs: [String]
    let profiles: [String]
    let broker: String
    let admin: String?

    enum CodingKeys: String, CodingKey {
        case listener
        case tlsVersions = "tls-versions"
        case certificate
        case certificateEnds = "certificate-ends"
        case clientCAs = "client-cas"
        case profiles
        case broker
        case admin
    }

    init(_ loaded: LoadedConfiguration) {
        let configuration = loaded.configuration
        let host = configuration.listener.address
        self.listener = "\(host.contains(":") ? "[\(host)]" : host):\(configuration.listener.port)"
        self.tlsVersions = ConfiguredTLSVersion.allCases.filter(configuration.tls.versions.value.contains).map(
            \.rawValue)
        self.certificate = loaded.server.certificates.first?.subject ?? ""
        self.certificateEnds = loaded.server.certificates.first?.notAfter ?? .distantPast
        self.clientCAs = loaded.clientCAs.map(\.subject)
        self.profiles = loaded.profiles.profileNames
        self.broker =
            switch configuration.upstream.broker {
            case .embedded(let program, let data, _): "embedded (\(program), data in \(data))"
            case .external(let address, _): address.description
            }
        self.admin = configuration.admin.address?.description
    }

    func text(for path: String) -> String {
        LogText.visible(path) + ": no mistakes\n"
            + [
                ("listens on", "\(listener), TLS \(tlsVersions.joined(separator: " and "))"),
                ("certificate", "\(certificate), until \(certificateEnds.iso8601)"),
                ("devices of", clientCAs.joined(separator: "; ")),
                ("profiles", profiles.joined(separator: ", ")),
                ("broker", broker),
                ("monitoring", admin.map { "http://\($0)/metrics" } ?? "off"),
            ].map { "  \($0.0.padding(toLength: 12, withPad: " ", startingAt: 0)) \(LogText.visible($0.1))" }
            .joined(separator: "\n")
    }
}

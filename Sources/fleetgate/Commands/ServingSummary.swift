import AdminAPI
import FleetPKI
import FleetPolicy
import Foundation
import Gateway
import NIOMbedTLS

/// What a configuration would serve, in short.
struct ServingSummary: Encodable {
    /// Where devices connect, by the names of the listeners.
    struct Listener: Encodable {
        let name: String
        let address: String
    }

    /// Trust anchors that have a name in common.
    struct Bundle: Encodable {
        let name: String
        let listeners: [String]
        let tenants: [String]
        let anchors: [Anchor]
        let crl: String
        let ocsp: String
    }

    struct Anchor: Encodable {
        let subject: String
        let sha256: String
        let notAfter: Date
        /// Whether it is a root. One that is not is trusted without its issuer.
        let selfIssued: Bool

        enum CodingKeys: String, CodingKey {
            case subject, sha256
            case notAfter = "not-after"
            case selfIssued = "self-issued"
        }
    }

    let listener: String
    let listeners: [Listener]
    let tlsVersions: [String]
    let certificate: String
    let certificateEnds: Date
    let clientCAs: [String]
    let trust: [Bundle]
    let intermediates: [String]
    let pinnedOnly: Bool
    let clockSkewSeconds: Int64
    let tickets: String
    let audit: String?
    let observations: String?
    let profiles: [String]
    let broker: String
    let admin: String?

    enum CodingKeys: String, CodingKey {
        case listener, listeners, trust, intermediates, tickets, audit, observations
        case pinnedOnly = "pinned-only"
        case clockSkewSeconds = "clock-skew-seconds"
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
        self.listener = configuration.listener.text
        self.listeners = configuration.listeners.map { Listener(name: $0.name, address: $0.text) }
        self.tlsVersions = ConfiguredTLSVersion.allCases.filter(configuration.tls.versions.value.contains).map(
            \.rawValue)
        self.certificate = loaded.server.certificates.first?.subject ?? ""
        self.certificateEnds = loaded.server.certificates.first?.notAfter ?? .distantPast
        self.clientCAs = loaded.trust.anchors.map(\.inspection.subject)
        self.trust = configuration.trust.bundles.map { bundle in
            Bundle(
                name: bundle.name, listeners: bundle.listeners ?? configuration.listeners.map(\.name),
                tenants: bundle.tenants.sorted(),
                anchors: loaded.trust.anchors.filter { $0.bundle == bundle.name }.map(Anchor.init),
                crl: bundle.lists.text, ocsp: bundle.ocsp.text)
        }
        self.intermediates = loaded.trust.intermediates.map(\.certificate.subjectDescription)
        self.pinnedOnly = configuration.trust.isPinnedOnly
        self.clockSkewSeconds = configuration.trust.clockSkew.components.seconds
        self.tickets = configuration.tickets.text
        self.audit = configuration.audit.map { "\($0.folder), when full: \($0.whenFull.rawValue)" }
        self.observations = configuration.observations?.file
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
            + rows.map { "  \($0.0.padding(toLength: 12, withPad: " ", startingAt: 0)) \(LogText.visible($0.1))" }
            .joined(separator: "\n")
    }

    private var rows: [(String, String)] {
        let versions = "TLS \(tlsVersions.joined(separator: " and "))"
        let places =
            listeners.count == 1
            ? [("listens on", "\(listener), \(versions)")]
            : listeners.map { ("listens on", "\($0.address) as \($0.name), \(versions)") }
        let devices = pinnedOnly ? [("devices of", "no CA: pinned certificates only")] : trust.flatMap(rows)
        return places + [("certificate", "\(certificate), until \(certificateEnds.iso8601)")] + devices
            + intermediates.map { ("intermediate", $0) }
            + [
                ("tickets", tickets), ("audit", audit ?? "off"), ("observations", observations ?? "off"),
                ("profiles", profiles.joined(separator: ", ")), ("broker", broker),
                ("monitoring", admin.map { "http://\($0)/metrics" } ?? "off"),
            ]
    }

    /// A line for each anchor, then one of what is asked of all of them.
    private func rows(_ bundle: Bundle) -> [(String, String)] {
        var terms = ["CRL \(bundle.crl)", "OCSP \(bundle.ocsp)"]
        if bundle.listeners.count < listeners.count { terms.append("at \(bundle.listeners.joined(separator: ", "))") }
        if !bundle.tenants.isEmpty { terms.append("for tenants \(bundle.tenants.joined(separator: ", "))") }
        return bundle.anchors.map { anchor in
            let remark = anchor.selfIssued ? "" : " (an intermediate CA, trusted without its issuer)"
            return ("devices of", "\(anchor.subject), until \(anchor.notAfter.iso8601)\(remark)")
        } + [("", "as `\(bundle.name)`: \(terms.joined(separator: ", "))")]
    }
}

extension ServingSummary.Anchor {
    init(_ anchor: LoadedTrust.Anchor) {
        self.init(
            subject: anchor.inspection.subject, sha256: anchor.inspection.sha256Fingerprint,
            notAfter: anchor.inspection.notAfter, selfIssued: anchor.inspection.isSelfIssued)
    }
}

extension ListenerSettings {
    /// `0.0.0.0:8883` or `[::]:8883`.
    var text: String { "\(address.contains(":") ? "[\(address)]" : address):\(port)" }
}

extension TrustAnchorRules.ListRule {
    /// As it is written in the configuration.
    var text: String {
        switch self {
        case .off: "off"
        case .optional: "optional"
        case .required(0): "required"
        case .required(let grace): "required, with \(Duration.seconds(grace).text) of grace"
        }
    }
}

extension TrustAnchorRules.OCSPRule {
    /// As it is written in the configuration.
    var text: String {
        switch self {
        case .off: "off"
        case .softFail: "soft-fail"
        case .hardFail: "hard-fail"
        }
    }
}

extension TicketSettings {
    /// For a person.
    var text: String {
        guard let file else { return "off" }
        let rotation = rotation == .automatic ? "rotated every \(rotationInterval.text)" : "rotated by others"
        return "for \(lifetime.text), keys in \(file.value), \(rotation)"
    }
}

extension Duration {
    /// Whole seconds, in the largest unit that they fill.
    var text: String {
        let seconds = components.seconds
        for (size, unit) in [(Int64(86_400), "d"), (3600, "h"), (60, "m")] where seconds != 0 && seconds % size == 0 {
            return "\(seconds / size)\(unit)"
        }
        return "\(seconds)s"
    }
}

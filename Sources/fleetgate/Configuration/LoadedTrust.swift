import FleetPKI
import FleetPolicy
import NIOMbedTLS

/// The trust anchors and intermediates of a configuration, read and checked.
struct LoadedTrust: Sendable {
    /// One certificate that chains may end in.
    struct Anchor: Sendable {
        let certificate: PeerCertificate
        /// The name of the bundle that it is in.
        let bundle: String
        let inspection: CertificateInspection
    }

    /// One CA certificate that devices need not send.
    struct Intermediate: Sendable {
        let certificate: PeerCertificate
        /// The bundle of the anchor that it leads to by the names of its issuers.
        let bundle: String
    }

    let settings: TrustSettings
    /// In the order of the bundles.
    let anchors: [Anchor]
    let intermediates: [Intermediate]

    /// What the policy knows of each anchor, by the fingerprint of its certificate.
    var rules: [[UInt8]: TrustAnchorRules] {
        let rules = Dictionary(settings.bundles.map { ($0.name, $0.anchorRules) }) { first, _ in first }
        return Dictionary(
            anchors.compactMap { anchor in
                rules[anchor.bundle].map { (anchor.certificate.sha256Fingerprint, $0) }
            }
        ) { first, _ in first }
    }

    /// What the TLS layer asks of each anchor's chains, by the fingerprint of its certificate.
    var tlsRules: [[UInt8]: TLSAnchorRules] {
        let rules = Dictionary(settings.bundles.map { ($0.name, $0.rules) }) { first, _ in first }
        return Dictionary(
            anchors.compactMap { anchor in
                rules[anchor.bundle].map { (anchor.certificate.sha256Fingerprint, $0) }
            }
        ) { first, _ in first }
    }

    /// The names of the bundles that are trusted at a listener.
    func bundles(at listener: String) -> Set<String> {
        Set(settings.bundles.filter { $0.isTrusted(at: listener) }.map(\.name))
    }
}

/// Reads what the section `trust` names.
struct TrustLoader {
    let files: MaterialReader
    let publicAuthorities: PublicAuthorities
    let mistakes: MistakeCollector

    /// - Returns: nil when a file is wrong, which has been reported.
    func load(_ settings: TrustSettings) -> LoadedTrust? {
        var anchors: [LoadedTrust.Anchor] = []
        var isWhole = true
        var places: [[UInt8]: Located<String>] = [:]
        var publicOnes: Set<[UInt8]>?
        for bundle in settings.bundles {
            for file in bundle.files {
                guard let found = certificates(file) else {
                    isWhole = false
                    continue
                }
                for (certificate, inspection) in found {
                    if let other = places[certificate.sha256Fingerprint] {
                        reportTwice(inspection, file, other)
                        continue
                    }
                    places[certificate.sha256Fingerprint] = file
                    if !bundle.allowsPublicCA {
                        let known = publicOnes ?? publicAuthorities.identifiers()
                        publicOnes = known
                        if known.contains(certificate.authorityID) { reportPublic(inspection, file, bundle) }
                    }
                    anchors.append(
                        LoadedTrust.Anchor(certificate: certificate, bundle: bundle.name, inspection: inspection))
                }
            }
        }
        guard let intermediates = intermediates(settings, anchors), isWhole else { return nil }
        return LoadedTrust(settings: settings, anchors: anchors, intermediates: intermediates)
    }

    private func certificates(_ file: Located<String>) -> [(PeerCertificate, CertificateInspection)]? {
        guard let found = files.authorities(file) else { return nil }
        do {
            let certificates = try PeerCertificate.reading(Array(found.pem.utf8))
            guard certificates.count == found.certificates.count else {
                report(file, "\(file.value) is read in two ways", hint: "keep only CERTIFICATE blocks in it")
                return nil
            }
            return Array(zip(certificates, found.certificates))
        } catch {
            report(file, "\(file.value): \(error.detail)")
            return nil
        }
    }

    /// Intermediates with the bundle that each leads to by name; whether the signatures are right, the TLS layer finds
    /// out.
    private func intermediates(
        _ settings: TrustSettings, _ anchors: [LoadedTrust.Anchor]
    ) -> [LoadedTrust.Intermediate]? {
        var open: [(certificate: PeerCertificate, file: Located<String>)] = []
        var isWhole = true
        for file in settings.intermediates {
            guard let found = certificates(file) else {
                isWhole = false
                continue
            }
            open += found.map { ($0.0, file) }
        }
        guard isWhole else { return nil }
        if settings.isPinnedOnly, let first = open.first {
            report(first.file, "without trust anchors there is nothing above an intermediate", hint: "remove the key")
            return nil
        }
        var known = anchors.map { ($0.certificate.subject, $0.bundle) }
        var placed: [LoadedTrust.Intermediate] = []
        var isMoving = true
        while isMoving {
            isMoving = false
            var rest: [(certificate: PeerCertificate, file: Located<String>)] = []
            for entry in open {
                guard let bundle = known.first(where: { $0.0 == entry.certificate.issuer })?.1 else {
                    rest.append(entry)
                    continue
                }
                placed.append(LoadedTrust.Intermediate(certificate: entry.certificate, bundle: bundle))
                known.append((entry.certificate.subject, bundle))
                isMoving = true
            }
            open = rest
        }
        for entry in open {
            report(
                entry.file,
                "\(entry.certificate.subjectDescription) leads to no trust anchor: its issuer is "
                    + entry.certificate.issuerDescription,
                hint: "add its issuer here, or its root to trust.anchors")
        }
        return open.isEmpty ? placed : nil
    }

    private func reportTwice(_ anchor: CertificateInspection, _ file: Located<String>, _ other: Located<String>) {
        mistakes.report(
            .conflictingKeys, at: file.location, key: file.key,
            "\(anchor.subject) is a trust anchor twice, also in \(other.key)",
            hint: "one bundle may serve several listeners and tenants")
    }

    private func reportPublic(
        _ anchor: CertificateInspection, _ file: Located<String>, _ bundle: AnchorBundleSettings
    ) {
        report(
            file, "\(anchor.subject) is a CA of the public web: whoever has a web site could get in",
            hint: "use a CA of your own; or trust.anchors.\(bundle.name) with allow-public-ca: true")
    }

    private func report(_ file: Located<String>, _ message: String, hint: String? = nil) {
        mistakes.report(.badFile, at: file.location, key: file.key, message, hint: hint)
    }
}

import FleetPKI
import FleetPolicy
import NIOCore
import NIOMbedTLS

/// Makes TLS settings of a configuration and tries them: has the TLS layer parse and check everything as it will when
/// the gateway starts, and reports what it refuses at the key that it comes from.
final class TLSTrial {
    /// The keys that a mistake may be reported at.
    fileprivate struct Places {
        let section: Located<String>
        let certificate: Located<String>
        let key: Located<String>
        let trustAnchors: Located<String>
        let versions: Located<String>
        let intermediates: Located<String>
    }

    private let mistakes: MistakeCollector
    private(set) var warnings: [String] = []

    init(mistakes: MistakeCollector) {
        self.mistakes = mistakes
    }

    /// The side that devices see, for each listener.
    ///
    /// - Returns: nil when the TLS layer refuses one; why has been reported.
    func servers(
        _ settings: TLSSettings, _ trust: LoadedTrust, listeners: [String], identity: CertificateMaterial
    ) -> [String: TLSConfiguration]? {
        let versions = offered(settings)
        var accepted: [String: TLSConfiguration] = [:]
        for listener in listeners {
            guard let anchors = anchorsPEM(trust, at: listener) else { return nil }
            let tls = server(settings, trust, listener: listener, identity, versions, anchorsPEM: anchors)
            let places = Places(settings, trust)
            let problems = problems(tls, places)
            guard problems.isEmpty else {
                report(problems.filter { $0.code != .trustAnchorUnparsable }, places)
                if problems.contains(where: { $0.code == .trustAnchorUnparsable }) {
                    reportUnparsable(tls, settings, trust)
                }
                return nil
            }
            accepted[listener] = tls
        }
        return accepted
    }

    /// What a listener's TLS side is made of.
    private func server(
        _ settings: TLSSettings, _ trust: LoadedTrust, listener: String, _ identity: CertificateMaterial,
        _ versions: ClosedRange<TLSVersion>, anchorsPEM: String
    ) -> TLSConfiguration {
        let bundles = trust.bundles(at: listener)
        let anchors = trust.anchors.filter { bundles.contains($0.bundle) }
        let fingerprints = Set(anchors.map(\.certificate.sha256Fingerprint))
        let intermediates = trust.intermediates.filter { bundles.contains($0.bundle) }
        return TLSConfiguration(
            role: .server, certificateChainPEM: Array(identity.chainPEM.utf8),
            privateKeyPEM: Array(identity.privateKeyPEM.utf8), trustAnchorsPEM: Array(anchorsPEM.utf8),
            versions: versions, handshakeTimeout: TimeAmount(settings.handshakeTimeout),
            requiresClientAuthExtendedKeyUsage: settings.requiresClientAuthEKU,
            ticketScope: TicketScope.text(listener: listener, trust.settings.bundles),
            anchorRules: trust.tlsRules.filter { fingerprints.contains($0.key) },
            intermediatesPEM: Array(intermediates.map { CertificatePEM.text($0.certificate) }.joined().utf8),
            clockSkew: TimeAmount(trust.settings.clockSkew),
            limits: TLSLimits(chainDepthMax: trust.settings.chainDepthMax))
    }

    /// The versions that can be offered of those that are wanted.
    private func offered(_ settings: TLSSettings) -> ClosedRange<TLSVersion> {
        let versions = settings.versions.value
        var highest: TLSVersion = versions.upperBound == .tls13 ? .v1_3 : .v1_2
        let lowest: TLSVersion = versions.lowerBound == .tls13 ? .v1_3 : .v1_2
        if highest > TLSVersion.highestSupported, lowest <= TLSVersion.highestSupported {
            warn("\(settings.versions.key): TLS 1.3 is left out: this mbedTLS does not have it")
            highest = TLSVersion.highestSupported
        }
        return lowest...max(lowest, highest)
    }

    /// The anchors of a listener. Where only pinned certificates are trusted: one whose key is gone before anybody could
    /// have used it, because TLS is not asked for a certificate without at least one.
    private func anchorsPEM(_ trust: LoadedTrust, at listener: String) -> String? {
        let bundles = trust.bundles(at: listener)
        let anchors = trust.anchors.filter { bundles.contains($0.bundle) }
        guard anchors.isEmpty else { return anchors.map { CertificatePEM.text($0.certificate) }.joined() }
        // That there is none has been reported, unless it is meant.
        guard trust.settings.isPinnedOnly else { return nil }
        return try? CertificateAuthority.makeDevelopmentRoot(
            commonName: "FleetGate trusts pinned certificates only", maxPathLength: 0
        ).certificatePEM
    }

    /// Which anchor it is, the TLS layer cannot know: it gets them as one.
    private func reportUnparsable(_ tls: TLSConfiguration, _ settings: TLSSettings, _ trust: LoadedTrust) {
        var tls = tls
        tls.intermediatesPEM = []
        tls.anchorRules = [:]
        for bundle in trust.settings.bundles {
            for file in bundle.files {
                guard let pem = try? BoundedFile.readText(file.value, bytesMax: BoundedFile.pemBytesMax) else {
                    continue
                }
                tls.trustAnchorsPEM = Array(pem.utf8)
                let places = Places(settings, trust, trustAnchors: file)
                report(problems(tls, places).filter { $0.code == .trustAnchorUnparsable }, places)
            }
        }
    }

    /// The client side, for a `tls://` broker.
    ///
    /// - Returns: nil when the TLS layer refuses it; why has been reported.
    func upstream(_ settings: UpstreamTLSSettings, material: UpstreamMaterial) -> TLSConfiguration? {
        let tls = TLSConfiguration(
            role: .client, certificateChainPEM: Array((material.identity?.chainPEM ?? "").utf8),
            privateKeyPEM: Array((material.identity?.privateKeyPEM ?? "").utf8),
            trustAnchorsPEM: Array((material.caPEM ?? "").utf8))
        let places = Places(
            section: settings.url, certificate: settings.certificate ?? settings.url,
            key: settings.key?.file ?? settings.url,
            trustAnchors: settings.ca ?? Located("", location: settings.url.location, key: "upstream.ca"),
            versions: settings.url, intermediates: settings.url)
        let problems = problems(tls, places)
        report(problems, places)
        return problems.isEmpty ? tls : nil
    }

    private func problems(_ tls: TLSConfiguration, _ places: Places) -> [TLSConfigurationError.Problem] {
        do throws(TLSConfigurationError) {
            for warning in try TLSContext(tls).warnings {
                let place = warning.code == .trustAnchorExpired ? places.trustAnchors : places.certificate
                warn("\(place.key): \(warning.message)")
            }
            return []
        } catch {
            return error.problems
        }
    }

    /// Each warning once: several listeners have the same certificate.
    private func warn(_ warning: String) {
        if !warnings.contains(warning) { warnings.append(warning) }
    }

    private func report(_ problems: [TLSConfigurationError.Problem], _ places: Places) {
        for problem in problems {
            let place =
                switch problem.code {
                case .noCertificate, .certificateUnparsable, .keyMismatch: places.certificate
                case .noPrivateKey, .keyUnparsable, .passphraseMissing, .passphraseWrong: places.key
                case .noTrustAnchors, .trustAnchorUnparsable: places.trustAnchors
                case .versionUnavailable: places.versions
                case .intermediateUnusable: places.intermediates
                case _: places.section
                }
            mistakes.report(
                .refusedByTLS, at: place.location, key: place.key, "the TLS library refuses it: \(problem.message)",
                hint: Self.hint(for: problem.code))
        }
    }

    private static func hint(for code: TLSConfigurationError.Code) -> String? {
        switch code {
        case .certificateUnparsable, .trustAnchorUnparsable, .keyUnparsable:
            "RSA, and EC on P-256, P-384 or P-521, without critical extensions of one's own"
        case .versionUnavailable: "add 1.2; `fleetgate version` says what there is"
        case _: nil
        }
    }
}

extension TLSTrial.Places {
    fileprivate init(_ settings: TLSSettings, _ trust: LoadedTrust, trustAnchors: Located<String>? = nil) {
        let section = Located("tls", location: settings.certificate.location, key: "tls")
        self.init(
            section: section, certificate: settings.certificate, key: settings.key.file,
            trustAnchors: trustAnchors ?? trust.settings.bundles.first?.files.first ?? section,
            versions: Located("", location: settings.versions.location, key: settings.versions.key),
            intermediates: trust.settings.intermediates.first ?? section)
    }
}

extension OperatorMistake.Code {
    /// mbedTLS does not take it, though the file is what it should be.
    static let refusedByTLS = Self("refused-by-tls")
}

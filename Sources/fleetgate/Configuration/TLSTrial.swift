import FleetPolicy
import NIOCore
import NIOMbedTLS

/// Makes TLS settings of a configuration and tries them: has the TLS layer parse and check everything as it will when
/// the gateway starts, and reports what it refuses at the key that it comes from.
final class TLSTrial {
    /// The keys that a mistake may be reported at.
    private struct Places {
        let section: Located<String>
        let certificate: Located<String>
        let key: Located<String>
        let trustAnchors: Located<String>
        let versions: Located<String>
    }

    private let mistakes: MistakeCollector
    private(set) var warnings: [String] = []

    init(mistakes: MistakeCollector) {
        self.mistakes = mistakes
    }

    /// The side that devices see.
    ///
    /// - Parameter clientCAs: The contents of each of the settings' files.
    /// - Returns: nil when the TLS layer refuses it; why has been reported.
    func server(
        _ settings: TLSSettings, identity: CertificateMaterial, clientCAs: [String]
    ) -> TLSConfiguration? {
        let versions = settings.versions.value
        var highest: TLSVersion = versions.upperBound == .tls13 ? .v1_3 : .v1_2
        let lowest: TLSVersion = versions.lowerBound == .tls13 ? .v1_3 : .v1_2
        if highest > TLSVersion.highestSupported, lowest <= TLSVersion.highestSupported {
            warnings.append("\(settings.versions.key): TLS 1.3 is left out: this mbedTLS does not have it")
            highest = TLSVersion.highestSupported
        }
        var tls = TLSConfiguration(
            role: .server, certificateChainPEM: Array(identity.chainPEM.utf8),
            privateKeyPEM: Array(identity.privateKeyPEM.utf8),
            trustAnchorsPEM: Array(clientCAs.joined(separator: "\n").utf8), versions: lowest...max(lowest, highest),
            handshakeTimeout: TimeAmount(settings.handshakeTimeout),
            requiresClientAuthExtendedKeyUsage: settings.requiresClientAuthEKU)
        func places(trustAnchors: Located<String>) -> Places {
            Places(
                section: Located("tls", location: settings.certificate.location, key: "tls"),
                certificate: settings.certificate, key: settings.key.file, trustAnchors: trustAnchors,
                versions: Located("", location: settings.versions.location, key: settings.versions.key))
        }
        guard let first = settings.clientCA.first else { return nil }
        let problems = problems(tls, places(trustAnchors: first))
        guard !problems.isEmpty else { return tls }
        report(problems.filter { $0.code != .trustAnchorUnparsable }, places(trustAnchors: first))
        guard problems.contains(where: { $0.code == .trustAnchorUnparsable }) else { return nil }
        // Which file it is, the TLS layer cannot know: it gets them as one.
        for (file, pem) in zip(settings.clientCA, clientCAs) {
            tls.trustAnchorsPEM = Array(pem.utf8)
            let own = self.problems(tls, places(trustAnchors: file))
            report(own.filter { $0.code == .trustAnchorUnparsable }, places(trustAnchors: file))
        }
        return nil
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
            versions: settings.url)
        let problems = problems(tls, places)
        report(problems, places)
        return problems.isEmpty ? tls : nil
    }

    private func problems(_ tls: TLSConfiguration, _ places: Places) -> [TLSConfigurationError.Problem] {
        do throws(TLSConfigurationError) {
            for warning in try TLSContext(tls).warnings {
                let place = warning.code == .trustAnchorExpired ? places.trustAnchors : places.certificate
                warnings.append("\(place.key): \(warning.message)")
            }
            return []
        } catch {
            return error.problems
        }
    }

    private func report(_ problems: [TLSConfigurationError.Problem], _ places: Places) {
        for problem in problems {
            let place =
                switch problem.code {
                case .noCertificate, .certificateUnparsable, .keyMismatch: places.certificate
                case .noPrivateKey, .keyUnparsable, .passphraseMissing, .passphraseWrong: places.key
                case .noTrustAnchors, .trustAnchorUnparsable: places.trustAnchors
                case .versionUnavailable: places.versions
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

extension OperatorMistake.Code {
    /// mbedTLS does not take it, though the file is what it should be.
    static let refusedByTLS = Self("refused-by-tls")
}

import FleetPolicy
import Foundation
import NIOMbedTLS

/// Reads the section `trust`, together with the short form `tls.client-ca`.
struct TrustReader {
    /// `tls.client-ca` as it was written.
    struct ShortForm {
        /// Where `client-ca` stands, or the section `tls` when it does not.
        var place: Located<String>
        var files: [Located<String>]
        /// Whether the key is there at all.
        var isWritten: Bool
        /// Whether a file of the list was wrong, which has been reported.
        var isBroken: Bool
        var requiresEKU: Bool
    }

    let configuration: ConfigurationReader
    let shortForm: ShortForm
    /// The names of the listeners there are.
    let listeners: [String]

    /// Without the section: the short form alone.
    func defaults() -> TrustSettings {
        var settings = TrustSettings(
            bundles: [], intermediates: [], clockSkew: TrustSettings.clockSkewDefault,
            chainDepthMax: TrustSettings.chainDepthDefault, isPinnedOnly: false, revocation: RevocationSettings(),
            ocsp: OCSPSettings())
        settings.revocation.cacheFolder = configuration.resolved(RevocationReader.defaultCache)
        add(shortForm.files.isEmpty ? nil : shortBundle(settings), to: &settings)
        reportMissingAnchors(settings)
        return settings
    }

    func read(_ reader: inout MappingReader) -> TrustSettings {
        let clockSkew = reader.duration("clock-skew", in: .zero ... .seconds(86_400))
        let depth = reader.int("chain-depth-max", in: TrustSettings.chainDepthRange)
        let isPinnedOnly = reader.bool("pinned-only") ?? false
        let intermediates = ConfigurationReader.files(&reader, "intermediates", configuration) ?? []
        let revocation =
            reader.nested("crl") { RevocationReader.readCommon(&$0, configuration) }
            ?? RevocationReader.defaults(configuration)
        let ocsp = reader.nested("ocsp") { OCSPReader.readCommon(&$0) } ?? OCSPSettings()
        var settings = TrustSettings(
            bundles: [], intermediates: intermediates, clockSkew: clockSkew ?? TrustSettings.clockSkewDefault,
            chainDepthMax: depth ?? TrustSettings.chainDepthDefault, isPinnedOnly: isPinnedOnly,
            revocation: revocation, ocsp: ocsp)
        reader.nested("anchors") { readBundles(&$0, into: &settings) }
        if !shortForm.files.isEmpty, !settings.bundles.contains(where: { $0.name == RevocationSettings.defaultBundle })
        {
            let short = shortBundle(settings)
            add(short, to: &settings)
        }
        if isPinnedOnly {
            reportAnchorsBesidePins(settings, reader)
        } else {
            reportMissingAnchors(settings)
        }
        return settings
    }

    // MARK: Bundles

    private func readBundles(_ reader: inout MappingReader, into settings: inout TrustSettings) {
        if reader.keys.count > TrustSettings.bundlesMax {
            reader.mistakes.report(
                .outOfRange, at: reader.location, key: reader.path,
                "\(reader.keys.count) bundles, at most \(TrustSettings.bundlesMax) are allowed")
        }
        for name in reader.keys.prefix(TrustSettings.bundlesMax) {
            if !ConfigurationReader.isName(name) {
                reader.mistakes.report(
                    .badValue, at: reader.location(of: name), key: reader.keyPath(name),
                    "`\(name)` is not a name for trust anchors", hint: ConfigurationReader.nameHint)
            }
            let place = Located(name, location: reader.location(of: name), key: reader.keyPath(name))
            let common = settings
            let found = reader.nested(name) { bundle(&$0, place, common) }
            add(found ?? nil, to: &settings)
        }
    }

    private typealias Bundle = (
        anchors: AnchorBundleSettings, lists: RevocationSettings.Bundle, ocsp: OCSPSettings.Bundle
    )

    private func add(_ bundle: Bundle?, to settings: inout TrustSettings) {
        guard let bundle else { return }
        settings.bundles.append(bundle.anchors)
        settings.revocation.bundles[bundle.anchors.name] = bundle.lists
        settings.ocsp.bundles[bundle.anchors.name] = bundle.ocsp
    }

    /// `tls.client-ca` as the bundle that it stands for.
    private func shortBundle(_ settings: TrustSettings) -> Bundle {
        let anchors = AnchorBundleSettings(
            name: RevocationSettings.defaultBundle, place: shortForm.place, files: shortForm.files, listeners: nil,
            tenants: [],
            rules: TLSAnchorRules(
                requiresClientAuthExtendedKeyUsage: shortForm.requiresEKU, chainDepthMax: settings.chainDepthMax),
            allowsPublicCA: false, lists: .optional, ocsp: .off)
        return (anchors, RevocationSettings.Bundle(), OCSPSettings.Bundle())
    }

    private func bundle(
        _ reader: inout MappingReader, _ place: Located<String>, _ settings: TrustSettings
    ) -> Bundle? {
        let files = anchorFiles(&reader, place)
        let listeners = listenerNames(&reader)
        let tenants = tenantNames(&reader)
        let rules = tlsRules(&reader, settings)
        let allowsPublicCA = reader.bool("allow-public-ca") ?? false
        let lists =
            reader.nested("crl") { RevocationReader.readBundle(&$0, configuration) } ?? RevocationSettings.Bundle()
        let ocsp = reader.nested("ocsp") { OCSPReader.readBundle(&$0) } ?? OCSPSettings.Bundle()
        guard let files else { return nil }
        let anchors = AnchorBundleSettings(
            name: place.value, place: place, files: files, listeners: listeners, tenants: tenants, rules: rules,
            allowsPublicCA: allowsPublicCA, lists: lists.policy, ocsp: ocsp.policy)
        return (anchors, lists, ocsp)
    }

    /// The files of a bundle. The bundle `default` may have those of `tls.client-ca`.
    private func anchorFiles(_ reader: inout MappingReader, _ place: Located<String>) -> [Located<String>]? {
        let written = ConfigurationReader.files(&reader, "file", configuration)
        let isDefault = place.value == RevocationSettings.defaultBundle
        if let written {
            if isDefault, shortForm.isWritten, !shortForm.files.isEmpty {
                reader.mistakes.report(
                    .conflictingKeys, at: reader.location(of: "file"), key: reader.keyPath("file"),
                    "the anchors `default` are given here and in tls.client-ca",
                    hint: "keep one of the two, or choose another name here")
            }
            if written.isEmpty {
                reader.mistakes.report(
                    .missingKey, at: reader.location(of: "file"), key: reader.keyPath("file"), "the list is empty",
                    hint: "PEM: the CAs that device certificates must come from")
            }
            return written.isEmpty ? nil : written
        }
        if reader.keys.contains("file") { return nil }
        if isDefault, shortForm.isWritten { return shortForm.files.isEmpty ? nil : shortForm.files }
        reader.mistakes.report(
            .missingKey, at: reader.location, key: reader.keyPath("file"), "this key is required",
            hint: "PEM: the CAs that device certificates must come from")
        return nil
    }

    private func listenerNames(_ reader: inout MappingReader) -> [String]? {
        guard reader.keys.contains("listeners") else {
            _ = reader.node("listeners")
            return nil
        }
        let place = Located("", location: reader.location(of: "listeners"), key: reader.keyPath("listeners"))
        let names = reader.strings("listeners", countMax: ConfigurationReader.listenersMax)
        for name in names where !listeners.contains(name.value) {
            reader.mistakes.report(
                .unknownName, at: name.location, key: name.key, "there is no listener `\(name.value)`",
                hint: "there is \(listeners.map { "`\($0)`" }.joined(separator: ", "))")
        }
        if names.isEmpty {
            reader.mistakes.report(
                .badValue, at: place.location, key: place.key, "names no listener",
                hint: "remove the key for all listeners")
        }
        return names.map(\.value)
    }

    /// Tenants of one bundle, and bytes of the name of one: as long as a device's text may be.
    private static let tenantsMax = 1024
    private static let tenantBytesMax = 256

    private func tenantNames(_ reader: inout MappingReader) -> Set<String> {
        let isWritten = reader.keys.contains("tenants")
        let names = reader.strings("tenants", countMax: Self.tenantsMax)
        for name in names where name.value.isEmpty || name.value.utf8.count > Self.tenantBytesMax {
            reader.mistakes.report(
                .badValue, at: name.location, key: name.key, "is not the name of a tenant",
                hint: "1 to \(Self.tenantBytesMax) bytes, as profiles make it of the certificate")
        }
        if isWritten, names.isEmpty {
            reader.mistakes.report(
                .badValue, at: reader.location(of: "tenants"), key: reader.keyPath("tenants"), "names no tenant",
                hint: "remove the key for any tenant")
        }
        return Set(names.map(\.value))
    }

    private func tlsRules(_ reader: inout MappingReader, _ settings: TrustSettings) -> TLSAnchorRules {
        let requiresEKU = reader.bool("require-client-auth-eku") ?? shortForm.requiresEKU
        let rsaBits = reader.int("rsa-bits-min", in: 2048...16_384) ?? 2048
        let curveBits = reader.int("curve-bits-min", in: 256...521) ?? 256
        let depthLocation = reader.location(of: "chain-depth-max")
        let depth = reader.int("chain-depth-max", in: TrustSettings.chainDepthRange)
        if let depth, depth > settings.chainDepthMax {
            reader.mistakes.report(
                .outOfRange, at: depthLocation, key: reader.keyPath("chain-depth-max"),
                "\(depth) is above trust.chain-depth-max (\(settings.chainDepthMax)), which holds for all",
                hint: "raise trust.chain-depth-max too")
        }
        let isWritten = reader.keys.contains("signature-digests")
        let words = reader.strings("signature-digests", countMax: TLSAnchorRules.SignatureDigest.allCases.count)
        let digests = words.compactMap { word in
            let digest = TLSAnchorRules.SignatureDigest(rawValue: word.value)
            if digest == nil {
                let all = TLSAnchorRules.SignatureDigest.allCases.map(\.rawValue).joined(separator: ", ")
                reader.mistakes.report(
                    .badValue, at: word.location, key: word.key, "`\(word.value)` is not one of \(all)",
                    hint: ["sha1", "md5"].contains(word.value.lowercased()) ? "it is broken, and never taken" : nil)
            }
            return digest
        }
        if isWritten, words.isEmpty {
            reader.mistakes.report(
                .badValue, at: reader.location(of: "signature-digests"), key: reader.keyPath("signature-digests"),
                "names no digest", hint: "remove the key for all of SHA-2")
        }
        return TLSAnchorRules(
            requiresClientAuthExtendedKeyUsage: requiresEKU, rsaBitsMin: rsaBits, curveBitsMin: curveBits,
            signatureDigests: digests.isEmpty ? Set(TLSAnchorRules.SignatureDigest.allCases) : Set(digests),
            chainDepthMax: depth ?? settings.chainDepthMax)
    }

    // MARK: All bundles together

    private func reportMissingAnchors(_ settings: TrustSettings) {
        guard settings.bundles.isEmpty else { return reportListenersWithout(settings) }
        // A file that is wrong has been told of; that there is none as well would be noise.
        guard !shortForm.isBroken else { return }
        configuration.mistakes.report(
            .missingKey, at: shortForm.place.location, key: "tls.client-ca",
            shortForm.isWritten ? "the list is empty" : "this key is required",
            hint: "PEM: the CAs that device certificates must come from; or trust.anchors, or trust.pinned-only: true")
    }

    private func reportListenersWithout(_ settings: TrustSettings) {
        for listener in listeners where !settings.bundles.contains(where: { $0.isTrusted(at: listener) }) {
            configuration.mistakes.report(
                .missingKey, at: settings.bundles[0].place.location, key: "trust.anchors",
                "no anchors are trusted at the listener `\(listener)`: nobody could connect there",
                hint: "add it to the `listeners` of a bundle")
        }
    }

    private func reportAnchorsBesidePins(_ settings: TrustSettings, _ reader: MappingReader) {
        guard let first = settings.bundles.first else { return }
        configuration.mistakes.report(
            .conflictingKeys, at: reader.location(of: "pinned-only"), key: reader.keyPath("pinned-only"),
            "only pinned certificates are to be trusted, but \(first.place.key) trusts CAs",
            hint: "remove the anchors, or this key: pins work beside anchors too")
    }
}

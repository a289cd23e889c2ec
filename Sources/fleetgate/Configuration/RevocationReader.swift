import FleetPKI
import FleetPolicy

/// Reads the sections `trust.crl` and `trust.anchors.NAME.crl`.
enum RevocationReader {
    /// Beside the configuration.
    static let defaultCache = "crl-cache"

    /// Without the section.
    static func defaults(_ configuration: ConfigurationReader) -> RevocationSettings {
        var settings = RevocationSettings()
        settings.cacheFolder = configuration.resolved(defaultCache)
        return settings
    }

    /// What holds for all bundles.
    static func readCommon(
        _ reader: inout MappingReader, _ configuration: ConfigurationReader
    ) -> RevocationSettings {
        var settings = defaults(configuration)
        if let cache = reader.text("cache") { settings.cacheFolder = configuration.resolved(cache.value) }
        if let time = reader.duration("fetch-timeout", in: RevocationSettings.fetchTimeoutRange) {
            settings.fetchTimeout = time
        }
        if let bytes = reader.byteSize("list-bytes-max", in: RevocationSettings.listBytesMaxRange) {
            settings.listBytesMax = bytes
        }
        if let time = reader.duration("refresh-lead", in: RevocationSettings.refreshLeadRange) {
            settings.refreshLead = time
        }
        if let time = reader.duration("alarm-lead", in: RevocationSettings.alarmLeadRange) { settings.alarmLead = time }
        if let time = reader.duration("retry-interval", in: RevocationSettings.retryIntervalRange) {
            settings.retryInterval = time
        }
        if let time = reader.duration("refresh-interval", in: RevocationSettings.refreshIntervalRange) {
            settings.refreshInterval = time
        }
        if let time = reader.duration("poll-interval", in: RevocationSettings.pollIntervalRange) {
            settings.pollInterval = time
        }
        return settings
    }

    private enum Policy: String, CaseIterable {
        case off, optional, required
    }

    /// What concerns one bundle.
    static func readBundle(
        _ reader: inout MappingReader, _ configuration: ConfigurationReader
    ) -> RevocationSettings.Bundle {
        var bundle = RevocationSettings.Bundle()
        let policy = reader.choice("policy", of: Policy.self) ?? .optional
        let graceLocation = reader.location(of: "grace")
        let range = RevocationSettings.graceSecondsRange
        let grace = reader.wholeSeconds("grace", in: Int(range.lowerBound)...Int(range.upperBound))
        let files = ConfigurationReader.files(&reader, "files", configuration) ?? []
        let folders = ConfigurationReader.files(&reader, "folders", configuration) ?? []
        let addresses = texts(&reader, "urls")
        for address in addresses { HTTPAddressText.check(address, reader.mistakes) }
        bundle.usesDistributionPoints = reader.bool("distribution-points") ?? false
        bundle.allowsPrivateDistributionPoints = reader.bool("allow-private-distribution-points") ?? false
        bundle.sources =
            files.map { .file($0.value) } + folders.map { .folder($0.value) } + addresses.map { .url($0.value) }
        bundle.policy =
            switch policy {
            case .off: .off
            case .optional: .optional
            case .required: .required(graceSeconds: Int64(grace ?? 0))
            }
        if bundle.sources.count > RevocationSettings.sourcesMax {
            reader.mistakes.report(
                .outOfRange, at: reader.location, key: reader.path,
                "\(bundle.sources.count) sources, at most \(RevocationSettings.sourcesMax) are allowed",
                hint: "put files into a folder")
        }
        // A source that is wrong has been told of; that there is none as well would be noise.
        let hasWrongSource = ["files", "folders", "urls"].contains { key in
            guard reader.keys.contains(key), let node = reader.node(key) else { return false }
            guard case .sequence(let items, _) = node else { return true }
            return !items.isEmpty
        }
        report(
            policy, bundle, grace: grace.map { Located($0, location: graceLocation, key: "") },
            hasWrongSource: hasWrongSource, reader)
        return bundle
    }

    /// Keys that contradict each other: each would be without effect, or let nobody in.
    private static func report(
        _ policy: Policy, _ bundle: RevocationSettings.Bundle, grace: Located<Int>?, hasWrongSource: Bool,
        _ reader: MappingReader
    ) {
        func conflict(_ key: String, _ problem: String, hint: String) {
            reader.mistakes.report(
                .conflictingKeys, at: reader.location(of: key), key: reader.keyPath(key), problem, hint: hint)
        }
        let hasSource = !bundle.sources.isEmpty || bundle.usesDistributionPoints
        switch policy {
        case .off where hasSource:
            conflict("policy", "lists are switched off, but say where from", hint: "optional or required")
        case .required where !hasSource && !hasWrongSource:
            conflict(
                "policy", "a list is required, and there is nowhere to have it from: nobody would get in",
                hint: "add files, folders, urls or distribution-points: true")
        case .off, .optional, .required: break
        }
        if grace != nil, policy != .required {
            conflict("grace", "is for lists that are required", hint: "policy: required, or remove it")
        }
        if bundle.allowsPrivateDistributionPoints, !bundle.usesDistributionPoints {
            conflict(
                "allow-private-distribution-points", "no distribution points are followed",
                hint: "distribution-points: true, or remove it")
        }
    }

    private static func texts(_ reader: inout MappingReader, _ key: String) -> [Located<String>] {
        guard let node = reader.node(key) else { return [] }
        guard case .scalar = node else { return reader.strings(key, countMax: RevocationSettings.sourcesMax) }
        return reader.text(key).map { [$0] } ?? []
    }
}

/// Reads the sections `trust.ocsp` and `trust.anchors.NAME.ocsp`.
enum OCSPReader {
    static func readCommon(_ reader: inout MappingReader) -> OCSPSettings {
        var settings = OCSPSettings()
        if let time = reader.duration("clock-skew", in: OCSPSettings.clockSkewRange) { settings.clockSkew = time }
        if let count = reader.int("cache-entries-max", in: OCSPSettings.cacheEntriesMaxRange) {
            settings.cacheEntriesMax = count
        }
        return settings
    }

    private enum Policy: String, CaseIterable {
        case off
        case softFail = "soft-fail"
        case hardFail = "hard-fail"

        var rule: TrustAnchorRules.OCSPRule {
            switch self {
            case .off: .off
            case .softFail: .softFail
            case .hardFail: .hardFail
            }
        }
    }

    static func readBundle(_ reader: inout MappingReader) -> OCSPSettings.Bundle {
        var bundle = OCSPSettings.Bundle()
        bundle.policy = (reader.choice("policy", of: Policy.self) ?? .off).rule
        if let responder = reader.text("responder") {
            HTTPAddressText.check(responder, reader.mistakes)
            bundle.responder = responder.value
        }
        bundle.allowsPrivateResponders = reader.bool("allow-private-responders") ?? false
        if let time = reader.duration("timeout", in: OCSPSettings.timeoutRange) { bundle.timeout = time }
        if let count = reader.int("concurrency", in: OCSPSettings.concurrencyRange) { bundle.concurrency = count }
        if let nonce = reader.choice("nonce", of: OCSPNonceRule.self) { bundle.nonce = nonce }
        if let time = reader.duration("max-age", in: OCSPSettings.maxAgeRange) { bundle.maxAge = time }
        if let digest = reader.choice("digest", of: OCSPDigest.self) { bundle.digest = digest }
        if bundle.policy == .off, let stray = reader.keys.first(where: { $0 != "policy" }) {
            reader.mistakes.report(
                .conflictingKeys, at: reader.location(of: stray), key: reader.keyPath(stray),
                "OCSP is switched off for these anchors", hint: "policy: soft-fail or hard-fail")
        }
        return bundle
    }
}

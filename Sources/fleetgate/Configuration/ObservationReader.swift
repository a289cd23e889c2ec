import DeviceRegistry
import FleetPolicy

/// Reads the section `observations`: inventory of certificates, journal of failed connections, watch for clones.
enum ObservationReader {
    /// Without the section: on.
    static func defaults(_ configuration: ConfigurationReader) -> ObservationSettings {
        ObservationSettings(file: configuration.resolved(ObservationSettings.defaultFileName))
    }

    /// - Returns: nil when it is switched off.
    static func read(
        _ reader: inout MappingReader, _ configuration: ConfigurationReader
    ) -> ObservationSettings? {
        var settings = defaults(configuration)
        let isEnabled = reader.bool("enabled") ?? true
        if let file = reader.text("file") { settings.file = configuration.resolved(file.value) }
        readLimits(&reader, into: &settings.limits)
        reader.nested("clones") { readClones(&$0, into: &settings) }
        guard !isEnabled else { return settings }
        if let stray = reader.keys.first(where: { $0 != "enabled" }) {
            reader.mistakes.report(
                .conflictingKeys, at: reader.location(of: stray), key: reader.keyPath(stray),
                "observations are switched off", hint: "remove it, or enabled: true")
        }
        return nil
    }

    private static func readLimits(_ reader: inout MappingReader, into limits: inout ObservationLimits) {
        if let rows = reader.int("journal-rows-max", in: 1000...10_000_000) { limits.journalRowsMax = rows }
        if let days = reader.int("journal-days", in: 1...3650) { limits.journalDays = days }
        if let seconds = reader.wholeSeconds("journal-window", in: 60...86_400) {
            limits.sameFailureSeconds = Int64(seconds)
        }
        if let rows = reader.int("journal-rows-per-minute", in: 1...100_000) { limits.journalRowsPerMinute = rows }
        if let rows = reader.int("journal-rows-per-address", in: 1...10_000) {
            limits.journalRowsPerAddressMinute = rows
        }
        if let rows = reader.int("certificates-max", in: 1000...10_000_000) { limits.certificatesMax = rows }
        if let days = reader.int("certificate-days", in: 1...3650) { limits.certificateDays = days }
    }

    private static func readClones(_ reader: inout MappingReader, into settings: inout ObservationSettings) {
        var thresholds = CloneThresholds()
        let isEnabled = reader.bool("enabled") ?? true
        if let seconds = reader.wholeSeconds("window", in: 60...86_400) { thresholds.windowSeconds = Int64(seconds) }
        if let points = reader.int("points", in: 2...1000) { thresholds.pointsMin = points }
        if let seconds = reader.wholeSeconds("simultaneous", in: 60...604_800) {
            thresholds.simultaneousSeconds = Int64(seconds)
        }
        if case .scalar("never", false, _)? = reader.node("quiet") {
            settings.cloneQuietSeconds = nil
        } else if let seconds = reader.wholeSeconds("quiet", in: 60...31_536_000) {
            settings.cloneQuietSeconds = Int64(seconds)
        }
        settings.clones = isEnabled ? thresholds : nil
        if !isEnabled, let stray = reader.keys.first(where: { $0 != "enabled" }) {
            reader.mistakes.report(
                .conflictingKeys, at: reader.location(of: stray), key: reader.keyPath(stray),
                "nobody watches for clones", hint: "remove it, or enabled: true")
        }
    }
}

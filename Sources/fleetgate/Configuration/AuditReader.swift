import FleetPolicy

/// Reads the section `audit`.
enum AuditReader {
    /// Beside the configuration.
    static let defaultFolder = "audit"

    /// Without the section: on, and a full disk does not keep devices out. Who must not lose a line says
    /// `when-full: refuse`.
    static func defaults(_ configuration: ConfigurationReader) -> AuditSettings {
        AuditSettings(folder: configuration.resolved(defaultFolder), whenFull: .continue)
    }

    /// - Returns: nil when it is switched off.
    static func read(_ reader: inout MappingReader, _ configuration: ConfigurationReader) -> AuditSettings? {
        var settings = defaults(configuration)
        let isEnabled = reader.bool("enabled") ?? true
        if let folder = reader.text("folder") { settings.folder = configuration.resolved(folder.value) }
        settings.signingKey = reader.text("signing-key").map { configuration.resolved($0.value) }
        if let choice = reader.choice("when-full", of: AuditSettings.WhenFull.self) { settings.whenFull = choice }
        if let bytes = reader.byteSize("file-bytes-max", in: AuditLimits.fileBytesRange) {
            settings.fileBytesMax = bytes
        }
        if let seconds = reader.wholeSeconds("file-age-max", in: AuditLimits.fileSecondsRange) {
            settings.fileSecondsMax = seconds
        }
        settings.keepDays = reader.int("keep-days", in: AuditLimits.keepDaysRange)
        settings.keepBytes = reader.byteSize("keep-bytes", in: AuditLimits.keepBytesRange)
        if let lines = reader.int("checkpoint-lines", in: AuditLimits.checkpointLinesRange) {
            settings.checkpointLines = lines
        }
        if let seconds = reader.wholeSeconds("checkpoint-interval", in: AuditLimits.checkpointSecondsRange) {
            settings.checkpointSeconds = seconds
        }
        if let keepBytes = settings.keepBytes, keepBytes < settings.fileBytesMax {
            reader.mistakes.report(
                .outOfRange, at: reader.location(of: "keep-bytes"), key: reader.keyPath("keep-bytes"),
                "less than one file may have (\(settings.fileBytesMax) bytes)",
                hint: "raise it, or lower file-bytes-max")
        }
        guard !isEnabled else { return settings }
        if let stray = reader.keys.first(where: { $0 != "enabled" }) {
            reader.mistakes.report(
                .conflictingKeys, at: reader.location(of: stray), key: reader.keyPath(stray),
                "the audit log is switched off", hint: "remove it, or enabled: true")
        }
        return nil
    }
}

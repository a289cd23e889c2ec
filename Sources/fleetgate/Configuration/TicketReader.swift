import FleetPolicy

/// Reads the section `tickets`.
enum TicketReader {
    /// Without the section.
    static func defaults(_ configuration: ConfigurationReader) -> TicketSettings {
        let location = SourceLocation(file: configuration.file, line: 1, column: 1)
        return TicketSettings(
            file: Located(configuration.resolved(TicketSettings.fileDefault), location: location, key: "tickets.keys"),
            lifetime: TicketSettings.lifetimeDefault, rotation: .automatic,
            rotationInterval: TicketSettings.rotationDefault)
    }

    static func read(_ reader: inout MappingReader, _ configuration: ConfigurationReader) -> TicketSettings {
        var settings = defaults(configuration)
        let isEnabled = reader.bool("enabled") ?? true
        if let lifetime = reader.wholeSeconds("lifetime", in: seconds(TicketSettings.lifetimeRange)) {
            settings.lifetime = .seconds(lifetime)
        }
        let place = reader.location(of: "keys")
        let file = reader.text("keys").map(configuration.resolved)
        settings.file =
            file
            ?? Located(
                configuration.resolved(TicketSettings.fileDefault), location: place, key: reader.keyPath("keys"))
        settings.rotation = reader.choice("rotation", of: TicketSettings.Rotation.self) ?? .automatic
        let interval = reader.wholeSeconds("rotate-every", in: seconds(TicketSettings.rotationRange))
        if let interval { settings.rotationInterval = .seconds(interval) }
        if settings.rotation == .external, interval != nil {
            reader.mistakes.report(
                .conflictingKeys, at: reader.location(of: "rotate-every"), key: reader.keyPath("rotate-every"),
                "the gateway does not rotate keys of a file that is somebody else's",
                hint: "remove it, or rotation: automatic")
        }
        if !isEnabled {
            settings.file = nil
            if let stray = reader.keys.first(where: { $0 != "enabled" }) {
                reader.mistakes.report(
                    .conflictingKeys, at: reader.location(of: stray), key: reader.keyPath(stray),
                    "tickets are switched off", hint: "remove it, or enabled: true")
            }
        }
        return settings
    }

    private static func seconds(_ range: ClosedRange<Duration>) -> ClosedRange<Int> {
        Int(range.lowerBound.components.seconds)...Int(range.upperBound.components.seconds)
    }
}

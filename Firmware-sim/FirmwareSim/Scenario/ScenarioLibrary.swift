/// The scenarios that ship, and those in files.
enum ScenarioLibrary {
    private static let files: [(name: String, bytes: [UInt8])] = [
        ("steady-fleet", PackageResources.steady_fleet_yaml),
        ("ramp", PackageResources.ramp_yaml),
        ("boot-storm", PackageResources.boot_storm_yaml),
        ("reconnect-storm", PackageResources.reconnect_storm_yaml),
        ("thundering-herd", PackageResources.thundering_herd_yaml),
        ("thundering-herd-jitter", PackageResources.thundering_herd_jitter_yaml),
        ("soak", PackageResources.soak_yaml),
        ("mixed-fleet", PackageResources.mixed_fleet_yaml),
        ("hostile-mix", PackageResources.hostile_mix_yaml),
    ]

    /// Of those that ship, the simplest first.
    static var names: [String] { files.map(\.name) }

    /// The file of a scenario as it ships.
    static func text(named name: String) -> String? {
        files.first { $0.name == name }.map { String(decoding: $0.bytes, as: UTF8.self) }
    }

    /// A scenario that ships, or else the file of that path.
    ///
    /// - Throws: All the file's mistakes. A plain word that names neither gets the nearest name as a hint.
    static func scenario(named nameOrPath: String) throws(SourceMistakes) -> Scenario {
        if let text = text(named: nameOrPath) {
            return try ScenarioReader.read(text, file: "\(nameOrPath).yaml")
        }
        do {
            return try ScenarioReader.read(path: nameOrPath)
        } catch {
            guard !nameOrPath.contains("/"), error.mistakes.first?.code == .unreadable else { throw error }
            throw SourceMistakes(
                error.mistakes.map { mistake in
                    var mistake = mistake
                    mistake.hint = NearestName.hint(for: nameOrPath, among: names)
                    return mistake
                })
        }
    }
}

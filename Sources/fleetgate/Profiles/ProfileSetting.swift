import FleetPolicy

/// A configuration as far as the profile tools need it. Of the files that it names, none is opened.
struct ProfileSetting {
    let configuration: FleetGateConfiguration

    /// - Throws: ``ProfileMistakes``.
    static func read(_ path: String) throws -> ProfileSetting {
        let mistakes = MistakeCollector()
        let configuration = YAMLDocument.read(path, reporting: mistakes).flatMap {
            ConfigurationReader.read($0, file: path, reporting: mistakes).configuration
        }
        guard let configuration, mistakes.mistakes.isEmpty else {
            throw ProfileMistakes(mistakes: OperatorMistakes(mistakes.mistakes)?.mistakes ?? [])
        }
        return ProfileSetting(configuration: configuration)
    }

    /// The folder of profiles that the gateway reads.
    var folder: String { configuration.profiles.value }

    var control: ControlLocation { ControlLocation(configuration) }

    /// What profiles call by name and the configuration does not have.
    func mistakes(in set: ProfileSet) -> [OperatorMistake] {
        let found = MistakeCollector()
        ConfiguredNames(configuration).check(set, reporting: found)
        return found.mistakes
    }
}

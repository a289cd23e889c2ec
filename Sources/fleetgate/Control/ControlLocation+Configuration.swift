import ArgumentParser
import FleetPolicy

extension ControlLocation {
    init(_ configuration: FleetGateConfiguration) {
        self.init(
            socketPath: configuration.admin.socket, registryPath: configuration.registry.value,
            observationsPath: configuration.observations?.file)
    }

    /// Reads a configuration for where its gateway is to be found. Of the files that it names, none is opened.
    ///
    /// - Throws: `ExitCode` when the configuration cannot be used; its mistakes are printed.
    static func read(_ path: String) throws -> ControlLocation {
        let mistakes = MistakeCollector()
        let configuration = YAMLDocument.read(path, reporting: mistakes).flatMap {
            ConfigurationReader.read($0, file: path, reporting: mistakes).configuration
        }
        guard let configuration else {
            for mistake in mistakes.mistakes { Terminal.printError(CheckReport.Mistake(mistake).text) }
            throw ExitCode.failure
        }
        return ControlLocation(configuration)
    }
}

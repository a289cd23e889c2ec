import MQTTCodec
import NIOCore

/// Reads a scenario from its YAML file. The format is described in `Firmware-sim/Scenarios/README.md`.
///
/// Used by one task, for one file.
final class ScenarioReader {
    let mistakes = MistakeCollector()
    /// Names of fleets that stand somewhere, to be looked up when all fleets are read.
    var fleetReferences: [Located<String>] = []
    /// The firmware blocks of the file.
    var firmwares: [String: Firmware] = [:]
    var defaults = FleetDefaultsInScenario()
    var fleets: [Located<ScenarioFleet>] = []
    var stages: [Located<Stage>] = []
    var assertions: [Located<Assertion>] = []

    /// The longest time a key may hold.
    static let timeMax: TimeAmount = .seconds(Int64(SimulatorLimits.durationSecondsMax))

    /// Stands in a firmware for `sleep: never` until its fleet's class is known.
    static let neverAsleep = SleepCycle(awake: .zero, asleep: .zero)

    /// What `defaults` says of all fleets.
    struct FleetDefaultsInScenario {
        var className: Located<String>?
        var firmware: SourceNode?
        var firmwarePath = ""
        var subject: Located<String>?
        var alternativeNames: [Located<String>]?
        var clientID: Located<String>?
        var keyType: DeviceKeyType?
    }

    /// - Parameter file: As mistakes are to name it.
    /// - Throws: All the file's mistakes.
    static func read(_ text: String, file: String) throws(SourceMistakes) -> Scenario {
        let reader = ScenarioReader()
        let node = YAMLSource.parse(text, file: file, reporting: reader.mistakes)
        return try reader.finish(node)
    }

    static func read(path: String) throws(SourceMistakes) -> Scenario {
        let reader = ScenarioReader()
        let node = YAMLSource.read(path: path, reporting: reader.mistakes)
        return try reader.finish(node)
    }

    private init() {}

    private func finish(_ node: SourceNode?) throws(SourceMistakes) -> Scenario {
        let scenario = node.flatMap { node in
            KeyReader.read(node, path: "", reporting: mistakes) { readScenario(&$0) }
        }
        // Nothing was read only if something was reported.
        guard let scenario, let node, mistakes.mistakes.isEmpty else { throw SourceMistakes(mistakes.mistakes) }
        checkConsistency(at: node.place)
        try mistakes.throwIfAny()
        return scenario
    }

    private func readScenario(_ reader: inout KeyReader) -> Scenario {
        reader.require("name")
        let name = reader.text("name")?.value ?? ""
        if reader.has("name"), !FleetSpecification.isValid(name: name) {
            reader.report(.badValue, "name", "'\(name)' is no name for a scenario", hint: Self.nameHint)
        }
        reader.require("summary", hint: "one or two sentences on what it shows")
        let summary = reader.text("summary")?.value ?? ""
        let mqtt = reader.choice("mqtt", MQTTVersionName.self) ?? .v3_1_1
        let connectTimeout = reader.time("connect-timeout", in: .milliseconds(100) ... .hours(1)) ?? .seconds(30)
        _ = reader.nested("defaults") { readDefaults(&$0) }
        _ = reader.nested("firmware") { readFirmwares(&$0) }
        reader.require("fleets")
        for item in reader.list("fleets", countMax: SimulatorLimits.fleetsMax) ?? [] {
            let fleet = KeyReader.read(item.node, path: item.path, reporting: mistakes) { readFleet(&$0) }
            guard let fleet = fleet ?? nil else { continue }
            fleets.append(Located(value: fleet, place: item.node.place, path: item.path))
        }
        reader.require("stages")
        for item in reader.list("stages", countMax: SimulatorLimits.stagesMax) ?? [] {
            let stage = KeyReader.read(item.node, path: item.path, reporting: mistakes) { readStage(&$0) }
            guard let stage = stage ?? nil else { continue }
            stages.append(Located(value: stage, place: item.node.place, path: item.path))
        }
        for text in reader.texts("assertions", countMax: SimulatorLimits.scenarioListMax) ?? [] {
            assertion(text)
        }
        return Scenario(
            name: name, summary: summary, mqtt: mqtt.version, fleets: fleets.map(\.value),
            stages: stages.map(\.value), assertions: assertions.map(\.value), connectTimeout: connectTimeout)
    }

    private enum MQTTVersionName: String, CaseIterable {
        // swift-format-ignore: AlwaysUseLowerCamelCase
        case v3_1_1 = "3.1.1"
        case v5 = "5"

        var version: MQTTProtocolVersion {
            switch self {
            case .v3_1_1: .v3_1_1
            case .v5: .v5
            }
        }
    }

    static let nameHint =
        "1 to \(SimulatorLimits.fleetNameBytesMax) letters, digits, '-', '_' and '.', a letter or digit first"

    private func assertion(_ text: Located<String>) {
        do throws(AssertionMistake) {
            assertions.append(Located(value: try Assertion(text.value), place: text.place, path: text.path))
        } catch {
            // Quotes and folded lines move the text: the column within it is what can be said.
            mistakes.report(
                .badValue, at: text.place, key: text.path,
                "'\(text.value)', column \(error.column): \(error.problem)", hint: error.hint)
        }
    }
}

@available(*, unavailable) extension ScenarioReader: Sendable {}

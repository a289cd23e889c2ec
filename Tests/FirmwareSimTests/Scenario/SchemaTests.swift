import Foundation
import Testing

@testable import FirmwareSim

/// The schemas for editors say what the readers do.
@Suite struct SchemaTests {
    private func schema(_ kind: Kind) throws -> SchemaDocument {
        try SchemaDocument(Data(contentsOf: kind.file))
    }

    enum Kind: String, CaseIterable, CustomTestStringConvertible {
        case scenario, deviceClass

        var testDescription: String { rawValue }

        var file: URL {
            switch self {
            case .scenario: ShippedScenariosTests.folder.appendingPathComponent("scenario.schema.json")
            case .deviceClass: DeviceClassTests.folder.appendingPathComponent("device-class.schema.json")
            }
        }

        func mistakes(in text: String) -> [SourceMistake] {
            do throws(SourceMistakes) {
                switch self {
                case .scenario: _ = try ScenarioReader.read(text, file: "x")
                case .deviceClass: _ = try DeviceClassReader.read(text, file: "x")
                }
                return []
            } catch {
                return error.mistakes
            }
        }
    }

    @Test(arguments: ScenarioLibrary.names)
    func shippedScenariosFit(name: String) throws {
        let text = try #require(ScenarioLibrary.text(named: name))
        #expect(try schema(.scenario).mistakes(in: text) == [])
    }

    @Test(arguments: DeviceClassTests.shipped)
    func shippedClassesFit(name: String) throws {
        let text = try #require(DeviceClassLibrary.text(named: name))
        #expect(try schema(.deviceClass).mistakes(in: text) == [])
    }

    // MARK: Keys

    /// A file that holds an unknown key at a place, which the reader answers with the keys it knows.
    private static let places: [(kind: Kind, path: String, yaml: String)] = [
        (.scenario, "", "KEY: 1"), (.scenario, "defaults", "defaults: { KEY: 1 }"),
        (.scenario, "firmware.*", "firmware: { f: { KEY: 1 } }"),
        (.scenario, "firmware.*.subscriptions[0]", "firmware: { f: { subscriptions: [ { KEY: 1 } ] } }"),
        (.scenario, "firmware.*.telemetry[0]", "firmware: { f: { telemetry: [ { KEY: 1 } ] } }"),
        (.scenario, "firmware.*.commands", "firmware: { f: { commands: { KEY: 1 } } }"),
        (.scenario, "firmware.*.updates", "firmware: { f: { updates: { KEY: 1 } } }"),
        (.scenario, "firmware.*.sleep", "firmware: { f: { sleep: { KEY: 1 } } }"),
        (.scenario, "fleets[0]", "fleets: [ { KEY: 1 } ]"),
        (.scenario, "fleets[0].conduct", "fleets: [ { conduct: { KEY: 1 } } ]"),
        (.scenario, "fleets[0].expect", "fleets: [ { expect: { KEY: 1 } } ]"),
        (.scenario, "stages[0]", "stages: [ { KEY: 1 } ]"),
        (.scenario, "stages[0].actions[0]", "stages: [ { actions: [ { KEY: 1 } ] } ]"),
        (.scenario, "stages[0].actions[0].ramp", "stages: [ { actions: [ { ramp: { KEY: 1 } } ] } ]"),
        (.deviceClass, "", "KEY: 1"), (.deviceClass, "handshake", "handshake: { KEY: 1 }"),
        (.deviceClass, "handshake.shares", "handshake: { shares: { KEY: 1 } }"),
        (.deviceClass, "link", "link: { KEY: 1 }"),
        (.deviceClass, "link.round-trip", "link: { round-trip: { KEY: 1 } }"),
        (.deviceClass, "link.spikes", "link: { spikes: { KEY: 1 } }"), (.deviceClass, "tls", "tls: { KEY: 1 }"),
        (.deviceClass, "sleep", "sleep: { KEY: 1 }"),
    ]

    @Test(arguments: places.indices)
    func theKeysAreThoseOfTheReader(index: Int) throws {
        let place = Self.places[index]
        // Far from every real key, so that the hint lists them all instead of guessing.
        let yaml = place.yaml.replacingOccurrences(of: "KEY", with: "zzzzzzzzzzzzzzzzzzzz")
        let found = place.kind.mistakes(in: yaml).first { $0.code == .unknownKey }
        let list = try #require(found?.hint?.components(separatedBy: "known are ").last)
        #expect(Set(try schema(place.kind).keys(at: place.path)) == Set(list.components(separatedBy: ", ")))
    }

    @Test(arguments: Kind.allCases)
    func everyObjectOfTheSchemaIsLookedAt(kind: Kind) throws {
        // Where a fleet or the defaults hold a firmware, it is the same definition.
        let known = Set(Self.places.filter { $0.kind == kind }.map(\.path))
        let paths = try schema(kind).objectPaths().filter {
            !$0.contains("fleets[0].firmware") && !$0.contains("defaults.firmware")
        }
        #expect(Set(paths) == known)
    }

    @Test func listsOfNamesAreThoseOfTheProgram() throws {
        let scenario = try schema(.scenario)
        #expect(try scenario.values(at: "fleets[0].class") == DeviceClassLibrary.names)
        #expect(try scenario.values(at: "fleets[0].credential") == CredentialKind.allCases.map(\.rawValue))
        #expect(try scenario.values(at: "fleets[0].key-type") == DeviceKeyType.allCases.map(\.rawValue))
        #expect(try scenario.values(at: "fleets[0].conduct.kind") == Conduct.allCases.map(\.rawValue))
    }

    // MARK: Values

    private static let shortScenario = [
        "name: x", "summary: y", "fleets: [ { name: a, count: 1 } ]",
        "stages: [ { name: s, duration: 1s, actions: [ { do: start } ] } ]",
    ]
    private static let shortClass = [
        "name: x", "emulates: y", "sources: [z]", "handshake: { full: 1s, resumed: 0 }", "resumes: false",
    ]

    private func both(_ kind: Kind, _ line: String) throws -> (schema: [String], reader: [SourceMistake], yaml: String)
    {
        let key = line.prefix { $0 != ":" }
        let lines = (kind == .scenario ? Self.shortScenario : Self.shortClass).filter { !$0.hasPrefix("\(key):") }
        let yaml = (lines + [line]).joined(separator: "\n")
        return (try schema(kind).mistakes(in: yaml), kind.mistakes(in: yaml), yaml)
    }

    private static let goodLines: [(Kind, String)] = [
        (.scenario, "name: x"), (.scenario, "mqtt: 5"), (.scenario, "mqtt: \"5\""), (.scenario, "mqtt: 3.1.1"),
        (.scenario, "connect-timeout: 1.5m"), (.scenario, "assertions: [ \"p99 tcp<1s\" ]"),
        (.scenario, "firmware: { f: { boot: 0 } }"), (.scenario, "firmware: { f: { boot: 0 to 1s } }"),
        (.scenario, "firmware: { f: { subscriptions: [ a, { topic: b } ] } }"),
        (.scenario, "firmware: { f: { sleep: never, back-off: \"fixed:5s\" } }"),
        (.scenario, "firmware: { f: { telemetry: [ { period: 1s, jitter: 100%, payload: a } ] } }"),
        (.scenario, "firmware: { f: { telemetry: [ { period: 1s, jitter: 0.5% } ] } }"),
        (.scenario, "fleets: [ { name: a, count: 1, conduct: garbage, expect: { refused: [\"*/eof\", \"tls/*\"] } } ]"),
        (.scenario, "stages: [ { name: s, duration: 1s, actions: [ { do: start, rate: 2.5 } ] } ]"),
        (.deviceClass, "keep-alive: 0"), (.deviceClass, "tls: { versions: [1.2, \"1.3\"] }"),
        (.deviceClass, "link: { round-trip: { p50: 1ms, p99: 1ms }, down: 264bps, up: 0.5Gbps }"),
    ]

    @Test(arguments: goodLines.indices)
    func bothTake(index: Int) throws {
        let result = try both(Self.goodLines[index].0, Self.goodLines[index].1)
        #expect(result.schema == [], "\(result.yaml)")
        #expect(result.reader == [], "\(result.yaml)")
    }

    private static let badLines: [(Kind, String)] = [
        (.scenario, "name: a b"), (.scenario, "mqtt: 4"), (.scenario, "connect-timeout: 30"), (.scenario, "fleets: []"),
        (.scenario, "fleets: {}"), (.scenario, "fleets: [ { name: a, count: 0 } ]"), (.scenario, "stages: []"),
        (.scenario, "fleets: [ { name: a, count: 1, class: esp64 } ]"), (.scenario, "assertions: [ failures ]"),
        (.scenario, "fleets: [ { name: a, count: 1, conduct: client-id-theft, expect: accepted } ]"),
        (.scenario, "fleets: [ { name: a, count: 1, conduct: { victims: a }, expect: accepted } ]"),
        (.scenario, "fleets: [ { name: a, count: 1, expect: refused } ]"),
        (.scenario, "fleets: [ { name: a, count: 1, expect: { refused: [eof] } } ]"),
        (.scenario, "fleets: [ { name: a, count: 1, expect: { refused: [ssl/eof] } } ]"),
        (.scenario, "fleets: [ { name: a, count: 1, expect: { refused: [] } } ]"),
        (.scenario, "firmware: { \"a b\": {} }"), (.scenario, "firmware: { f: { boot: soon } }"),
        (.scenario, "firmware: { f: { telemetry: [ {} ] } }"), (.scenario, "firmware: { f: { sleep: always } }"),
        (.scenario, "firmware: { f: { telemetry: [ { period: 1s, jitter: 101% } ] } }"),
        (.scenario, "firmware: { f: { telemetry: [ { period: 1s, jitter: 0.2 } ] } }"),
        (.scenario, "firmware: { f: { telemetry: [ { period: 1s, payload: a, payload-bytes: 1 } ] } }"),
        (.scenario, "firmware: { f: { telemetry: [ { period: 1s, qos: 2 } ] } }"),
        (.scenario, "firmware: { f: { back-off: slowly } }"),
        (.scenario, "stages: [ { name: a.b, duration: 1s, actions: [ { do: start } ] } ]"),
        (.scenario, "stages: [ { name: s, duration: 1s, actions: [ { do: begin } ] } ]"),
        (.scenario, "stages: [ { name: s, duration: 1s, actions: [ { do: start, rate: 0 } ] } ]"),
        (.deviceClass, "name: X"), (.deviceClass, "sources: []"), (.deviceClass, "handshake: {}"),
        (.deviceClass, "resumes: often"), (.deviceClass, "tls: { versions: [] }"),
        (.deviceClass, "tls: { versions: [\"1.1\"] }"),
        (.deviceClass, "tls: { cipher-suites: [TLS_NULL_WITH_NULL_NULL] }"),
        (.deviceClass, "tls: { max-fragment-length: 1000 }"), (.deviceClass, "link: {}"),
        (.deviceClass, "link: { round-trip: { p50: 1ms, p99: 1ms }, down: 100, up: 1Mbps }"),
        (.deviceClass, "sleep: { awake: 1s }"), (.deviceClass, "keep-alive: 60"),
    ]

    @Test(arguments: badLines.indices)
    func bothRefuse(index: Int) throws {
        let result = try both(Self.badLines[index].0, Self.badLines[index].1)
        #expect(!result.schema.isEmpty, "\(result.yaml)")
        #expect(!result.reader.isEmpty, "\(result.yaml)")
    }

    @Test func theREADMEsExamplesFit() throws {
        for kind in Kind.allCases {
            let readme = kind.file.deletingLastPathComponent().appendingPathComponent("README.md")
            let text = try String(contentsOf: readme, encoding: .utf8)
            let blocks = text.components(separatedBy: "```yaml\n").dropFirst().compactMap {
                $0.components(separatedBy: "```").first
            }.filter { $0.hasPrefix("name:") }
            #expect(!blocks.isEmpty)
            for block in blocks {
                #expect(try schema(kind).mistakes(in: block) == [], "\(block)")
                #expect(kind.mistakes(in: block) == [], "\(block)")
            }
        }
    }
}

import ArgumentParser
import Foundation
import NIOCore
import Testing

@testable import FirmwareSim

@Suite struct ScenarioCommandTests {
    @Test func listHasEveryScenario() throws {
        let table = try ScenarioListCommand.table()
        for name in ScenarioLibrary.names { #expect(table.contains("\n\(name) ")) }
        #expect(table.split(separator: "\n").allSatisfy { $0.count <= 100 })
        let json = try JSONDecoder().decode(
            [ScenarioListCommand.Entry].self, from: Data(try Listing.json(ScenarioListCommand.entries()).utf8))
        #expect(json.map(\.name) == ScenarioLibrary.names)
        #expect(json.first?.devices == 2_000)
        #expect(json.first?.seconds == 360)
    }

    @Test func showTakesShippedNamesOnly() throws {
        _ = try ScenarioShowCommand.parseAsRoot(["ramp"])
        let error = #expect(throws: (any Error).self) { try ScenarioShowCommand.parseAsRoot(["rmap"]) }
        #expect(ScenarioShowCommand.message(for: try #require(error)).contains("did you mean 'ramp'?"))
    }

    @Test func checkTellsAllMistakesOfAllFiles() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let bad = folder.appendingPathComponent("bad.yaml").path
        try "name: x\nfleet: []\n".write(toFile: bad, atomically: true, encoding: .utf8)
        let good = folder.appendingPathComponent("good.yaml").path
        try ScenarioReaderTests.text().write(toFile: good, atomically: true, encoding: .utf8)
        let (said, mistakes) = ScenarioCheckCommand.check([bad, good, "soak", "nothing"])
        #expect(said.contains("\(good): good: x, 15 devices in 2 fleets, 10s, 1 assertions\n"))
        #expect(said.contains("soak: good: soak, 8,000 devices in 2 fleets, 1h 4m, "))
        #expect(mistakes.map(\.place.file) == [bad, bad, bad, bad, "nothing"])
    }

    @Test func classesAreListed() throws {
        let table = ClassesListCommand.table()
        for name in DeviceClassLibrary.names { #expect(table.contains("\n\(name) ")) }
        let json = try JSONDecoder().decode(
            [ClassesListCommand.Entry].self,
            from: Data(try Listing.json(DeviceClassLibrary.all.map(ClassesListCommand.Entry.init)).utf8))
        #expect(json.count == 12)
        #expect(json.first?.handshakeFullMilliseconds == 6_800)
        #expect(json.last?.downBitsPerSecond == nil)
        #expect(throws: (any Error).self) { try ClassesShowCommand.parseAsRoot(["esp64"]) }
        _ = try ClassesShowCommand.parseAsRoot(["native"])
    }

    @Test(arguments: [
        (0.4, "0s"), (59, "59s"), (60, "1m"), (90, "1m 30s"), (3_600, "1h"), (3_900, "1h 5m"), (1e18, "168h"),
    ])
    func times(seconds: Double, text: String) {
        #expect(Listing.time(seconds: seconds) == text)
    }

    @Test func everyCommandHasHelpWithExamples() {
        for command in FirmwareSimCommand.configuration.subcommands where command != RunCommand.self {
            let all = [command] + command.configuration.subcommands
            for one in all where [ScenarioCommand.self, ClassesCommand.self].contains(where: { $0 == command }) {
                #expect(one.helpMessage().contains("EXAMPLE"), "\(one)")
            }
        }
    }
}

@Suite struct ScenarioRunCommandTests {
    private static let needed = [
        "steady-fleet", "--target", "h:1", "--ca", "a", "--issuer", "b", "--issuer-key", "c",
    ]

    @Test func thePlanIsTheScenarioScaled() throws {
        let options = Self.needed + ["--scale", "0.01", "--time-scale", "0.5", "--seed", "3"]
        let command = try #require(try ScenarioRunCommand.parseAsRoot(options) as? ScenarioRunCommand)
        let plan = try command.plan(of: try ScenarioLibrary.scenario(named: command.scenario), seed: 3)
        #expect(plan.fleets.map(\.specification.count) == [20])
        #expect(plan.stages.map(\.duration) == [.seconds(30), .seconds(150)])
        #expect(plan.assertions.count == 6)
    }

    @Test(arguments: [
        ["--scale", "0"], ["--scale", "-1"], ["--scale", "nan"], ["--time-scale", "1e9"], ["--scale", "x"],
    ])
    func scalesAreBounded(options: [String]) {
        #expect(throws: (any Error).self) {
            try ScenarioRunCommand.parseAsRoot(Self.needed + options)
        }
    }
}

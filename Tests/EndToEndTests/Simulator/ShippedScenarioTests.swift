import Foundation
import TestKit
import Testing

/// Every scenario file that ships, in a small form, against a real broker.
@Suite(
    "Shipped scenarios",
    .enabled(if: PlainMosquitto.isInstalled, "no mosquitto is installed (Debian package mosquitto)"))
struct ShippedScenarioTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../../Firmware-sim/Scenarios").standardizedFileURL

    static let names: [String] = {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return files.filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }.sorted()
    }()

    /// Fleets of `hostile-mix` that a broker without deadlines for handshakes and without rules by device lets have
    /// their way, and the victims of their thieves. Against FleetGate they are refused: see `make sim-demo`.
    private static let beyondAPlainBroker = Set(["slow-loris", "half-open", "trespassers", "thieves", "meters"])

    @Test("There are some, and the program knows them all")
    func known() async throws {
        #expect(Self.names.count >= 8)
        let outcome = try await Program.run(Program.ours("firmware-sim"), ["scenario", "list"])
        #expect(outcome.status == 0)
        for name in Self.names { #expect(outcome.standardOutput.contains(name)) }
    }

    @Test("In a small form", arguments: names)
    func small(name: String) async throws {
        let pki = try await SimulatorFolder(revoked: ["name=revoked;count=40"])
        let mosquitto = try await PlainMosquitto(pki)
        let result = try await pki.run(
            scenario: name, port: mosquitto.port, options: ["--scale", "0.01", "--time-scale", "0.01"])
        let report = result.report
        #expect([0, 1].contains(result.status), "\(result.everything)")
        #expect(report.devices.attempted == report.devices.planned)
        #expect(report.handshakes.completed > 0)
        #expect(!report.assertions.isEmpty)
        for fleet in report.fleets where !(name == "hostile-mix" && Self.beyondAPlainBroker.contains(fleet.name)) {
            #expect(
                fleet.expectation?.met == fleet.devices,
                "\(fleet.name): \(fleet.expectation?.violated ?? [:]), never connected: \(fleet.neverConnected)")
        }
        guard name != "hostile-mix" else {
            #expect(result.status == 1)
            return
        }
        for assertion in report.assertions where !assertion.isTimed {
            #expect(assertion.passed, "\(assertion.text): \(assertion.observed)")
        }
    }
}

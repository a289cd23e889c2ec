import FleetPKI
import Foundation
import TestKit
import Testing

/// The commands that ask or change a running gateway.
@Suite("Tools and a running gateway", .serialized)
struct RunningToolsTests {
    private static let meter = "hamburg-nord/meter-4711"
    private static let telemetry = "meters/hamburg-nord/meter-4711/telemetry"

    @Test("apply puts a set of profiles in force at once; rollback takes it back")
    func applyAndRollback() async throws {
        let gate = try await FleetGateProcess.start()
        let device = try DeviceConnection(to: gate, as: gate.credentials(DeviceName.meter("4711")))
        try await device.connect(MQTTBytes.connect(.v5))
        try await device.permits(Self.telemetry)

        try gate.directory.write(
            "new/smart-meter.yaml",
            RegistryTests.profile("description: without telemetry").replacingOccurrences(
                of: "/telemetry", with: "/reading"))
        let applied = try await gate.run("profile", "apply", gate.directory.path + "/new")
        #expect(applied.standardOutput.contains("the running gateway has taken it over"), "\(applied.everything)")
        try await device.refuses(Self.telemetry)

        try await gate.run("profile", "rollback")
        try await device.permits(Self.telemetry)
        let versions = try await gate.run("profile", "versions", "--json").standardOutput
        #expect(versions.contains("\"number\""), "\(versions)")
    }

    @Test("apply with a mistake changes nothing, and says where it is")
    func applyMistake() async throws {
        let gate = try await FleetGateProcess.start()
        try gate.directory.write("new/smart-meter.yaml", RegistryTests.profile("colour: green", "upstream: nowhere"))
        let refused = try await gate.runFailing("profile", "apply", gate.directory.path + "/new")
        #expect(refused.contains("smart-meter.yaml:7:") && refused.contains("colour"), "\(refused)")
        let device = try DeviceConnection(to: gate, as: gate.credentials(DeviceName.tracker("1")))
        #expect(try await device.connect(MQTTBytes.connect(.v5))[3] == 0, "the profiles are those from before")
    }

    @Test("reload answers with every mistake, or with what was taken over")
    func reload() async throws {
        let gate = try await FleetGateProcess.start()
        let path = "gate/profiles/smart-meter.yaml"
        let profile = try String(contentsOfFile: gate.directory.path + "/" + path, encoding: .utf8)
        try gate.directory.write(path, profile + "\ncolour: green\nsize: large\n")
        let refused = try await gate.runFailing("reload")
        #expect(refused.contains("colour") && refused.contains("size"), "\(refused)")
        try gate.directory.write(path, profile)
        #expect(try await gate.run("reload").standardOutput.contains("reloaded: 3 profiles"))
    }

    @Test("explain says the same of a certificate as the gateway does, with the line that decides")
    func explain() async throws {
        let gate = try await FleetGateProcess.start()
        let credentials = try gate.credentials(DeviceName.meter("4711"))
        let permitted = try await gate.run(
            "explain", "--cert", credentials.certificatePath, "--topic", Self.telemetry, "--action", "publish")
        #expect(permitted.standardOutput.contains("smart-meter.yaml:"), "\(permitted.standardOutput)")
        let refused = try await gate.runFailing(
            "explain", "--cert", credentials.certificatePath, "--topic", "meters/hamburg-nord/meter-1/telemetry",
            "--action", "publish")
        #expect(refused.contains("topic-not-allowed"), "\(refused)")

        try await gate.run("device", "disable", Self.meter)
        let suspended = try await gate.runFailing("explain", "--cert", credentials.certificatePath)
        #expect(suspended.contains("device-suspended"), "\(suspended)")
        #expect(try await DeviceConnection(to: gate, as: credentials).ended().standardOutput.isEmpty)
        try await gate.logEntry("certificate refused by the profiles", ["reason": "device-suspended"])

        let foreign = try CertificateAuthority.makeDevelopmentRoot(commonName: "Foreign").issue(
            CertificateTemplate(subject: DeviceName.meter("1")))
        let stranger = try DeviceCredentials(foreign, in: gate.directory)
        let unknown = try await gate.runFailing("explain", "--cert", stranger.certificatePath)
        #expect(unknown.contains("unknown-ca"), "\(unknown)")
    }

    @Test("explain --device asks the running gateway about the certificate that the device is connected with")
    func explainDevice() async throws {
        let gate = try await FleetGateProcess.start()
        let credentials = try gate.credentials(DeviceName.meter("4711"))
        let device = try DeviceConnection(to: gate, as: credentials)
        try await device.connect(MQTTBytes.connect(.v5))
        let explained = try await gate.run("explain", "--device", Self.meter)
        #expect(explained.standardOutput.contains(credentials.issued.sha256Fingerprint), "\(explained.standardOutput)")
        let stranger = try await gate.runFailing("explain", "--device", "hamburg-nord/meter-1")
        #expect(stranger.contains("no certificate"), "\(stranger)")

        gate.process.signal(SIGTERM)
        try await gate.process.finished()
        let alone = try await gate.runFailing("explain", "--device", Self.meter)
        #expect(alone.contains("not running"), "\(alone)")
    }

    @Test("diff against the registry: what devices that were seen would gain and lose")
    func diffAgainstRegistry() async throws {
        let gate = try await FleetGateProcess.start()
        try await gate.run("device", "add", Self.meter)
        let device = try DeviceConnection(to: gate, as: gate.credentials(DeviceName.meter("4711")))
        try await device.connect(MQTTBytes.connect(.v5))
        try device.send([0xE0, 0])
        try await device.ended()
        try gate.directory.write(
            "new/smart-meter.yaml",
            RegistryTests.profile().replacingOccurrences(of: "/telemetry", with: "/consumption"))
        // What was seen is written once a second.
        let deadline = ContinuousClock.now + .seconds(60)
        var outcome: RunningProcess.Outcome
        repeat {
            outcome = try await Program.run(
                Program.ours("fleetgate"),
                [
                    "profile", "diff", gate.path("profiles"), gate.directory.path + "/new", "--against", "registry",
                    "--config", gate.configurationPath,
                ])
        } while !outcome.everything.contains("consumption") && ContinuousClock.now < deadline
        #expect(outcome.status == 2, "\(outcome.everything)")
        #expect(outcome.standardOutput.contains("meter-4711"), "\(outcome.everything)")
        #expect(outcome.standardOutput.contains("consumption"), "\(outcome.everything)")
    }
}

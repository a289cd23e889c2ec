import ArgumentParser
import MQTTCodec
import NIOCore
import Testing

@testable import FirmwareSim

@Suite struct RunCommandTests {
    static let needed = ["--target", "h:1", "--ca", "a", "--issuer", "b", "--issuer-key", "c"]

    private func plan(_ options: String...) throws -> RunPlan {
        let command = try #require(try RunCommand.parseAsRoot(Self.needed + options) as? RunCommand)
        return try command.plan(seed: 1)
    }

    @Test func hasUsefulDefaults() throws {
        let plan = try plan()
        #expect(plan.pace == .rate(perSecond: 100, arrivals: .even))
        #expect(plan.mode == .stay(duration: nil))
        #expect(plan.fleets.map(\.firmware.backoff) == [.standard])
        #expect(plan.fleets.map(\.deviceClass) == [.native])
        #expect(plan.stages.map(\.name) == ["run"])
        #expect(plan.settings(for: plan.fleets[0]).keepAlive == .seconds(60))
        #expect(plan.shard == nil)
        #expect(plan.fleets.map(\.specification.count) == [100])
        #expect(plan.mqtt == .v3_1_1)
        #expect(plan.connectTimeout == .seconds(30))
    }

    @Test func threeFleetsInOneRun() throws {
        let plan = try plan(
            "--fleet", "name=meters;count=120;topic=m/{device}", "--fleet", "name=trackers;count=60;period=1s",
            "--fleet",
            "name=gateways;count=20", "--period", "2s")
        #expect(plan.fleets.map(\.name) == ["meters", "trackers", "gateways"])
        #expect(plan.fleets.map(\.specification.publishing.period) == [.seconds(2), .seconds(1), .seconds(2)])
    }

    @Test func connectOnlyNeverGoesBack() throws {
        let plan = try plan("--connect-only", "--rate", "0", "--concurrency", "8", "--duration", "3s")
        #expect(plan.schedule.pace == .inFlight(limit: 8))
        #expect(plan.mode == .connectOnly(duration: .seconds(3)))
        #expect(plan.mode.repeats)
        let settings = plan.settings(for: plan.fleets[0])
        #expect(settings.firmware.backoff == .none)
        #expect(settings.leaves == .afterConnack)
    }

    @Test func aShardKeepsTheRateAndNeedsASeed() throws {
        let plan = try plan("--shard", "2/4", "--seed", "9", "--rate", "100", "--devices", "10")
        #expect(plan.shard?.description == "2/4")
        #expect(plan.pace == .rate(perSecond: 100, arrivals: .even))
        #expect(plan.schedule.pace == plan.pace, "the timetable is the whole run's")
        #expect(plan.ownInFlightMax == nil)
        #expect(throws: (any Error).self) { try self.plan("--shard", "2/4") }
    }

    @Test(arguments: [["run"], ["scenario", "run", "soak"]])
    func mistakesAreToldAllAtOnce(command: [String]) throws {
        let options = ["--target", "h:99999", "--tls", "1.4", "--mqtt", "4", "--loops", "0"]
        let error = #expect(throws: (any Error).self) { try FirmwareSimCommand.parseAsRoot(command + options) }
        let text = FirmwareSimCommand.message(for: try #require(error))
        for code in ["5 mistakes", "bad-target", "bad-tls", "bad-mqtt", "bad-loops", "credentials-missing"] {
            #expect(text.contains(code), "\(code): \(text)")
        }
    }

    @Test func sourceAddressesAreLeftToTheRunUnlessGiven() throws {
        #expect(try plan().sourceAddresses == nil)
        #expect(try plan("--source-addresses", "127.0.0.2-127.0.0.4").sourceAddresses?.addresses.count == 3)
    }

    @Test(
        arguments: [
            ["--shard", "0/2", "--seed", "1"], ["--shard", "3/2", "--seed", "1"], ["--shard", "1", "--seed", "1"],
            ["--shard", "3/4", "--seed", "1", "--devices", "2"], ["--device-class", "no-such-class"],
            ["--rate", "-1"], ["--rate", "2000000"], ["--rate", "nan"], ["--concurrency", "0"], ["--arrivals", "odd"],
            ["--qos", "2"], ["--payload-bytes", "-1"], ["--period", "soon"], ["--keep-alive", "1500ms"],
            ["--keep-alive", "70000"], ["--tls", "1.1"], ["--mqtt", "3.1"], ["--loops", "0"], ["--loops", "1000"],
            ["--server-pid", "0"], ["--devices", "0"], ["--certificate-days", "1"], ["--reconnect", "maybe"],
            ["--target", "h:0"], ["--source-addresses", "x"], ["--fleet", "count=1"], ["--connect-timeout", "0"],
            ["--devices", "1000", "--rate", "10", "--duration", "5s"], ["--unknown"], ["extra"],
        ])
    func refuses(options: [String]) {
        #expect(throws: (any Error).self) { try RunCommand.parseAsRoot(Self.needed + options) }
    }

    @Test func needsTargetAndFiles() {
        #expect(throws: (any Error).self) { try RunCommand.parseAsRoot(["--target", "h:1"]) }
    }
}

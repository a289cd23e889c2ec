import ArgumentParser
import Foundation
import NIOCore
import Testing

@testable import FirmwareSim

@Suite struct HandshakeCommandTests {
    private static func plan(_ arguments: [String]) throws -> LoopbackPlan {
        let command = try #require(try HandshakeCommand.parseAsRoot(["--loopback"] + arguments) as? HandshakeCommand)
        return try command.loopbackPlan(seed: 1)
    }

    @Test func optionsBecomeAPlan() throws {
        let plan = try Self.plan([
            "--tls", "1.2", "--resume", "0.25", "--loops", "3", "--count", "100", "--devices", "9", "--warm-up", "0",
        ])
        #expect(
            plan
                == LoopbackPlan(
                    tls: .v12, resumeShare: 0.25, loops: 3, end: .handshakes(100), warmUp: .zero, devices: 9, seed: 1))
        #expect(try Self.plan(["--duration", "3s"]).end == .after(.seconds(3)))
    }

    @Test(arguments: [
        ["--resume", "sometimes"], ["--resume", "1.1"], ["--resume", "-1"], ["--resume", ""], ["--resume", "1e-1"],
        ["--resume", "nan"], ["--tls", "1.1"], ["--loops", "0"], ["--loops", "257"], ["--devices", "0"],
        ["--devices", "1000000"], ["--count", "0"], ["--count", "1.5"], ["--duration", "0"], ["--duration", "8d"],
        ["--warm-up", "soon"], ["--target", "localhost"], ["--server-pid", "1"], ["--concurrency", "4"],
        ["--rate", "5"], ["--server-name", "x"], ["--html", "x.html"], ["--csv", "x.csv"], ["--metrics-port", "0"],
        ["--shard", "1/2", "--seed", "1"],
    ])
    func mistakesAreRefused(arguments: [String]) {
        #expect(throws: (any Error).self) { try Self.plan(arguments) }
    }

    @Test func sharesAtTheEndsAreNeverAndAlways() throws {
        #expect(try ResumeOption(option: "0") == .never)
        #expect(try ResumeOption(option: "1") == .always)
        #expect(try ResumeOption(option: "1.0") == .always)
        #expect(try ResumeOption(option: "always").share == 1)
        #expect(try ResumeOption(option: "never").share == 0)
        #expect(try ResumeOption(option: "0.5").share == 0.5)
    }

    private static func serverPlan(_ arguments: [String]) throws -> RunPlan {
        let all = ["--target", "127.0.0.1:8884", "--pki", NSTemporaryDirectory()] + arguments
        let command = try #require(try HandshakeCommand.parseAsRoot(all) as? HandshakeCommand)
        return try command.plan(seed: 1)
    }

    @Test func againstAServerDevicesOnlyShakeHands() throws {
        let plan = try Self.serverPlan([
            "--server-name", "localhost", "--resume", "0.5", "--duration", "3s", "--devices", "7", "--concurrency", "5",
            "--server-pid", "17", "--subject", "O=Elbe Netz,CN=meter-{n}",
        ])
        #expect(plan.target == .init(host: "127.0.0.1", port: 8_884, serverName: "localhost"))
        #expect(plan.mode == .handshakeOnly(duration: .seconds(3)))
        #expect(plan.pace == .inFlight(limit: 5))
        #expect(plan.resumption == .share(0.5))
        #expect(plan.serverProcesses == [17])
        #expect(plan.fleets.map(\.specification.count) == [7])
        #expect(try Self.serverPlan(["--rate", "20"]).pace == .rate(perSecond: 20, arrivals: .even))
        #expect(try Self.serverPlan(["--resume", "always"]).resumption == .always)
        #expect(try Self.serverPlan([]).resumption == .never)
    }

    @Test(arguments: [
        ["--rate", "5", "--concurrency", "4"], ["--rate", "0"], ["--rate", "inf"], ["--concurrency", "0"],
        ["--devices", "0"], ["--count", "5"], ["--warm-up", "1s"], ["--server-pid", "0"], ["--subject", "CN=one"],
        ["--resume", "2"], ["--tls", "1.1"], ["--duration", "0"], ["--handshake-timeout", "-1s"], ["--shard", "1/2"],
        ["--source-addresses", "nowhere"],
    ])
    func mistakesAgainstAServerAreRefused(arguments: [String]) {
        #expect(throws: (any Error).self) { try Self.serverPlan(arguments) }
    }

    @Test func withoutServerAndLoopbackThereIsNothingToDo() {
        #expect(throws: (any Error).self) { try HandshakeCommand.parseAsRoot([]) }
    }
}

import ArgumentParser
import Foundation
import NIOCore
import Testing

@testable import FirmwareSim

@Suite struct RunReportTests {
    static let epoch = NIODeadline.uptimeNanoseconds(1_000_000_000)

    static func plan(_ options: [String] = []) throws -> RunPlan {
        let command = try RunCommand.parseAsRoot(RunCommandTests.needed + options) as? RunCommand
        return try #require(command).plan(seed: 77)
    }

    /// Two devices: the first connects and publishes, of the second `failure` tells.
    static func report(
        options: [String] = ["--devices", "2"], failure: FailureReason?, lost: Int = 0, refused: Int = 0,
        busyShare: Double = 0.1, servers: [Int32] = []
    ) throws -> RunReport {
        let plan = try plan(options)
        let devices = try SimulatedDevice.all(of: plan.fleets)
        var statistics = LoopStatistics(isWarmUp: [false], fleets: 1)
        var others = statistics
        let end = epoch + .seconds(2)
        func note(_ observation: Observation) { statistics.record(observation, fleet: 0, now: end) }
        for observation: Observation in [
            .attempt, .latency(.tcp, .microseconds(900)), .latency(.tls, .milliseconds(12)),
            .handshake(resumed: false, bytes: 3_000), .connack("accepted"),
            .latency(.connack, .milliseconds(1)), .latency(.connected, .milliseconds(14)), .published,
        ] {
            note(observation)
        }
        statistics.recordProcessorTime(busySeconds: busyShare, wallSeconds: 1)
        others.recordProcessorTime(busySeconds: 0.05, wallSeconds: 1)
        var first = DeviceHistory()
        first.attempts = 1
        first.connects = 1
        first.published = 1
        first.unacknowledged = lost
        first.refusedPublishes = refused
        if lost > 0 { note(.publishesLost(lost)) }
        var second = DeviceHistory()
        second.attempts = 1
        second.lastFailure = failure
        second.connects = failure == nil ? 1 : 0
        if let failure { note(.failure(failure)) }
        let outline = plan.outline
        let material = RunMaterial(
            plan: plan, outline: outline, devices: devices, target: try SocketAddress(ipAddress: "127.0.0.1", port: 1),
            sources: .systemChoice, lapTime: .zero, renew: nil)
        let measured = LoadRun.Measured(
            startedAt: Date(timeIntervalSince1970: 0), epoch: epoch, end: end,
            outcomes: [
                .init(statistics: statistics, samples: SampleSeries(), histories: [(0, first)]),
                .init(statistics: others, samples: SampleSeries(), histories: [(1, second)]),
            ],
            processes: ProcessWatch(serverProcesses: servers, devices: 0))
        return RunReport(measured, material: material, ownDevices: devices)
    }

    @Test func addsUpWhatTheLoopsCounted() throws {
        let report = try Self.report(failure: FailureReason(.connack, "connack-5"))
        #expect(report.devices == .init(planned: 2, attempted: 2, connected: 1))
        #expect(report.handshakes.completed == 1)
        #expect(report.handshakes.perSecond == 0.5)
        #expect(report.latency["tls"]?.p50 == 12_000)
        #expect(report.failures == [.init(phase: "connack", reason: "connack-5", count: 1)])
        #expect(report.fleets[0].neverConnected == ["connack/connack-5": 1])
        #expect(report.verdict == .init(passed: false, shortcomings: ["1 of 2 devices never connected"]))
        #expect(report.handshakes.bytesPerFull == 3_000)
        #expect(report.parameters.seed == 77)
        #expect(report.startedAt == "1970-01-01T00:00:00Z")
    }

    @Test func passesOnlyIfEverythingWentWell() throws {
        #expect(try Self.report(failure: nil).verdict.passed)
        #expect(try !Self.report(failure: nil, lost: 1).verdict.passed)
        #expect(try !Self.report(failure: nil, refused: 1).verdict.passed)
        let allowed = try Self.report(
            options: ["--devices", "2", "--allow-failures"], failure: FailureReason(.tcp, "tcp-refused"), lost: 1)
        #expect(allowed.verdict.passed)
        #expect(allowed.verdict.shortcomings.count == 2)
    }

    @Test func saysWhenTheGeneratorWasTheLimit() throws {
        #expect(try Self.report(failure: nil, busyShare: 0.79).generator.limits.isEmpty)
        let report = try Self.report(failure: nil, busyShare: 0.93)
        #expect(report.generator.limits == ["an event loop was busy 93 % of the time"])
        #expect(!report.verdict.isValid)
        #expect(TableReport.render(report).contains("WARNING      the generator was the limit"))
    }

    @Test func survivesJSON() throws {
        let report = try Self.report(failure: FailureReason(.tls, "eof"))
        let data = try JSONEncoder().encode(report)
        #expect(try JSONDecoder().decode(RunReport.self, from: data) == report)
    }

    @Test func isATableForPeople() throws {
        let text = TableReport.render(try Self.report(failure: FailureReason(.connack, "connack-5")))
        #expect(text.contains("Devices      2 planned, 2 attempted, 1 connected"))
        #expect(text.contains("TLS handshake                       1   12.0 ms   12.0 ms   12.0 ms   12.0 ms"))
        #expect(text.contains("connack     connack-5       1   not authorized"))
        #expect(text.contains("Result       FAILED: 1 of 2 devices never connected"))
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= 110 })
    }
}

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
        var statistics = LoopStatistics()
        let end = epoch + .seconds(2)
        for observation: Observation in [
            .attempt, .latency(.tcp, .microseconds(900)), .latency(.tls, .milliseconds(12)), .connack("accepted"),
            .latency(.connack, .milliseconds(1)), .latency(.connected, .milliseconds(14)), .published,
        ] {
            statistics.record(observation, now: end)
        }
        var first = DeviceHistory()
        first.attempts = 1
        first.connects = 1
        first.published = 1
        first.unacknowledged = lost
        first.refusedPublishes = refused
        if lost > 0 { statistics.record(.publishesLost(lost), now: end) }
        var second = DeviceHistory()
        second.attempts = 1
        second.lastFailure = failure
        second.connects = failure == nil ? 1 : 0
        if let failure { statistics.record(.failure(failure), now: end) }
        return RunReport(
            plan: plan, devices: devices,
            outcomes: [
                .init(statistics: statistics, histories: [(0, first)], busyShare: busyShare),
                .init(statistics: LoopStatistics(), histories: [(1, second)], busyShare: 0.05),
            ],
            epoch: epoch, processes: ProcessMeasurement(serverProcesses: servers),
            startedAt: Date(timeIntervalSince1970: 0))
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
        #expect(TableReport.render(report).contains("WARNING      the generator was the limit"))
    }

    @Test func aServerThatIsNotThereHasNoFigure() throws {
        let report = try Self.report(failure: nil, servers: [Int32.max])
        #expect(report.servers.isEmpty, "the measurement was not finished")
        var measurement = ProcessMeasurement(serverProcesses: [Int32.max])
        measurement.finish()
        #expect(measurement.servers.map(\.processorSeconds) == [nil])
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

@Suite struct LatencyTextTests {
    @Test(
        arguments: [
            (0, "0 us"), (999, "999 us"), (1_000, "1.00 ms"), (1_234, "1.23 ms"), (12_345, "12.3 ms"),
            (123_456, "123 ms"),
            (999_999, "1000 ms"), (1_000_000, "1.00 s"), (61_000_000, "61.0 s"),
        ])
    func rendersTimes(microseconds: UInt64, expected: String) {
        #expect(LatencyText.render(microseconds: microseconds) == expected)
    }

    @Test(arguments: [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567"), (-1_234, "-1,234")])
    func groupsDigits(number: Int, expected: String) {
        #expect(LatencyText.grouped(number) == expected)
    }
}

@Suite struct ProgressDisplayTests {
    private func progress(_ seconds: Double, connects: Int, connected: Int? = nil) -> LoadRun.Progress {
        var counters = RunCounters()
        counters.connects = connects
        return LoadRun.Progress(
            counters: counters, connectedNow: connected ?? connects, devices: 1_000, isConnectOnly: false,
            elapsedSeconds: seconds)
    }

    @Test func aPlainLineEachSecondWithTheRateSinceTheLast() {
        var display = ProgressDisplay(style: .lines)
        #expect(display.show(progress(0, connects: 0)) != nil)
        #expect(display.show(progress(0.9, connects: 90)) == nil)
        #expect(
            display.show(progress(2, connects: 500)) == "    2s  connected 500/1,000  250 connects/s  failures 0\n")
        #expect(display.end.isEmpty)
    }

    @Test func aBarOnATerminal() {
        var display = ProgressDisplay(style: .terminal(columns: 80))
        let line = display.show(progress(1, connects: 500))
        #expect(line == "\r\u{1B}[2K[##############...............] connected 500/1,000  500 connects/s  failures 0")
        #expect(display.end == "\n")
    }

    @Test(arguments: [0, 1, 10, 20, 40, 60])
    func neverWiderThanTheTerminal(columns: Int) {
        var display = ProgressDisplay(style: .terminal(columns: columns))
        let line = display.show(progress(1, connects: 2_000, connected: 2_000)) ?? ""
        #expect(line.dropFirst("\r\u{1B}[2K".count).count <= max(columns, 0))
    }
}

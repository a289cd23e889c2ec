import NIOCore
import Testing

@testable import FirmwareSim

@Suite struct RunReportMergingTests {
    /// What devices of one run did, so that the same can be reported as a whole and in parts.
    private struct Made {
        var latencies: [UInt64] = []
        var connected: [Int] = []

        func report(shard: String?) -> RunReport {
            var report = ReportFixture.report(samples: 0)
            report.parameters.shard = shard
            report.parameters.loops = 1
            report.stages = []
            report.assertions = []
            report.verdict = .init(passed: true, shortcomings: [])
            report.durationSeconds = Double(connected.count)
            report.latency = ["tls": ReportFixture.latency(latencies)]
            let count = latencies.count
            report.handshakes = .init(
                attempts: count, completed: count, resumed: count / 2, perSecond: Double(count) / 4,
                fullPerSecond: Double(count - count / 2) / 4, resumedPerSecond: Double(count / 2) / 4, connects: count,
                connectsPerSecond: Double(count) / 5, bytesPerFull: 3_000, bytesPerResumed: 600)
            report.devices = .init(planned: count, attempted: count, connected: count)
            report.connack = ["accepted": count]
            report.failures = []
            report.publishing = .init(published: 2 * count, acknowledged: count, lost: 0, skipped: 0)
            report.commands = .init(sent: count, answered: count, unanswered: 0)
            report.milestones = []
            report.fleets[0].devices = count
            report.fleets[0].connected = count
            report.fleets[0].published = 2 * count
            report.fleets[0].acknowledged = count
            report.fleets[0].neverConnected = [:]
            report.fleets[0].expectation = .init(outcome: "accepted", reasons: [], met: count, violated: [:])
            report.fleets[0].latency = report.latency
            report.fleets[0].handshakes = report.handshakes
            report.fleets[0].failures = []
            report.generator = .init(
                processorSeconds: Double(count), loopBusyShareMax: 0.2, loopDelay: ReportFixture.latency(latencies),
                startDelay: ReportFixture.latency([]), limits: [])
            report.servers = []
            report.series = .init(
                intervalSeconds: 1,
                samples: connected.map { connected in
                    var sample = RunReport.Sample()
                    sample.connected = connected
                    sample.fullHandshakes = connected
                    return sample
                })
            return report
        }
    }

    private static let first = Made(latencies: (1...400).map { $0 * 37 }, connected: [100, 300, 400])
    private static let second = Made(latencies: (1...200).map { $0 * $0 * 50 + 3 }, connected: [50, 150, 200])
    private static var whole: Made {
        Made(latencies: first.latencies + second.latencies, connected: [150, 450, 600])
    }

    private func parts() -> [RunReport] {
        [Self.first.report(shard: "1/2"), Self.second.report(shard: "2/2")]
    }

    @Test func theSumOfThePartsIsTheWhole() throws {
        var expected = Self.whole.report(shard: nil)
        expected.parameters.loops = 2
        let merged = try RunReport.merged(parts())
        #expect(merged.latency == expected.latency)
        #expect(merged.handshakes == expected.handshakes)
        #expect(merged.series == expected.series)
        #expect(merged.fleets == expected.fleets)
        #expect(merged == expected)
        #expect(try RunReport.merged(parts().reversed()) == expected, "the order of the parts does not matter")
    }

    @Test func bucketEndsAreThoseOfTheHistogram() {
        for value: UInt64 in [0, 1, 2_047, 2_048, 2_049, 4_095, 4_096, 12_345, 1_000_000, 3_599_999_999] {
            // A larger value after it, so that the bucket is not cut at the maximum.
            let buckets = ReportFixture.latency([value, value * 2 + 100_000]).buckets
            #expect(LatencyMerging.upperEnd(of: value, .thousandth) == buckets[0][0])
        }
        #expect(LatencyMerging.upperEnd(of: .max, .thousandth) == .max)
        #expect(LatencyMerging.upperEnd(of: 255, .hundredth) == 255)
        #expect(LatencyMerging.upperEnd(of: 256, .hundredth) == 257)
    }

    @Test(arguments: [[1], [5, 5, 5], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [2_048, 2_049, 9_999_999], Array(1...1_000)])
    func percentilesAreThoseOfTheHistogram(values: [UInt64]) {
        let latency = ReportFixture.latency(values)
        #expect(LatencyMerging.merged([latency], .thousandth) == latency)
    }

    @Test func nothingAddedIsNothing() {
        let empty = ReportFixture.latency([])
        #expect(LatencyMerging.merged([], .thousandth) == empty)
        #expect(LatencyMerging.merged([empty, empty], .thousandth) == empty)
    }

    @Test func finerSeriesAreBroughtToTheCoarserOne() throws {
        var parts = parts()
        parts[1].series.intervalSeconds = 2
        let merged = try RunReport.merged(parts)
        #expect(merged.series.intervalSeconds == 2)
        #expect(merged.series.samples.map(\.connected) == [350, 550, 200])
        #expect(merged.series.samples.map(\.fullHandshakes) == [450, 550, 200])
        parts[1].series.intervalSeconds = 1.5
        let error = #expect(throws: SimulatorError.self) { try RunReport.merged(parts) }
        #expect(error?.code == "series-mismatch")
    }

    @Test func milestonesComeFromTheNumberConnected() throws {
        var parts = parts()
        parts[0].milestones = [
            .init(share: 0.5, seconds: 1.4), .init(share: 0.99, seconds: 2.9), .init(share: 1, seconds: 2.95),
        ]
        parts[1].milestones = [
            .init(share: 0.5, seconds: 1.2), .init(share: 0.99, seconds: nil), .init(share: 1, seconds: nil),
        ]
        let merged = try RunReport.merged(parts)
        #expect(merged.milestones.map(\.share) == [0.5, 0.99, 1])
        #expect(merged.milestones[0].seconds == 1.4, "not later than the later part")
        #expect(merged.milestones[1].seconds == 3)
        parts[1].milestones[2].seconds = 2.5
        #expect(
            try RunReport.merged(parts).milestones[2].seconds == 2.95, "the last device of all is the last of a part")
        parts[0].milestones[2].seconds = nil
        parts[1].milestones[2].seconds = nil
        #expect(try RunReport.merged(parts).milestones[2].seconds == nil)
    }

    @Test func aServerThatAllMeasuredCountsOnce() throws {
        var parts = parts()
        for index in parts.indices {
            parts[index].servers = [
                .init(
                    processID: 7, processorSeconds: index == 0 ? 10 : 12, residentBytesAtStart: 1_000_000,
                    residentBytesMax: 7_000_000, residentBytesPerDevice: 15_000)
            ]
        }
        parts[1].servers.append(.init(processID: 8, processorSeconds: nil))
        let merged = try RunReport.merged(parts)
        #expect(merged.servers.map(\.processID) == [7, 8])
        #expect(merged.servers[0].processorSeconds == 12)
        #expect(merged.servers[0].connectsPerProcessorSecond == 50)
        #expect(merged.servers[0].residentBytesPerDevice == 10_000)
        #expect(merged.servers[1].processorSeconds == nil)
    }

    @Test func theVerdictIsOfTheWhole() throws {
        var parts = parts()
        for index in parts.indices {
            parts[index].parameters.mode = "stay"
            parts[index].verdict = .init(
                passed: false,
                shortcomings: [
                    "\(index + 2) of 99 devices never connected", "1 QoS 1 publishes were refused", "not so: x (y)",
                ])
        }
        parts[1].verdict.isValid = false
        parts[1].generator.limits = ["an event loop was busy 99 % of the time"]
        let merged = try RunReport.merged(parts)
        #expect(merged.verdict.shortcomings == ["5 of 600 devices never connected", "2 QoS 1 publishes were refused"])
        #expect(!merged.verdict.passed)
        #expect(!merged.verdict.isValid)
        #expect(merged.generator.limits == ["part 2/2: an event loop was busy 99 % of the time"])
    }

    @Test func allowedFailuresStayAllowed() throws {
        var parts = parts()
        parts[0].parameters.mode = "stay"
        parts[1].parameters.mode = "stay"
        parts[0].verdict = .init(passed: true, shortcomings: ["3 of 400 devices never connected"])
        let merged = try RunReport.merged(parts)
        #expect(merged.verdict == .init(passed: true, shortcomings: ["3 of 600 devices never connected"]))
    }

    @Test(arguments: [
        ["1/2"], ["1/2", "1/2"], ["1/2", "2/3"], ["1/2", nil], [nil, nil], ["1/2", "0/2"], ["1/2", "3/2"],
        ["1/2", "x/2"],
        ["1/2", "2/999999999"], ["1/2", "2/2", "1/2"], ["/", "2/2"], ["1/2", "2/-2"],
    ])
    func onlyAllPartsOfOneRunAreMerged(shards: [String?]) {
        let parts = shards.map { Self.first.report(shard: $0) }
        let error = #expect(throws: SimulatorError.self) { try RunReport.merged(parts) }
        #expect(error?.code == "other-run")
    }

    @Test func partsOfDifferentRunsAreRefusedWithAllReasons() {
        var parts = parts()
        parts[1].parameters.seed = 43
        parts[1].parameters.scenario = "ramp"
        parts[1].parameters.scale = 2
        parts[1].parameters.target = "other:1"
        let error = #expect(throws: SimulatorError.self) { try RunReport.merged(parts) }
        for word in ["seed (42 and 43)", "scenario (boot-storm and ramp)", "scale", "target"] {
            #expect(error?.explanation.contains(word) == true, "\(word)")
        }
        #expect(throws: SimulatorError.self) { try RunReport.merged([]) }
    }

    @Test func otherFleetsOrStagesAreRefused() {
        var parts = parts()
        parts[1].fleets[0].name = "other"
        #expect(throws: SimulatorError.self) { try RunReport.merged(parts) }
        parts = self.parts()
        parts[1].stages = ReportFixture.report().stages
        #expect(throws: SimulatorError.self) { try RunReport.merged(parts) }
    }

    @Test func assertionsAreJudgedOverTheWhole() throws {
        var parts = parts()
        for index in parts.indices {
            parts[index].assertions = [.init(text: "connected == 600", passed: false, observed: "\(index)")]
        }
        var merged = try RunReport.merged(parts)
        #expect(merged.assertions.map(\.passed) == [true])
        #expect(merged.verdict.passed)
        for index in parts.indices {
            parts[index].assertions = [.init(text: "connected == 400", passed: true, observed: "")]
        }
        merged = try RunReport.merged(parts)
        #expect(merged.assertions.map(\.passed) == [false])
        #expect(!merged.verdict.passed)
        for index in parts.indices { parts[index].assertions[0].text = "drop table" }
        #expect(throws: SimulatorError.self) { try RunReport.merged(parts) }
    }

    @Test func stagesAreAddedUpByFleet() throws {
        var parts = parts()
        for index in parts.indices {
            parts[index].stages = ReportFixture.report(samples: 3).stages
            parts[index].durationSeconds = 3
        }
        parts[0].stages[1].fleets = [:]
        let merged = try RunReport.merged(parts)
        #expect(merged.stages[1].handshakes.completed == 60)
        #expect(merged.stages[1].latency["tls"]?.count == 6)
        #expect(merged.stages[1].fleets["meters"]?.handshakes.completed == 30)
        #expect(
            merged.stages[1].failures.first
                == .init(phase: "tls", reason: "alert-certificate-revoked", count: 60, expected: 60))
    }
}

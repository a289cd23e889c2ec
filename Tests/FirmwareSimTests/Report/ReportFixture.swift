import NIOCore

@testable import FirmwareSim

/// Made-up reports, complete and consistent, without a run.
enum ReportFixture {
    static let hostile = "<script>alert(\"1\")</script>&'\u{1B}[31m\u{202E}\u{0}]]>"

    static func latency(_ values: [UInt64]) -> RunReport.Latency {
        var histogram = LatencyHistogram()
        for value in values { histogram.record(.microseconds(Int64(value))) }
        return RunReport.Latency(histogram)
    }

    static func sample(_ index: Int, connected: Int, latencies: [UInt64] = [8_000, 12_000, 95_000]) -> RunReport.Sample
    {
        var sample = RunReport.Sample()
        sample.connected = connected
        sample.attempts = 12
        sample.fullHandshakes = 7
        sample.resumedHandshakes = 3
        sample.connects = 10
        sample.failures = ["tls/eof": 1, "connack/connack-5": 1]
        sample.published = 40
        sample.acknowledged = 39
        sample.latency = [
            "tls": latency(latencies), "connected": latency(latencies.map { $0 * 2 }),
            "publish": latency(latencies.map { $0 / 4 }), "command": latency(latencies.map { $0 / 2 }),
        ]
        sample.generatorBusy = 0.2
        sample.loopDelayMax = 900
        sample.serverProcessors = 0.8
        sample.serverResidentBytes = UInt64(50_000_000 + index * 1_000)
        return sample
    }

    static func parameters(seed: UInt64 = 42) -> RunReport.Parameters {
        RunReport.Parameters(
            target: "broker.example:8883", tls: "1.2", mqtt: "3.1.1", mode: "scenario", scenario: "boot-storm",
            scale: 0.5,
            timeScale: 1, reconnect: "full-jitter:1s,60s", loops: 2, seed: seed)
    }

    static func report(samples: Int = 20, name: String = "meters", seed: UInt64 = 42) -> RunReport {
        let latencies = ["tls": latency([8_000, 12_000, 95_000]), "connected": latency([16_000, 24_000, 190_000])]
        let handshakes = RunReport.Handshakes(
            attempts: 12 * samples, completed: 10 * samples, resumed: 3 * samples, perSecond: 10, fullPerSecond: 7,
            resumedPerSecond: 3, connects: 10 * samples, connectsPerSecond: 10, bytesPerFull: 3_100,
            bytesPerResumed: 700)
        let failures = [
            RunReport.Failure(phase: "tls", reason: "alert-certificate-revoked", count: 30, expected: 30),
            RunReport.Failure(phase: "connack", reason: "connack-5", count: 4, expected: 0),
        ]
        var report = RunReport(
            startedAt: "2026-01-02T03:04:05Z", parameters: parameters(seed: seed),
            devices: .init(planned: 200, attempted: 200, connected: 198),
            fleets: [
                .init(
                    name: name, deviceClass: "c2-m4sw-ble", devices: 200, connected: 198, published: 800,
                    acknowledged: 790,
                    neverConnected: ["connack/connack-5": 2],
                    expectation: .init(outcome: "accepted", reasons: [], met: 198, violated: ["connack/connack-5": 2]),
                    latency: latencies, handshakes: handshakes, failures: failures)
            ],
            handshakes: handshakes, connack: ["accepted": 198, "connack-5": 4], latency: latencies,
            publishing: .init(published: 800, acknowledged: 790, lost: 3, skipped: 1), failures: failures,
            generator: .init(
                processorSeconds: 3.5, loopBusyShareMax: 0.31, loopDelay: latency([100, 300]),
                startDelay: latency([50]),
                limits: []),
            servers: [
                .init(
                    processID: 4_711, processorSeconds: 8, connectsPerProcessorSecond: 25,
                    handshakesPerProcessorSecond: 26,
                    residentBytesAtStart: 40_000_000, residentBytesMax: 60_000_000, residentBytesPerDevice: 100_000)
            ],
            verdict: .init(passed: false, shortcomings: ["\(name): 2 of 200 devices were not accepted as they must be"])
        )
        report.durationSeconds = Double(samples)
        report.milestones = [.init(share: 0.5, seconds: 4.2), .init(share: 1, seconds: nil)]
        report.commands = .init(sent: 10, answered: 9, unanswered: 1)
        report.stages = [
            .init(
                name: "calm", startSeconds: 0, endSeconds: Double(samples) / 2, isWarmUp: true, latency: latencies,
                handshakes: handshakes, milestones: [.init(share: 1, seconds: 3)], failures: [], fleets: [:]),
            .init(
                name: "storm", startSeconds: Double(samples) / 2, endSeconds: Double(samples), isWarmUp: false,
                latency: latencies, handshakes: handshakes, milestones: [.init(share: 1, seconds: nil)],
                failures: failures,
                fleets: [name: .init(latency: latencies, handshakes: handshakes, failures: failures)]),
        ]
        report.series.samples = (0..<samples).map { sample($0, connected: min(198, $0 * 20)) }
        report.assertions = [
            .init(text: "p99 handshake during storm < 2s", passed: true, observed: "95.0 ms"),
            .init(text: "failures == 0", passed: false, observed: "4"),
        ]
        return report
    }
}

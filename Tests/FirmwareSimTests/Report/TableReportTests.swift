import Testing

@testable import FirmwareSim

@Suite struct TableReportTests {
    @Test func hasWhatSchema2Knows() {
        let text = TableReport.render(ReportFixture.report())
        for fact in [
            "scenario boot-storm, scale 0.5", "140 full (7.00/s), 60 resumed (3.00/s)",
            "TLS bytes each: 3,100 full, 700 resumed",
            "Connected    50 % after 4.20 s, 100 % never", "Commands     10 sent, 9 answered, 1 not answered in time",
            "BUT connack/connack-5 2", "DOES NOT HOLD", "calm (warm-up)",
            "memory: at most 57.2 MiB, 38.1 MiB at the start",
            "26.0 handshakes per CPU-second",
        ] {
            #expect(text.contains(fact), "\(fact)\n\(text)")
        }
    }

    @Test func saysNothingOfWhatDidNotOccur() {
        var report = ReportFixture.report()
        report.milestones = [.init(share: 0.5, seconds: 0), .init(share: 1, seconds: 0)]
        report.handshakes.bytesPerFull = 0
        report.servers[0].residentBytesPerDevice = 0
        report.parameters.mode = "handshake"
        let text = TableReport.render(report)
        #expect(text.contains("Connected    all before the measuring began"))
        #expect(text.contains("TLS bytes each: 700 resumed"))
        #expect(!text.contains("0 B per device"))
        #expect(!text.contains("\nCONNACK "))
    }

    @Test func anInvalidResultSaysSo() {
        var report = ReportFixture.report()
        report.verdict.isValid = false
        report.generator.limits = ["devices were started late"]
        let text = TableReport.render(report)
        #expect(text.contains("Result       INVALID (the generator was the limit), otherwise FAILED"))
        #expect(text.contains("WARNING      the generator was the limit: devices were started late"))
    }

    @Test func namesCannotReachTheTerminal() {
        var report = ReportFixture.report(name: ReportFixture.hostile)
        report.connack = [ReportFixture.hostile: 1]
        report.parameters.target = ReportFixture.hostile
        report.verdict.shortcomings = [ReportFixture.hostile]
        report.generator.limits = [ReportFixture.hostile]
        report.failures = [.init(phase: ReportFixture.hostile, reason: ReportFixture.hostile, count: 1)]
        let text = TableReport.render(report)
        #expect(!text.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" || $0.value == 0x202E })
    }
}

import Foundation
import Testing

@testable import FirmwareSim

@Suite struct RunComparisonTests {
    private func comparison(_ change: (inout RunReport) -> Void = { _ in }) -> RunComparison {
        var other = ReportFixture.report()
        change(&other)
        return RunComparison(ReportFixture.report(), named: "a.json", other, named: "b.json")
    }

    private func passing(_ report: inout RunReport) {
        report.verdict = .init(passed: true, shortcomings: [])
    }

    @Test func differencesAndRatios() throws {
        let comparison = comparison { report in
            report.handshakes.perSecond = 25
            report.latency["tls"] = ReportFixture.latency([4_000, 4_000, 4_000])
            report.servers[0].processorSeconds = 4
            report.failures = [.init(phase: "tls", reason: "eof", count: 7)]
        }
        func row(_ name: String) throws -> RunComparison.Row {
            try #require(comparison.rows.first { $0.figure == name })
        }
        #expect(try row("handshakes per second").difference == 15)
        #expect(try row("handshakes per second").ratio == 2.5)
        #expect(try row("TLS handshake p50").b == 4_000)
        #expect(try row("handshakes per CPU second of the target").ratio == 2)
        #expect(try row("failures tls/eof").a == 0)
        #expect(try row("failures tls/eof").ratio == nil, "nothing is a multiple of nothing")
        #expect(try row("failures connack/connack-5").difference == -4)
        #expect(
            ComparisonText.cells(try row("handshakes per second"))
                == ["handshakes per second", "10.0", "25.0", "+15.0", "2.50 x"].map { $0 == "2.50 x" ? "2.5 x" : $0 })
    }

    @Test func whatOneDidNotMeasureIsAbsent() throws {
        let comparison = comparison {
            $0.latency = [:]
            $0.servers = []
        }
        let row = try #require(comparison.rows.first { $0.figure == "TLS handshake p99" })
        #expect(row.a == 94_911 || row.a == 95_000)
        #expect(row.b == nil)
        #expect(row.difference == nil)
        #expect(ComparisonText.cells(row)[2] == "-")
    }

    @Test func whatIsNotAlikeIsSaid() {
        var same = ReportFixture.report()
        passing(&same)
        #expect(RunComparison(same, named: "a", same, named: "b").warnings.isEmpty)
        let comparison = comparison { report in
            report.parameters.scenario = "ramp"
            report.parameters.scale = 1
            report.parameters.tls = "1.3"
            report.parameters.shard = "1/2"
            report.devices.planned = 5
            report.fleets[0].name = "other"
            report.verdict.isValid = false
            report.generator.limits = ["busy"]
        }
        for text in [
            "A failed", "B is INVALID: its generator was the limit, not its target (busy)",
            "scenario differs: A boot-storm, B ramp", "scale of devices differs: A 0.5, B 1",
            "TLS version differs: A 1.2, B 1.3",
            "B is only part 1/2 of a run; merge the parts first", "number of devices differs: A 200, B 5",
        ] {
            #expect(comparison.warnings.contains(text), "\(text)")
            #expect(ComparisonText.render(comparison).contains("WARNING  \(text)"))
        }
    }

    @Test func bothCurvesAreInOnePlot() throws {
        var other = ReportFixture.report(samples: 7)
        other.series.intervalSeconds = 3
        let a = ReportFixture.report(samples: 20)
        let html = ComparisonPage.render(RunComparison(a, named: "a", other, named: "b"), a, other)
        let page = try PageReader(html)
        #expect(page.ids.contains("latency-tls"))
        #expect(page.text.contains("Not like for like"))
        #expect(page.readings.first?.contains("A 40, B 0") == true, "after 3 s A has 40 connected in its third sample")
    }

    @Test func hostileNamesStayText() throws {
        var a = ReportFixture.report(name: ReportFixture.hostile)
        a.parameters.scenario = ReportFixture.hostile
        a.failures = [.init(phase: ReportFixture.hostile, reason: "x", count: 1)]
        let b = ReportFixture.report(samples: 0)
        let comparison = RunComparison(a, named: ReportFixture.hostile, b, named: "b")
        let page = try PageReader(ComparisonPage.render(comparison, a, b))
        #expect(page.elements["script"] == 1)
        let text = ComparisonText.render(comparison)
        #expect(!text.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" || $0.value == 0x202E })
    }

    @Test func isJSONForPrograms() throws {
        let json = try JSONReport.render(comparison())
        let object = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        #expect(
            (object["rows"] as? [[String: Any]])?.contains { $0["figure"] as? String == "handshakes per second" }
                == true)
        #expect((object["a"] as? [String: Any])?["name"] as? String == "a.json")
    }
}

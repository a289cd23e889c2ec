import Crypto
import Foundation
import FoundationXML
import Testing

@testable import FirmwareSim

/// What an XML parser makes of a page.
final class PageReader: NSObject, XMLParserDelegate {
    private(set) var elements: [String: Int] = [:]
    private(set) var ids: [String] = []
    private(set) var attributes: Set<String> = []
    private(set) var text = ""
    private(set) var paths: [String] = []
    private(set) var readings: [String] = []
    private var open: [String] = []
    private(set) var style = ""
    private(set) var script = ""
    private(set) var policy = ""
    private var problem: (any Error)?

    init(_ html: String) throws {
        super.init()
        let parser = XMLParser(data: Data(html.utf8))
        parser.delegate = self
        guard parser.parse() else { throw problem ?? parser.parserError ?? CocoaError(.coderReadCorrupt) }
    }

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
        attributes values: [String: String]
    ) {
        open.append(name)
        elements[name, default: 0] += 1
        attributes.formUnion(values.keys)
        if let id = values["id"] { ids.append(id) }
        if let path = values["d"] { paths.append(path) }
        if let reading = values["data-reading"] { readings.append(reading) }
        if values["http-equiv"] == "Content-Security-Policy" { policy = values["content"] ?? "" }
    }

    func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) {
        open.removeLast()
    }

    func parser(_ parser: XMLParser, foundCharacters string: String) {
        switch open.last {
        case "style": style += string
        case "script": script += string
        case _: text += string
        }
    }

    func parser(_ parser: XMLParser, parseErrorOccurred parseError: any Error) { problem = parseError }
}

@Suite struct HTMLReportTests {
    @Test func isOneWellFormedPageWithItsPlots() throws {
        let page = try PageReader(HTMLReport.render(ReportFixture.report()))
        for id in [
            "connected", "handshakes", "traffic", "latency-tls", "latency-connected", "latency-publish",
            "latency-command",
            "histogram-tls", "histogram-connected", "failures", "generator", "server-cpu", "server-memory",
        ] {
            #expect(page.ids.contains(id), "\(id)")
        }
        #expect(Set(page.ids).count == page.ids.count, "an id occurs twice")
        #expect(page.elements["h1"] == 1)
        let charts = page.elements["figure"] ?? 0
        #expect(page.elements["desc"] == charts, "every plot says in words what it shows")
        #expect(page.elements["details"] == charts, "every plot has a table")
        #expect(page.readings.count == charts - 1, "all but the bars can be read point by point")
    }

    @Test func saysWhatMatters() throws {
        let text = try PageReader(HTMLReport.render(ReportFixture.report())).text
        for fact in [
            "FAILED", "198", "of 200 planned", "10.0/s", "95.0 ms", "boot-storm against broker.example:8883", "seed 42",
            "p99 handshake during storm < 2s", "does not hold", "c2-m4sw-ble", "storm", "calm (warm-up)",
            "process 4711",
            "tls/alert-certificate-revoked", "the server refused the device's certificate",
            "firmware-sim scenario run boot-storm --target broker.example:8883 --tls 1.2 --scale 0.5 --loops 2 --seed 42",
        ] {
            #expect(text.contains(fact), "\(fact)")
        }
    }

    @Test func theVerdictIsPlain() throws {
        var report = ReportFixture.report()
        report.verdict = .init(passed: true, shortcomings: [])
        #expect(try PageReader(HTMLReport.render(report)).text.contains("Passed"))
        report.verdict.isValid = false
        report.generator.limits = ["an event loop was busy 97 % of the time"]
        let text = try PageReader(HTMLReport.render(report)).text
        #expect(text.contains("INVALID"))
        #expect(text.contains("an event loop was busy 97 % of the time"))
        #expect(!text.contains("Passed"))
    }

    @Test func loadsNothingAndAllowsOnlyItsOwnStyleAndScript() throws {
        let html = HTMLReport.render(ReportFixture.report())
        let page = try PageReader(html)
        #expect(page.policy.hasPrefix("default-src 'none';"))
        for part in [page.style, page.script] {
            let hash = Data(SHA256.hash(data: Data(part.utf8))).base64EncodedString()
            #expect(page.policy.contains("'sha256-\(hash)'"))
        }
        #expect(page.attributes.isDisjoint(with: ["src", "href", "style", "onclick", "onload", "xlink:href"]))
        #expect(page.elements.keys.allSatisfy { !["link", "img", "iframe", "object", "base", "form"].contains($0) })
        #expect(!page.style.contains("url("))
        #expect(!page.style.contains("@import"))
    }

    @Test func namesFromFilesAndPeersStayText() throws {
        let hostile = ReportFixture.hostile
        var report = ReportFixture.report(name: hostile)
        report.parameters.target = hostile
        report.parameters.scenario = hostile
        report.parameters.mode = hostile
        report.parameters.arrivals = hostile
        report.startedAt = hostile
        report.failures.append(.init(phase: hostile, reason: hostile, count: 1))
        report.assertions.append(.init(text: hostile, passed: false, observed: hostile))
        report.verdict.shortcomings = [hostile]
        report.stages[0].name = hostile
        report.fleets[0].deviceClass = hostile
        report.fleets[0].expectation?.violated = [hostile: 1]
        report.series.samples[0].failures = [hostile: 1]
        let html = HTMLReport.render(report)
        let page = try PageReader(html)
        #expect(page.elements["script"] == 1)
        #expect(!html.contains("<script>alert"))
        #expect(!html.unicodeScalars.contains { $0.value == 0x1B || $0.value == 0x202E || $0.value == 0 })
        #expect(page.text.contains("<script>alert(\"1\")</script>&'"))
    }

    @Test(arguments: [0, 1, 2])
    func fewSamplesAreDrawnSanely(count: Int) throws {
        var report = ReportFixture.report(samples: count)
        if count == 0 {
            report.latency = [:]
            report.durationSeconds = 0
            report.failures = []
            report.stages = []
        }
        let page = try PageReader(HTMLReport.render(report))
        #expect(page.paths.allSatisfy { !$0.contains("nan") && !$0.contains("inf") })
        if count == 0 {
            #expect(page.text.contains("nothing was measured"))
            #expect(page.paths.isEmpty)
        } else {
            #expect(!page.paths.isEmpty)
        }
        if count == 1 { #expect((page.elements["circle"] ?? 0) > 0, "a lone point must show") }
    }

    @Test func absurdFiguresDoNotBreakThePage() throws {
        var report = ReportFixture.report(samples: 3)
        report.series.samples[1].generatorBusy = .infinity
        report.series.samples[1].serverProcessors = .nan
        report.series.samples[2].connected = .max
        report.series.samples[2].serverResidentBytes = .max
        report.handshakes.perSecond = 1e300
        report.durationSeconds = .greatestFiniteMagnitude
        report.stages[0].endSeconds = -.infinity
        report.failures[0].count = .max
        _ = try PageReader(HTMLReport.render(report))
    }

    @Test func figuresReachTheirPlots() throws {
        let page = try PageReader(HTMLReport.render(ReportFixture.report(samples: 3)))
        #expect(page.readings.contains { $0.contains("resident 47.7 MiB") })
        #expect(page.readings.contains { $0.contains("processors 0.8 CPU") })
        #expect(page.readings.contains { $0.contains("busy 20 %") })
        #expect(page.readings.contains { $0.contains(#"full 7\/s, resumed 3\/s"#) })
        #expect(page.readings.contains { $0.contains("p50 12.0 ms, p90 95.0 ms, p99 95.0 ms") })
        #expect(page.readings.contains { $0.contains(": 33 %") }, "a third of the values is in one bar")
    }

    @Test func aWeekStaysSmall() throws {
        var report = ReportFixture.report(samples: 600)
        report.series.intervalSeconds = 1_008
        report.durationSeconds = 604_800
        let html = HTMLReport.render(report)
        #expect(html.utf8.count < 2_000_000)
        #expect(try PageReader(html).text.contains("1 d"))
    }

    @Test func theEndOfARunIsNotDrawnAsACollapse() {
        var report = ReportFixture.report(samples: 20)
        report.durationSeconds = 19.4
        #expect(report.plottedSamples == Array(report.series.samples.prefix(19)))
        report.durationSeconds = 0.4
        #expect(report.plottedSamples == report.series.samples, "a short run has nothing else to draw")
        report.durationSeconds = .infinity
        #expect(report.plottedSamples == report.series.samples)
    }

    @Test func devicesConnectedInTheWarmUpAreNoRecord() throws {
        var report = ReportFixture.report()
        report.milestones = [.init(share: 1, seconds: 0)]
        #expect(try !PageReader(HTMLReport.render(report)).text.contains("All connected after"))
        report.stages[1].milestones = [.init(share: 1, seconds: 2.5)]
        let text = try PageReader(HTMLReport.render(report)).text
        #expect(text.contains("All connected after"))
        #expect(text.contains("from the beginning of storm"))
    }

    @Test func handshakesAloneConnectNobody() throws {
        var report = ReportFixture.report()
        report.parameters.mode = "handshake"
        for index in report.series.samples.indices { report.series.samples[index].connected = 0 }
        let page = try PageReader(HTMLReport.render(report))
        #expect(!page.ids.contains("connected"))
        #expect(page.ids.contains("handshakes"))
    }

    @Test func readingsMatchTheirSamples() throws {
        struct Reading: Decodable { var at: [Double], text: [String] }
        let page = try PageReader(HTMLReport.render(ReportFixture.report(samples: 20)))
        let first = try #require(page.readings.first)
        let reading = try JSONDecoder().decode(Reading.self, from: Data(first.utf8))
        #expect(reading.at.count == 21, "nobody is connected at second 0")
        #expect(reading.text.count == 21)
        #expect(reading.text[0] == "0.00 s: connected 0")
        #expect(reading.at == reading.at.sorted())
        #expect(reading.text[4] == "4.00 s: connected 60")
    }
}

@Suite struct PlotScaleTests {
    @Test(
        arguments: [
            (0, 1, 1), (1, 1, 1), (7, 8, 2), (198, 200, 50), (1_000, 1_000, 200), (48_211, 50_000, 10_000),
        ])
    func countsHaveNiceTicks(maximum: Double, upper: Double, step: Double) {
        let scale = PlotScale.linear(to: maximum, unit: .count)
        #expect(scale.upper == upper)
        #expect(scale.ticks.first == 0)
        #expect(scale.ticks.last == upper)
        #expect(scale.ticks[1] == step)
    }

    @Test func memoryHasTicksInItsUnit() {
        let scale = PlotScale.linear(to: 60_000_000, unit: .bytes)
        #expect(scale.ticks.map(PlotUnit.bytes.tick) == ["0 B", "20 MiB", "40 MiB", "60 MiB"])
    }

    @Test func latenciesHaveALogarithmicAxis() {
        let scale = PlotScale.logarithmic(from: 900, to: 95_000)
        #expect(scale.lower == 500)
        #expect(scale.upper == 100_000)
        #expect(scale.ticks.map(PlotUnit.microseconds.tick).contains("10 ms"))
        #expect(scale.position(500) == 0)
        #expect(scale.position(100_000) == 1)
        #expect(scale.position(0) == 0)
    }

    @Test(arguments: [(20.0, 5.0), (60, 10), (600, 120), (7_200, 1_800), (604_800, 86_400)])
    func timeHasWholeSteps(seconds: Double, step: Double) {
        #expect(PlotScale.time(to: seconds, tickCount: 7).ticks[1] == step)
    }

    @Test(
        arguments: [
            (20.0, "5 s"), (150, "30 s"), (600, "2 min"), (1_000, "5 min"), (7_200, "30 min"), (86_400, "6 h"),
            (604_800, "2 d"), (2.0, "0.5 s"),
        ])
    func timeIsWrittenInOneUnit(seconds: Double, text: String) {
        let scale = PlotScale.time(to: seconds, tickCount: 6)
        #expect(scale.timeText(scale.ticks[1]) == text)
    }

    @Test(arguments: [Double.nan, .infinity, -1, 0, 1e-300, 1e300])
    func anyValueMakesAFiniteAxis(value: Double) {
        for scale in [
            PlotScale.linear(to: value, unit: .perSecond), .linear(to: value, unit: .bytes),
            .logarithmic(from: value, to: value), .time(to: value),
        ] {
            #expect(scale.upper.isFinite && scale.upper > scale.lower)
            #expect((1...60).contains(scale.ticks.count))
            for probe in [Double.nan, .infinity, -1, 0, 1e300] { #expect((0...1).contains(scale.position(probe))) }
        }
    }

    @Test func barsHoldEveryValue() {
        let latency = ReportFixture.latency([100, 100, 5_000, 70_000])
        let shares = HistogramPlot.shares(latency, on: .logarithmic(from: 100, to: 70_000))
        #expect((shares.reduce(0, +) - 1).magnitude < 1e-9)
        #expect(shares.filter { $0 > 0 }.sorted() == [0.25, 0.25, 0.5])
    }
}

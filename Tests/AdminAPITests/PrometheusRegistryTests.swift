import CoreMetrics
import Metrics
import Testing

@testable import AdminAPI

@Suite struct PrometheusRegistryTests {
    let registry = PrometheusRegistry()

    func parsed() throws -> TextFormatParser {
        try TextFormatParser(registry.exposition())
    }

    @Test func anEmptyRegistryShowsItsOwnCountersOnly() throws {
        #expect(try parsed().order == ["fleetgate_metrics_refused_total"])
    }

    @Test func aCounterCountsAndKeepsItsLabels() throws {
        registry.describe("fleetgate_handshakes_total", help: "Handshakes by outcome.")
        let expired = Counter(
            label: "fleetgate_handshakes_total", dimensions: [("reason", "expired"), ("outcome", "refused")],
            factory: registry)
        expired.increment()
        expired.increment(by: 41)
        let text = registry.exposition()
        #expect(text.contains("# HELP fleetgate_handshakes_total Handshakes by outcome.\n"))
        #expect(text.contains("fleetgate_handshakes_total{outcome=\"refused\",reason=\"expired\"} 42\n"))
        let parser = try TextFormatParser(text)
        #expect(parser.families["fleetgate_handshakes_total"]?.type == "counter")
    }

    @Test func negativeAndZeroIncrementsLeaveACounterAlone() throws {
        let counter = Counter(label: "a_total", factory: registry)
        counter.increment(by: 5)
        counter.increment(by: -3)
        counter.increment(by: Int64.min)
        #expect(try parsed().value("a_total") == 5)
        counter.reset()
        #expect(try parsed().value("a_total") == 0)
    }

    @Test func aFloatingPointCounterIgnoresWhatWouldSpoilIt() throws {
        let counter = FloatingPointCounter(label: "cpu_seconds", factory: registry)
        for amount in [0.25, 0.5, -1, .nan, .infinity] { counter.increment(by: amount) }
        #expect(try parsed().value("cpu_seconds_total") == 0.75)
    }

    @Test func countersGetTheirSuffixOnceAndTimersToo() throws {
        Counter(label: "x", factory: registry).increment()
        Counter(label: "x_total", factory: registry).increment()
        Timer(label: "y", factory: registry).recordMilliseconds(5)
        Timer(label: "y_seconds", factory: registry).recordMilliseconds(5)
        let parser = try parsed()
        #expect(parser.value("x_total") == 2)
        #expect(parser.value("y_seconds_count") == 2)
    }

    @Test func gaugesAndMetersShowTheLastValue() throws {
        let gauge = Gauge(label: "fleetgate_sessions", dimensions: [("profile", "smart-meter")], factory: registry)
        gauge.record(3)
        gauge.record(2.5)
        let meter = Meter(label: "level", factory: registry)
        meter.set(10)
        meter.increment(by: 2)
        meter.decrement(by: 0.5)
        let parser = try parsed()
        #expect(parser.value("fleetgate_sessions", ["profile": "smart-meter"]) == 2.5)
        #expect(parser.value("level") == 11.5)
    }

    @Test(arguments: [(Double.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"), (-0.0, "0"), (1e300, "1e+300")])
    func gaugesShowUnusualNumbersAsTheFormatSpellsThem(value: Double, text: String) throws {
        Gauge(label: "g", factory: registry).record(value)
        #expect(registry.exposition().contains("# TYPE g gauge\ng \(text)\n"))
        _ = try parsed()
    }

    @Test func aTimerIsAHistogramOfSecondsWithInclusiveBounds() throws {
        registry.describe("h_seconds", help: "h", buckets: HistogramBuckets([0.005, 0.01, 1]))
        let timer = Timer(label: "h_seconds", factory: registry)
        timer.recordNanoseconds(5_000_000)  // on the bound: inside
        timer.recordNanoseconds(5_000_001)
        timer.recordNanoseconds(2_000_000_000)
        let parser = try parsed()
        #expect(parser.value("h_seconds_bucket", ["le": "0.005"]) == 1)
        #expect(parser.value("h_seconds_bucket", ["le": "0.01"]) == 2)
        #expect(parser.value("h_seconds_bucket", ["le": "1"]) == 2)
        #expect(parser.value("h_seconds_bucket", ["le": "+Inf"]) == 3)
        #expect(parser.value("h_seconds_count") == 3)
        #expect(abs((parser.value("h_seconds_sum") ?? 0) - 2.010000001) < 1e-9)
    }

    @Test func aRecorderIgnoresNumbersThatWouldSpoilTheSum() throws {
        registry.describe("bytes", help: "b", buckets: HistogramBuckets([16, 256]))
        let recorder = Recorder(label: "bytes", dimensions: [("direction", "up")], factory: registry)
        for value in [Double.nan, .infinity, -.infinity] { recorder.record(value) }
        recorder.record(100)
        recorder.record(Int64.min)
        let parser = try parsed()
        #expect(parser.value("bytes_count", ["direction": "up"]) == 2)
        #expect(parser.value("bytes_bucket", ["direction": "up", "le": "256"]) == 2)
        #expect(parser.value("bytes_bucket", ["direction": "up", "le": "16"]) == 1)
    }

    @Test func bucketsDeclaredTooLateAreRefused() {
        let timer = Timer(label: "late_seconds", factory: registry)
        timer.recordSeconds(1)
        #expect(!registry.describe("late_seconds", help: "l", buckets: HistogramBuckets([1])))
        #expect(registry.describe("late_seconds", help: "only the text"))
        #expect(registry.exposition().contains("# HELP late_seconds only the text\n"))
    }

    @Test(
        arguments: [
            [], [1, 1], [2, 1], [.infinity], [.nan], [-.infinity, 0], (0...32).map(Double.init),
        ] as [[Double]])
    func badBucketsAreRefused(bounds: [Double]) {
        #expect(HistogramBuckets(bounds) == nil)
    }

    @Test(
        arguments: [
            "plain", "", "back\\slash", "quo\"te", "line\nfeed", "\\n", "\\\\\"", "{}=,", "ünï©ode 🐟",
            "tab\tand\rreturn",
            "\u{0}nul", "a\u{301}", " ",
        ])
    func anyLabelValueSurvives(value: String) throws {
        Counter(label: "c_total", dimensions: [("v", value)], factory: registry).increment(by: 7)
        #expect(try parsed().value("c_total", ["v": value]) == 7)
    }

    @Test(arguments: ["a\nb", "a\\b", "a\"b", "", "# TYPE x counter"])
    func anyHelpTextSurvives(help: String) throws {
        registry.describe("c_total", help: help)
        Counter(label: "c_total", factory: registry).increment()
        #expect(try parsed().families["c_total"]?.help == help)
    }

    @Test(arguments: [
        ("http.requests", "http_requests_total"), ("1st", "_1st_total"), ("", "__total"), ("é", "___total"),
        ("a b{c=\"d\"}", "a_b_c__d___total"), ("ok:ok", "ok:ok_total"),
    ])
    func namesAreRepaired(label: String, name: String) throws {
        Counter(label: label, factory: registry).increment()
        #expect(try parsed().value(name) == 1)
    }

    @Test func labelNamesAreRepairedAndNeverRepeated() throws {
        let dimensions = [
            ("a-b", "1"), ("a.b", "2"), ("__name__", "3"), ("0", "4"), ("", "5"), ("le", "6"), ("a:b", "7"),
        ]
        Counter(label: "c_total", dimensions: dimensions, factory: registry).increment()
        let labels = try parsed().families["c_total"]?.samples.first?.labels
        #expect(labels == ["a_b": "1", "_name__": "3", "_0": "4", "_": "5", "le": "6"])
    }

    @Test func aHistogramKeepsLeForItself() throws {
        Timer(label: "t", dimensions: [("le", "mine")], factory: registry).recordSeconds(1)
        #expect(try parsed().value("t_seconds_count", ["_le": "mine"]) == 1)
    }

    @Test func longLabelValuesAndManyLabelsAreCut() throws {
        let many = (0..<100).map { ("l\($0)", String(repeating: "ß", count: 1000)) }
        Counter(label: "c_total", dimensions: many, factory: registry).increment()
        let labels = try #require(try parsed().families["c_total"]?.samples.first?.labels)
        #expect(labels.count == 16)
        #expect(labels.values.allSatisfy { $0 == String(repeating: "ß", count: 128) })
    }

    @Test func theOrderOfDimensionsDoesNotMatter() throws {
        Counter(label: "c_total", dimensions: [("a", "1"), ("b", "2")], factory: registry).increment()
        Counter(label: "c_total", dimensions: [("b", "2"), ("a", "1")], factory: registry).increment()
        #expect(try parsed().families["c_total"]?.samples.count == 1)
        #expect(try parsed().value("c_total", ["a": "1", "b": "2"]) == 2)
    }

    @Test func theExpositionIsTheSameWhateverTheOrderOfMaking() {
        let other = PrometheusRegistry()
        let labels = (0..<50).map { [("v", "\($0)")] }
        for label in labels {
            Counter(label: "a_total", dimensions: label, factory: registry).increment()
            Gauge(label: "b", dimensions: label, factory: registry).record(1)
        }
        for label in labels.reversed() {
            Gauge(label: "b", dimensions: label, factory: other).record(1)
            Counter(label: "a_total", dimensions: label, factory: other).increment()
        }
        #expect(registry.exposition() == other.exposition())
    }
}

@Suite struct PrometheusRegistryLimitTests {
    @Test func beyondTheLimitOneOverflowSeriesCountsTheRest() throws {
        var limits = PrometheusRegistry.Limits()
        limits.seriesMax = 10
        let registry = PrometheusRegistry(limits: limits)
        for device in 0..<1000 {
            Counter(label: "c_total", dimensions: [("device", "\(device)")], factory: registry).increment()
        }
        let parser = try TextFormatParser(registry.exposition())
        #expect(parser.families["c_total"]?.samples.count == 11)
        #expect(parser.value("c_total", ["overflow": "true"]) == 990)
        #expect(parser.value("fleetgate_metrics_refused_total", ["reason": "series-limit"]) == 990)
    }

    @Test func aNewFamilyBeyondTheLimitIsNotShownAndHarmsNothing() throws {
        var limits = PrometheusRegistry.Limits()
        limits.seriesMax = 1
        let registry = PrometheusRegistry(limits: limits)
        Counter(label: "first_total", factory: registry).increment()
        let late = Timer(label: "late", factory: registry)
        late.recordSeconds(1)
        let parser = try TextFormatParser(registry.exposition())
        #expect(parser.order == ["first_total", "fleetgate_metrics_refused_total"])
        #expect(parser.value("fleetgate_metrics_refused_total", ["reason": "series-limit"]) == 1)
    }

    @Test func aNameOfTwoTypesStaysWhatItWasFirst() throws {
        let registry = PrometheusRegistry()
        Gauge(label: "x_total", factory: registry).record(3)
        Counter(label: "x", factory: registry).increment()
        FloatingPointCounter(label: "x", factory: registry).increment(by: 1)
        let parser = try TextFormatParser(registry.exposition())
        #expect(parser.value("x_total") == 3)
        #expect(parser.value("fleetgate_metrics_refused_total", ["reason": "type-conflict"]) == 2)
    }

    @Test func aHistogramsSampleNamesAreTaken() throws {
        let registry = PrometheusRegistry()
        Recorder(label: "r", factory: registry).record(1)
        Gauge(label: "r_count", factory: registry).record(9)
        Gauge(label: "q_sum", factory: registry).record(9)
        Recorder(label: "q", factory: registry).record(1)
        let parser = try TextFormatParser(registry.exposition())
        #expect(parser.value("r_count") == 1)
        #expect(parser.value("q_sum") == 9)
        #expect(parser.families["q"] == nil)
        #expect(parser.value("fleetgate_metrics_refused_total", ["reason": "type-conflict"]) == 2)
    }

    @Test func nobodyTakesTheRegistrysOwnName() throws {
        let registry = PrometheusRegistry()
        Counter(label: "fleetgate_metrics_refused", factory: registry).increment(by: 100)
        let parser = try TextFormatParser(registry.exposition())
        #expect(parser.value("fleetgate_metrics_refused_total", ["reason": "type-conflict"]) == 1)
    }

    @Test func aSeriesGoesWhenAllWhoMadeItHaveDestroyedIt() throws {
        var limits = PrometheusRegistry.Limits()
        limits.seriesMax = 2
        let registry = PrometheusRegistry(limits: limits)
        for round in 0..<100 {
            let name = "round_\(round)"
            let one = Gauge(label: name, dimensions: [("profile", "meter")], factory: registry)
            let two = Gauge(label: name, dimensions: [("profile", "meter")], factory: registry)
            one.record(1)
            one.destroy()
            #expect(try TextFormatParser(registry.exposition()).value(name, ["profile": "meter"]) == 1)
            two.destroy()
            #expect(try TextFormatParser(registry.exposition()).families[name] == nil)
        }
        Counter(label: "round_0", factory: registry).increment()  // the name is free again, for another type
        #expect(try TextFormatParser(registry.exposition()).value("round_0_total") == 1)
    }

    @Test func concurrentUpdatesAreAllCounted() async throws {
        let registry = PrometheusRegistry()
        let tasks = 8
        let updates = 20_000
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<tasks {
                group.addTask {
                    let counter = Counter(label: "c_total", factory: registry)
                    let fractions = FloatingPointCounter(label: "f_total", factory: registry)
                    let timer = Timer(label: "t", factory: registry)
                    let meter = Meter(label: "m", factory: registry)
                    for update in 0..<updates {
                        counter.increment()
                        fractions.increment(by: 0.5)
                        timer.recordNanoseconds(Int64(update % 2) * 1_000_000_000)
                        meter.increment(by: 1)
                        if update % 5000 == task {
                            // Scrapes and new series in the middle of updates; the parser checks each scrape.
                            Counter(label: "n_total", dimensions: [("u", "\(update)")], factory: registry).increment()
                            #expect((try? TextFormatParser(registry.exposition())) != nil)
                        }
                    }
                }
            }
        }
        let total = Double(tasks * updates)
        let parser = try TextFormatParser(registry.exposition())
        #expect(parser.value("c_total") == total)
        #expect(parser.value("f_total") == total / 2)
        #expect(parser.value("m") == total)
        #expect(parser.value("t_seconds_count") == total)
        #expect(parser.value("t_seconds_sum") == total / 2)
        #expect(parser.value("t_seconds_bucket", ["le": "0.0005"]) == total / 2)
    }
}

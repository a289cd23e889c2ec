import Foundation
import Testing

@testable import FirmwareSim

@Suite struct JSONReportTests {
    private func parse(_ text: String) throws(SimulatorError) -> RunReport {
        try JSONReport.parse(Data(text.utf8), path: "a.json")
    }

    /// The report as JSON, with one value replaced.
    private func changed(_ path: [String], to value: Any) throws -> String {
        let json = try JSONReport.render(ReportFixture.report(samples: 2))
        let document = try JSONSerialization.jsonObject(with: Data(json.utf8))
        func replace(_ node: Any, _ path: ArraySlice<String>) -> Any {
            guard let key = path.first else { return value }
            if var list = node as? [Any], let index = Int(key), list.indices.contains(index) {
                list[index] = replace(list[index], path.dropFirst())
                return list
            }
            guard var object = node as? [String: Any] else { return node }
            object[key] = replace(object[key] ?? 0, path.dropFirst())
            return object
        }
        let data = try JSONSerialization.data(withJSONObject: replace(document, path[...]))
        return String(decoding: data, as: UTF8.self)
    }

    @Test func isReadAsItWasWritten() throws {
        let report = ReportFixture.report(samples: 5)
        let text = try JSONReport.render(report)
        #expect(try parse(text) == report)
        #expect(text.hasSuffix("}\n"))
        let lines = text.split(separator: "\n")
        #expect(
            lines.contains {
                $0.hasSuffix("[8003, 1],") || $0.hasSuffix("[8001, 1],") || $0.contains("[") && $0.contains(", 1]")
            })
    }

    @Test func anEmptyReportIsReadToo() throws {
        var report = ReportFixture.report(samples: 0)
        report.latency = [:]
        report.failures = []
        report.stages = []
        report.fleets = []
        #expect(try parse(JSONReport.render(report)) == report)
    }

    @Test(
        arguments: [
            "", "{", "[]", "null", "{}", "{\"schema\":2}", "{\"schema\":2,\"tool\":\"other\"}",
            "{\"schema\":2,\"tool\":\"firmware-sim\"}", "{\"schema\":\"2\",\"tool\":\"firmware-sim\"}",
            String(repeating: "[", count: 100_000),
        ])
    func whatIsNoReportIsRefused(text: String) {
        let error = #expect(throws: SimulatorError.self) { try parse(text) }
        #expect(error?.code == "not-a-report")
        #expect(error?.fault == .file)
    }

    @Test(arguments: [0, 1, 3, 99])
    func anotherSchemaIsRefused(schema: Int) throws {
        let text = try changed(["schema"], to: schema)
        #expect(throws: SimulatorError.self) { try parse(text) }
        do { _ = try parse(text) } catch {
            #expect(error.code == "other-schema")
            #expect(error.explanation.contains("schema \(schema)"))
        }
    }

    @Test(
        arguments: [
            (["devices", "planned"], -1), (["devices", "connected"], 4_000_000_000_000_000_000),
            (["handshakes", "resumed"], 9_999_999), (["series", "intervalSeconds"], 0),
            (["series", "intervalSeconds"], -1), (["series", "samples", "0", "connected"], -7),
            (["failures", "0", "expected"], 1_000_000), (["latency", "tls", "count"], 12),
            (["latency", "tls", "buckets", "0", "1"], 7_000_000_000_000_000_000),
            (["durationSeconds"], -5), (["publishing", "lost"], -1), (["servers", "0", "processorSeconds"], -3),
            (["stages", "0", "endSeconds"], -2), (["fleets", "0", "expectation", "met"], -1),
            (["generator", "loopDelay", "count"], 99),
        ])
    func whatNoRunCanHaveHadIsRefused(path: [String], value: Int) throws {
        let text = try changed(path, to: value)
        do throws(SimulatorError) {
            _ = try parse(text)
            Issue.record("\(path) was taken")
        } catch {
            #expect(error.code == "bad-report", "\(error)")
            #expect(error.explanation.hasPrefix("a.json cannot be the report of a run: "))
        }
    }

    @Test func listsAndTextsAreBounded() throws {
        for (path, value): ([String], Any) in [
            (["parameters", "target"], String(repeating: "x", count: 5_000)),
            (["verdict", "shortcomings"], [String](repeating: "x", count: 2_000)),
            (["latency", "tls", "buckets"], [[5, 1], [4, 1]]), (["latency", "tls", "buckets"], [[1]]),
            (["latency", "tls", "buckets"], [[1, 2, 3]]), (["latency", "other"], ["count": 0]),
            (["connack"], Dictionary(uniqueKeysWithValues: (0..<2_000).map { ("\($0)", 1) })),
        ] {
            let text = try changed(path, to: value)
            #expect(throws: SimulatorError.self, "\(path)") { try parse(text) }
        }
    }

    @Test func aFileThatIsNotThereIsNamed() {
        let error = #expect(throws: SimulatorError.self) { try JSONReport.read("/nowhere/a.json") }
        #expect(error?.explanation == "cannot open /nowhere/a.json")
    }
}

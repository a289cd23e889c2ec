import Testing

@testable import FirmwareSim

@Suite struct CSVReportTests {
    private func rows(_ report: RunReport) -> [[String]] {
        CSVReport.render(report).split(separator: "\r\n").map {
            $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
    }

    @Test func aRowForEachSampleUnderItsHeader() throws {
        let rows = rows(ReportFixture.report(samples: 3))
        #expect(rows.count == 4)
        let header = rows[0]
        #expect(Set(header).count == header.count)
        #expect(rows.allSatisfy { $0.count == header.count })
        func cell(_ name: String, _ row: Int) throws -> String { rows[row][try #require(header.firstIndex(of: name))] }
        #expect(try cell("start_seconds", 2) == "1")
        #expect(try cell("end_seconds", 2) == "2")
        #expect(try cell("connected", 2) == "20")
        #expect(try cell("full_handshakes", 1) == "7")
        #expect(try cell("failures", 1) == "2")
        #expect(try cell("failures:tls/eof", 1) == "1")
        #expect(try cell("tls_count", 1) == "3")
        #expect(try cell("tls_p99_us", 1) == "95000")
        #expect(try cell("generator_busy_share", 1) == "0.2")
        #expect(try cell("server_resident_bytes", 1) == "50000000")
    }

    @Test func whatWasNotMeasuredIsEmpty() throws {
        var report = ReportFixture.report(samples: 1)
        report.series.samples = [RunReport.Sample()]
        let rows = rows(report)
        #expect(rows[1][try #require(rows[0].firstIndex(of: "tls_p50_us"))].isEmpty)
        #expect(rows[1][try #require(rows[0].firstIndex(of: "server_processors"))].isEmpty)
        report.series.samples = []
        #expect(self.rows(report).count == 1)
    }

    @Test(
        arguments: [
            ("plain", "plain"), ("a,b", "\"a,b\""), ("say \"so\"", "\"say \"\"so\"\"\""),
            ("a\r\nb", "a\u{FFFD}\u{FFFD}b"),
            ("=1+2", "'=1+2"), ("@cmd", "'@cmd"), ("-5", "-5"), ("-x", "'-x"), ("", ""),
        ])
    func fieldsAreQuoted(text: String, expected: String) {
        #expect(CSVReport.field(text) == expected)
    }
}

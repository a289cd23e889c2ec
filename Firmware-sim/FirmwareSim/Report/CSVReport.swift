/// The series of a ``RunReport`` as comma-separated values (RFC 4180): a header, then a row for each sample. Times are
/// in the units that the header names; a cell is empty where nothing was measured.
enum CSVReport {
    static func render(_ report: RunReport) -> String {
        let reasons = Set(report.series.samples.flatMap { $0.failures.keys }).sorted()
        var output = line(header(reasons))
        for (index, sample) in report.series.samples.enumerated() {
            output += line(row(sample, index: index, interval: report.series.intervalSeconds, reasons: reasons))
        }
        return output
    }

    private static func header(_ reasons: [String]) -> [String] {
        [
            "start_seconds", "end_seconds", "connected", "attempts", "full_handshakes", "resumed_handshakes",
            "connects",
            "published", "acknowledged", "received", "failures",
        ]
            + RunReport.Sample.kinds.flatMap { kind in
                ["count", "p50_us", "p90_us", "p99_us", "p999_us", "max_us"].map { "\(kind.rawValue)_\($0)" }
            }
            + ["generator_busy_share", "loop_delay_max_us", "server_processors", "server_resident_bytes"]
            + reasons.map { "failures:\($0)" }
    }

    private static func row(
        _ sample: RunReport.Sample, index: Int, interval: Double, reasons: [String]
    ) -> [String] {
        var cells = [decimal(Double(index) * interval), decimal(Double(index + 1) * interval)]
        cells += [
            sample.connected, sample.attempts, sample.fullHandshakes, sample.resumedHandshakes, sample.connects,
            sample.published, sample.acknowledged, sample.received, sample.failures.values.reduce(0, &+),
        ].map(String.init)
        for kind in RunReport.Sample.kinds {
            if let latency = sample.latency[kind.rawValue] {
                cells += [latency.count, latency.p50, latency.p90, latency.p99, latency.p999, latency.max].map(
                    String.init)
            } else {
                cells += ["0", "", "", "", "", ""]
            }
        }
        cells += [
            decimal(sample.generatorBusy), String(sample.loopDelayMax), sample.serverProcessors.map(decimal) ?? "",
            sample.serverResidentBytes.map { String($0) } ?? "",
        ]
        return cells + reasons.map { String(sample.failures[$0] ?? 0) }
    }

    /// Whole numbers without a point; never in powers of ten for the values that occur.
    private static func decimal(_ value: Double) -> String {
        value == value.rounded() && value.magnitude < 1e15 ? String(LatencyText.whole(value)) : String(value)
    }

    private static func line(_ cells: [String]) -> String {
        cells.map(field).joined(separator: ",") + "\r\n"
    }

    /// RFC 4180 section 2 points 5 to 7. A text that a spreadsheet would take for a formula gets an apostrophe first,
    /// because reasons may come from a peer or a file.
    static func field(_ text: String) -> String {
        var text = PrintableText.clean(text)
        if let first = text.unicodeScalars.first, "=+-@".unicodeScalars.contains(first), Double(text) == nil {
            text = "'" + text
        }
        let needsQuotes = text.unicodeScalars.contains { $0 == "," || $0 == "\"" || $0 == "\r" || $0 == "\n" }
        guard needsQuotes else { return text }
        return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }
}

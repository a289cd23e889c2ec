extension LoopbackReport {
    /// Writes the report for people to standard output, or to standard error if the JSON has standard output for itself.
    ///
    /// - Parameter json: A file, `-` for standard output, or nil for none.
    /// - Throws: ``SimulatorError`` if the file cannot be written.
    func publish(json: String?) throws(SimulatorError) {
        guard let json else {
            Output.standard(text)
            return
        }
        let file = ReportFile(path: json, option: "--json")
        if file.isStandardOutput {
            Output.error(text)
        } else {
            Output.standard(text)
        }
        try file.write(try JSONReport.render(self))
    }

    /// For people.
    var text: String {
        let loops = parameters.loops
        var lines = [
            "Loopback     device against device in one process, TLS \(parameters.tls), mutual authentication, "
                + "\(LatencyText.grouped(parameters.devices)) device certificates",
            "Handshakes   \(LatencyText.grouped(handshakes)) in \(LatencyText.render(number: durationSeconds)) s on "
                + "\(loops) \(loops == 1 ? "thread" : "threads"): \(LatencyText.render(number: perSecond)) per second, "
                + "both sides together",
            "             \(LatencyText.render(number: perProcessorSecond)) per CPU-second, both sides together",
        ]
        let kinds = [("full", full), ("resumed", resumed)].compactMap { name, kind in kind.map { (name, $0) } }
        guard !kinds.isEmpty else {
            return (lines + ["             none was finished"]).joined(separator: "\n") + "\n"
        }
        lines.append("")
        lines += TextTable.render(
            header: ["One side alone", "side", "CPU time", "share", "per core and second"],
            rows: kinds.flatMap { name, kind in
                [Self.row(name, "device", kind.client), Self.row(name, "server", kind.server)]
            }, leftColumns: 2)
        lines.append("")
        lines += TextTable.render(
            header: ["Kind", "count", "bytes", "p50", "p90", "p99", "max"],
            rows: kinds.map { name, kind in
                [name, LatencyText.grouped(kind.count), LatencyText.render(number: kind.bytes)]
                    + [kind.latency.p50, kind.latency.p90, kind.latency.p99, kind.latency.max].map {
                        LatencyText.render(microseconds: $0)
                    }
            }, leftColumns: 1)
        lines.append("")
        lines.append("Seed         \(parameters.seed)")
        return lines.joined(separator: "\n") + "\n"
    }

    private static func row(_ kind: String, _ side: String, _ figures: Side) -> [String] {
        [
            kind, side, LatencyText.render(microseconds: UInt64(max(0, figures.processorMicroseconds.rounded()))),
            "\(Int((figures.share * 100).rounded())) %", LatencyText.render(number: figures.perProcessorSecond),
        ]
    }
}

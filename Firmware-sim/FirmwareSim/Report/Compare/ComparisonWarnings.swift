/// What keeps two runs from being compared figure by figure.
enum ComparisonWarnings {
    static func all(_ a: RunReport, _ b: RunReport) -> [String] {
        var warnings: [String] = []
        for (name, report) in [("A", a), ("B", b)] {
            if !report.verdict.isValid {
                let reasons = report.generator.limits.joined(separator: "; ")
                warnings.append(
                    "\(name) is INVALID: its generator was the limit, not its target"
                        + (reasons.isEmpty ? "" : " (\(reasons))"))
            }
            if !report.verdict.passed { warnings.append("\(name) failed") }
            if let shard = report.parameters.shard {
                warnings.append("\(name) is only part \(shard) of a run; merge the parts first")
            }
        }
        let left = a.parameters
        let right = b.parameters
        func check(_ name: String, _ a: String, _ b: String) {
            if a != b { warnings.append("\(name) differs: A \(a), B \(b)") }
        }
        check("mode", left.mode, right.mode)
        check("scenario", left.scenario ?? "none", right.scenario ?? "none")
        check("scale of devices", PlotUnit.short(left.scale ?? 1), PlotUnit.short(right.scale ?? 1))
        check("scale of time", PlotUnit.short(left.timeScale ?? 1), PlotUnit.short(right.timeScale ?? 1))
        check("number of devices", LatencyText.grouped(a.devices.planned), LatencyText.grouped(b.devices.planned))
        check("TLS version", left.tls, right.tls)
        check("MQTT version", left.mqtt, right.mqtt)
        check("rate", rate(left), rate(right))
        check("share of resumed handshakes", share(left), share(right))
        check("fleets", fleets(a), fleets(b))
        return warnings.map(PrintableText.clean)
    }

    private static func rate(_ parameters: RunReport.Parameters) -> String {
        if let rate = parameters.ratePerSecond { return "\(LatencyText.render(number: rate))/s" }
        return parameters.concurrency.map { "\(LatencyText.grouped($0)) in flight" } ?? "none"
    }

    private static func share(_ parameters: RunReport.Parameters) -> String {
        parameters.resumeShare.map { LatencyText.render(share: $0) } ?? "by class"
    }

    private static func fleets(_ report: RunReport) -> String {
        report.fleets.map { "\($0.name) (\($0.deviceClass))" }.joined(separator: ", ")
    }
}

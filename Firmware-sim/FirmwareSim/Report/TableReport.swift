/// A ``RunReport`` as text for people, at most 110 columns wide with names of a usual length.
enum TableReport {
    static func render(_ report: RunReport) -> String {
        var lines: [String] = []
        lines += header(report)
        lines += TableSections.latencies(report)
        lines += TableSections.fleets(report)
        lines += TableSections.expectations(report)
        lines += TableSections.stages(report)
        lines += TableSections.failures(report)
        lines += TableSections.assertions(report)
        lines += servers(report)
        lines += generator(report)
        lines += verdict(report)
        return lines.joined(separator: "\n") + "\n"
    }

    private static func header(_ report: RunReport) -> [String] {
        let outcomes =
            report.connack.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            .map { "\(PrintableText.clean($0.key)) \(LatencyText.grouped($0.value))" }.joined(separator: ", ")
        var lines = [
            "",
            target(report.parameters),
            "Devices      \(LatencyText.grouped(report.devices.planned)) planned, "
                + "\(LatencyText.grouped(report.devices.attempted)) attempted, "
                + "\(LatencyText.grouped(report.devices.connected)) connected",
        ]
        lines += handshakes(report.handshakes)
        // Where there is nothing but handshakes nobody sends CONNECT.
        if report.parameters.mode != "handshake" {
            lines += [
                "Connects     \(LatencyText.grouped(report.handshakes.connects)), "
                    + "\(LatencyText.render(number: report.handshakes.connectsPerSecond))/s",
                "CONNACK      \(outcomes.isEmpty ? "none" : outcomes)",
            ]
        }
        lines += milestones(report.milestones)
        lines += traffic(report)
        return lines
    }

    private static func target(_ parameters: RunReport.Parameters) -> String {
        var facts = [parameters.target, "TLS \(parameters.tls)", "MQTT \(parameters.mqtt)", parameters.mode]
        if let scenario = parameters.scenario { facts[3] = "scenario \(scenario)" }
        if let scale = parameters.scale, scale != 1 { facts.append("scale \(PlotUnit.short(scale))") }
        if let scale = parameters.timeScale, scale != 1 { facts.append("time scale \(PlotUnit.short(scale))") }
        if let shard = parameters.shard { facts.append("part \(shard)") }
        if let rate = parameters.ratePerSecond { facts.append("\(LatencyText.render(number: rate)) connects/s") }
        if let concurrency = parameters.concurrency { facts.append("\(LatencyText.grouped(concurrency)) in flight") }
        facts.append("seed \(parameters.seed)")
        return "Target       " + facts.map(PrintableText.clean).joined(separator: ", ")
    }

    private static func handshakes(_ handshakes: RunReport.Handshakes) -> [String] {
        var lines = [
            "Handshakes   \(LatencyText.grouped(handshakes.completed)) of \(LatencyText.grouped(handshakes.attempts)) attempts, "
                + "\(LatencyText.render(number: handshakes.perSecond))/s"
                + (handshakes.abandoned > 0
                    ? ", \(LatencyText.grouped(handshakes.abandoned)) under way at the end" : "")
        ]
        if handshakes.resumed > 0 {
            lines.append(
                "             \(LatencyText.grouped(handshakes.full)) full "
                    + "(\(LatencyText.render(number: handshakes.fullPerSecond))/s), "
                    + "\(LatencyText.grouped(handshakes.resumed)) resumed "
                    + "(\(LatencyText.render(number: handshakes.resumedPerSecond))/s)")
        }
        if handshakes.bytesPerFull > 0 || handshakes.bytesPerResumed > 0 {
            let sizes = [(handshakes.bytesPerFull, "full"), (handshakes.bytesPerResumed, "resumed")]
                .filter { $0.0 > 0 }.map { "\(LatencyText.grouped(LatencyText.whole($0.0))) \($0.1)" }
            lines.append("             TLS bytes each: \(sizes.joined(separator: ", "))")
        }
        return lines
    }

    private static func milestones(_ milestones: [RunReport.Milestone]) -> [String] {
        guard let last = milestones.last else { return [] }
        if let seconds = last.seconds, seconds <= 0 {
            return ["Connected    all before the measuring began"]
        }
        let text = milestones.map { milestone in
            "\(LatencyText.render(share: milestone.share)) "
                + (milestone.seconds.map { "after \(LatencyText.render(seconds: $0))" } ?? "never")
        }
        return ["Connected    \(text.joined(separator: ", "))"]
    }

    private static func traffic(_ report: RunReport) -> [String] {
        let publishing = report.publishing
        var lines: [String] = []
        if publishing.published > 0 || publishing.skipped > 0 {
            lines.append(
                "Publishes    \(LatencyText.grouped(publishing.published)) sent, "
                    + "\(LatencyText.grouped(publishing.acknowledged)) acknowledged, "
                    + "\(LatencyText.grouped(publishing.lost)) lost, \(LatencyText.grouped(publishing.skipped)) skipped"
            )
        }
        if publishing.received > 0 {
            lines.append(
                "Received     \(LatencyText.grouped(publishing.received)) publishes, "
                    + LatencyText.render(bytes: Double(publishing.receivedBytes)))
        }
        if report.commands.sent > 0 {
            lines.append(
                "Commands     \(LatencyText.grouped(report.commands.sent)) sent, "
                    + "\(LatencyText.grouped(report.commands.answered)) answered, "
                    + "\(LatencyText.grouped(report.commands.unanswered)) not answered in time")
        }
        return lines
    }

    private static func servers(_ report: RunReport) -> [String] {
        guard !report.servers.isEmpty else { return [] }
        return [""] + report.servers.flatMap(server)
    }

    private static func server(_ server: RunReport.Server) -> [String] {
        guard let seconds = server.processorSeconds else {
            return ["Server       process \(server.processID): its processor time could not be read"]
        }
        var facts = ["\(LatencyText.render(number: seconds)) CPU-seconds"]
        if let rate = server.connectsPerProcessorSecond, rate > 0 {
            facts.append("\(LatencyText.render(number: rate)) connects per CPU-second")
        }
        if let rate = server.handshakesPerProcessorSecond, rate > 0 {
            facts.append("\(LatencyText.render(number: rate)) handshakes per CPU-second")
        }
        var lines = ["Server       process \(server.processID): \(facts.joined(separator: ", "))"]
        if let most = server.residentBytesMax {
            var memory = "             memory: at most \(LatencyText.render(bytes: Double(most)))"
            if let start = server.residentBytesAtStart {
                memory += ", \(LatencyText.render(bytes: Double(start))) at the start"
            }
            if let each = server.residentBytesPerDevice, each > 0 {
                memory += ", \(LatencyText.render(bytes: each)) per device"
            }
            lines.append(memory)
        }
        return lines
    }

    private static func generator(_ report: RunReport) -> [String] {
        let generator = report.generator
        var lines = [
            "",
            "Generator    \(LatencyText.render(number: generator.processorSeconds)) CPU-seconds, busiest loop "
                + "\(LatencyText.whole(generator.loopBusyShareMax * 100)) %, loop delay p99 "
                + "\(LatencyText.render(microseconds: generator.loopDelay.p99)), start delay p99 "
                + LatencyText.render(microseconds: generator.startDelay.p99),
        ]
        if let bytes = generator.residentBytesPerDevice {
            lines.append("             memory: \(LatencyText.render(bytes: bytes)) per connected device")
        }
        if !generator.limits.isEmpty {
            lines.append(
                "WARNING      the generator was the limit: "
                    + generator.limits.map(PrintableText.clean).joined(separator: "; "))
            lines.append(
                "             Rates and latencies are the generator's, not the server's; "
                    + "connects per CPU-second still hold.")
        }
        return lines
    }

    private static func verdict(_ report: RunReport) -> [String] {
        let verdict = report.verdict
        let shortcomings = verdict.shortcomings.map(PrintableText.clean).joined(separator: "; ")
        let invalid = verdict.isValid ? "" : "INVALID (the generator was the limit), otherwise "
        switch (verdict.passed, shortcomings.isEmpty) {
        case (true, true): return ["Result       \(invalid)passed"]
        case (true, false): return ["Result       \(invalid)passed, failures being allowed: \(shortcomings)"]
        case (false, _): return ["Result       \(invalid)FAILED: \(shortcomings)"]
        }
    }
}

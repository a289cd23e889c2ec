/// What a run went by, in words and as a command.
enum ParameterText {
    static func rows(_ report: RunReport) -> [(name: String, value: String)] {
        let parameters = report.parameters
        var rows: [(name: String, value: String)] = [
            ("target", parameters.target), ("TLS", parameters.tls), ("MQTT", parameters.mqtt),
            ("mode", parameters.mode),
        ]
        func add(_ name: String, _ value: String?) {
            if let value { rows.append((name, value)) }
        }
        add("scenario", parameters.scenario)
        add("scale of devices", parameters.scale.map(PlotUnit.short))
        add("scale of time", parameters.timeScale.map(PlotUnit.short))
        add("part of a run", parameters.shard)
        add("share of resumed handshakes", parameters.resumeShare.map { LatencyText.render(share: $0) })
        add("rate", parameters.ratePerSecond.map { "\(LatencyText.render(number: $0)) connects/s" })
        add("arrivals", parameters.arrivals)
        add("in flight", parameters.concurrency.map(LatencyText.grouped))
        add("reconnect", parameters.reconnect)
        add("event loops", String(parameters.loops))
        add("seed", String(parameters.seed))
        return rows
    }

    /// Repeats the run; the credentials and templates are not part of a report.
    static func command(_ report: RunReport) -> String {
        let parameters = report.parameters
        var words = ["firmware-sim"]
        if let scenario = parameters.scenario {
            words += ["scenario", "run", scenario]
        } else {
            words.append(parameters.mode == "handshake" ? "handshake" : "run")
        }
        words += ["--target", parameters.target, "--tls", parameters.tls]
        if parameters.scenario == nil {
            words += parameters.mode == "handshake" ? [] : ["--mqtt", parameters.mqtt]
            if report.fleets.count == 1, let fleet = report.fleets.first {
                words += ["--devices", String(fleet.devices)]
            }
            if report.fleets.count > 1 {
                for fleet in report.fleets { words += ["--fleet", "name=\(fleet.name);count=\(fleet.devices)"] }
            }
            if let rate = parameters.ratePerSecond { words += ["--rate", decimal(rate)] }
            if let arrivals = parameters.arrivals { words += ["--arrivals", arrivals] }
            if let concurrency = parameters.concurrency {
                words += ["--rate", "0", "--concurrency", String(concurrency)]
            }
            if parameters.mode == "connect-only" { words.append("--connect-only") }
            if parameters.mode == "stay" { words += ["--reconnect", parameters.reconnect] }
        } else {
            if let scale = parameters.scale, scale != 1 { words += ["--scale", decimal(scale)] }
            if let scale = parameters.timeScale, scale != 1 { words += ["--time-scale", decimal(scale)] }
        }
        if let shard = parameters.shard { words += ["--shard", shard] }
        words += ["--loops", String(parameters.loops), "--seed", String(parameters.seed)]
        return words.map(quoted).joined(separator: " ")
    }

    private static func decimal(_ value: Double) -> String {
        value == value.rounded() && value.magnitude < 1e15 ? String(LatencyText.whole(value)) : String(value)
    }

    /// As a POSIX shell takes it for one word.
    private static func quoted(_ word: String) -> String {
        let isPlain =
            !word.isEmpty
            && word.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: ":"),
                    UInt8(ascii: "/"), UInt8(ascii: "_"), UInt8(ascii: ","), UInt8(ascii: "="), UInt8(ascii: "["),
                    UInt8(ascii: "]"):
                    true
                default: false
                }
            }
        guard !isPlain else { return word }
        return "'"
            + PrintableText.clean(word).split(separator: "'", omittingEmptySubsequences: false).joined(
                separator: "'\\''") + "'"
    }
}

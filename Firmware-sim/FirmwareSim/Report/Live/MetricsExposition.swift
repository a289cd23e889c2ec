/// Live figures in Prometheus' text format 0.0.4.
enum MetricsExposition {
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// Different reasons shown; the rest is counted together, so that a peer cannot fill the monitoring's memory.
    static let reasonsMax = 100
    /// Of a label's value.
    static let labelCharactersMax = 64

    static func render(_ figures: LiveFigures) -> String {
        var text = ""
        for family in scalars(figures) {
            head(family.name, family.type, family.help, &text)
            text += "firmware_sim_\(family.name) \(family.value)\n"
        }
        handshakes(figures, &text)
        failures(figures, &text)
        latencies(figures, &text)
        if let stage = figures.stage {
            head("stage_info", "gauge", "The stage the run is in, as a label; always 1.", &text)
            text += "firmware_sim_stage_info{stage=\"\(label(stage))\"} 1\n"
        }
        return text
    }

    private struct Scalar {
        var name: String
        var type: String
        var help: String
        var value: String
    }

    private static func scalars(_ figures: LiveFigures) -> [Scalar] {
        var scalars = [
            Scalar(
                name: "devices", type: "gauge", help: "Devices of the run.", value: String(figures.devices)),
            Scalar(
                name: "devices_connected", type: "gauge", help: "Devices accepted by the target and still connected.",
                value: String(figures.connectedNow)),
            Scalar(
                name: "elapsed_seconds", type: "gauge", help: "Since the first intended start.",
                value: number(figures.elapsedSeconds)),
            Scalar(
                name: "attempts_total", type: "counter", help: "Connections begun.", value: String(figures.attempts)),
            Scalar(
                name: "connects_total", type: "counter", help: "Connections accepted with CONNACK.",
                value: String(figures.connects)),
            Scalar(
                name: "publishes_total", type: "counter", help: "Publishes sent by devices.",
                value: String(figures.published)),
            Scalar(
                name: "publishes_acknowledged_total", type: "counter", help: "Publishes acknowledged to devices.",
                value: String(figures.acknowledged)),
            Scalar(
                name: "publishes_received_total", type: "counter", help: "Publishes received by devices.",
                value: String(figures.received)),
        ]
        if let planned = figures.plannedSeconds {
            scalars.append(
                Scalar(name: "planned_seconds", type: "gauge", help: "Length of the run.", value: number(planned)))
        }
        return scalars
    }

    private static func handshakes(_ figures: LiveFigures, _ text: inout String) {
        head("handshakes_total", "counter", "TLS handshakes finished on the device's side.", &text)
        text +=
            "firmware_sim_handshakes_total{kind=\"full\"} \(max(0, figures.handshakes - figures.resumedHandshakes))\n"
        text += "firmware_sim_handshakes_total{kind=\"resumed\"} \(figures.resumedHandshakes)\n"
    }

    private static func failures(_ figures: LiveFigures, _ text: inout String) {
        head("failures_total", "counter", "Failed attempts and publishes by phase and reason.", &text)
        let sorted = figures.failuresByCount
        // Two reasons may look the same once they are fit to be labels; a series must not occur twice.
        var counts: [String: Int] = [:]
        for failure in sorted.prefix(reasonsMax) {
            counts["phase=\"\(failure.reason.phase.rawValue)\",reason=\"\(label(failure.reason.code))\"", default: 0] +=
                failure.count
        }
        let others = figures.failureCount - counts.values.reduce(0, +)
        for (labels, count) in counts.sorted(by: { $0.key < $1.key }) {
            text += "firmware_sim_failures_total{\(labels)} \(count)\n"
        }
        if others > 0 { text += "firmware_sim_failures_total{phase=\"other\",reason=\"other\"} \(others)\n" }
    }

    private static func latencies(_ figures: LiveFigures, _ text: inout String) {
        let kinds = LatencyKind.allCases.compactMap { kind in figures.latency[kind].map { (kind, $0) } }
        guard !kinds.isEmpty else { return }
        head("latency_seconds", "summary", "Latency from the intended moment, since the beginning of the run.", &text)
        for (kind, quantiles) in kinds {
            for (name, value) in [
                ("0.5", quantiles.p50), ("0.9", quantiles.p90), ("0.99", quantiles.p99), ("1", quantiles.max),
            ] {
                text +=
                    "firmware_sim_latency_seconds{kind=\"\(kind.rawValue)\",quantile=\"\(name)\"} "
                    + "\(number(Double(value) / 1_000_000))\n"
            }
            text += "firmware_sim_latency_seconds_count{kind=\"\(kind.rawValue)\"} \(quantiles.count)\n"
        }
    }

    private static func head(_ name: String, _ type: String, _ help: String, _ text: inout String) {
        text += "# HELP firmware_sim_\(name) \(help)\n# TYPE firmware_sim_\(name) \(type)\n"
    }

    private static func number(_ value: Double) -> String {
        value.isFinite ? String(value) : "0"
    }

    /// Letters, digits and a few signs; anything else becomes `-`.
    private static func label(_ text: String) -> String {
        String(
            text.unicodeScalars.prefix(labelCharactersMax).map { scalar in
                let isPlain = scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
                return isPlain || scalar == "-" || scalar == "_" || scalar == "." ? Character(scalar) : "-"
            })
    }
}

extension PrometheusRegistry {
    /// The media type of ``exposition()``.
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// All series in Prometheus' text format 0.0.4: families by name, series by labels, so that two expositions of
    /// the same state are equal. Any thread.
    public func exposition() -> String {
        let (families, refusals) = snapshot()
        var text = ""
        for family in families.sorted(by: { $0.name < $1.name }) where !family.series.isEmpty {
            Self.append(family, to: &text)
        }
        Self.appendHeader(
            Self.refusalsName, word: "counter", help: "Metrics asked for that the registry could not give.", to: &text)
        for (reason, count) in refusals {
            let label = MetricLabel(name: "reason", value: reason.rawValue)
            Self.appendSample(Self.refusalsName, [label], String(count), to: &text)
        }
        return text
    }

    private static func append(_ family: MetricFamilySnapshot, to text: inout String) {
        appendHeader(family.name, word: family.type.word, help: family.help, to: &text)
        for series in family.series.sorted(by: { $0.key.labels.lexicographicallyPrecedes($1.key.labels) }) {
            switch series {
            case let counter as CounterSeries:
                appendSample(family.name, counter.key.labels, String(counter.value), to: &text)
            case let counter as FloatingPointCounterSeries:
                appendSample(family.name, counter.key.labels, PrometheusText.number(counter.value), to: &text)
            case let gauge as GaugeSeries:
                appendSample(family.name, gauge.key.labels, PrometheusText.number(gauge.value), to: &text)
            case let histogram as HistogramSeries:
                append(histogram, named: family.name, to: &text)
            default:
                break  // `MetricSeries` is not public: the four above are all there are
            }
        }
    }

    private static func append(_ histogram: HistogramSeries, named name: String, to text: inout String) {
        let labels = histogram.key.labels
        let counts = histogram.cumulativeCounts
        let bounds = histogram.buckets.upperBounds.map(PrometheusText.number) + ["+Inf"]
        for (bound, count) in zip(bounds, counts) {
            appendSample(name + "_bucket", labels + [MetricLabel(name: "le", value: bound)], String(count), to: &text)
        }
        appendSample(name + "_sum", labels, PrometheusText.number(histogram.sum), to: &text)
        appendSample(name + "_count", labels, String(counts.last ?? 0), to: &text)
    }

    private static func appendHeader(_ name: String, word: String, help: String?, to text: inout String) {
        if let help {
            text += "# HELP \(name) \(PrometheusText.escapedHelp(help))\n"
        }
        text += "# TYPE \(name) \(word)\n"
    }

    private static func appendSample(_ name: String, _ labels: [MetricLabel], _ value: String, to text: inout String) {
        text += name
        if !labels.isEmpty {
            let pairs = labels.map { "\($0.name)=\"\(PrometheusText.escapedLabelValue($0.value))\"" }
            text += "{\(pairs.joined(separator: ","))}"
        }
        text += " \(value)\n"
    }
}

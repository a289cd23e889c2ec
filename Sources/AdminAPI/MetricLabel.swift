/// One label of a series: a valid Prometheus label name and a value that may be any text.
///
/// Ordered by name, then value, so that an exposition is the same for the same state.
struct MetricLabel: Hashable, Comparable, Sendable {
    let name: String
    let value: String

    static func < (lhs: MetricLabel, rhs: MetricLabel) -> Bool {
        (lhs.name, lhs.value) < (rhs.name, rhs.value)
    }
}

/// The rules of the Prometheus text format 0.0.4 for names and escapes
/// (prometheus.io, "Exposition formats", and "Data model": `[a-zA-Z_:][a-zA-Z0-9_:]*` and `[a-zA-Z_][a-zA-Z0-9_]*`).
///
/// A name that breaks them is repaired rather than refused: swift-metrics allows any text, libraries use dots, and one
/// bad name would make Prometheus throw away the whole scrape.
enum PrometheusText {
    /// Longer names are cut: nothing of ours comes near, and a name is stored once and sent on every scrape.
    static let nameBytesMax = 200

    /// A valid metric name: every byte outside the allowed set becomes `_`, a leading digit gets a `_` before it.
    static func metricName(_ label: String) -> String {
        repaired(label, allowsColon: true)
    }

    /// A valid label name. Names that start with `__` are reserved for Prometheus itself, so one `_` is left.
    static func labelName(_ name: String) -> String {
        var result = repaired(name, allowsColon: false)
        while result.hasPrefix("__") {
            result.removeFirst()
        }
        return result
    }

    private static func repaired(_ text: String, allowsColon: Bool) -> String {
        var result = ""
        for byte in text.utf8.prefix(nameBytesMax) {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            case UInt8(ascii: ":") where allowsColon:
                result.unicodeScalars.append(Unicode.Scalar(byte))
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                if result.isEmpty { result.append("_") }
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                result.append("_")
            }
        }
        return result.isEmpty ? "_" : result
    }

    /// The labels of a series in the form they are kept in: valid names, no name twice (the first wins), bounded
    /// number and length, sorted. `reserved` names (`le` of a histogram) get a `_` in front.
    static func labels(
        _ dimensions: [(String, String)], reserved: Set<String>, limits: PrometheusRegistry.Limits
    ) -> [MetricLabel] {
        var seen: Set<String> = []
        var result: [MetricLabel] = []
        for (name, value) in dimensions.prefix(limits.labelsPerSeriesMax) {
            var name = labelName(name)
            if reserved.contains(name) { name = "_" + name }
            guard seen.insert(name).inserted else { continue }
            result.append(MetricLabel(name: name, value: shortened(value, bytesMax: limits.labelValueBytesMax)))
        }
        return result.sorted()
    }

    private static func shortened(_ value: String, bytesMax: Int) -> String {
        guard value.utf8.count > bytesMax else { return value }
        var result = ""
        var bytes = 0
        for scalar in value.unicodeScalars {
            bytes += UTF8.width(scalar)
            guard bytes <= bytesMax else { break }
            result.unicodeScalars.append(scalar)
        }
        return result
    }

    /// A label value as it stands between quotation marks: `\`, `"` and line feed are escaped.
    static func escapedLabelValue(_ value: String) -> String {
        escaped(value, escapesQuotationMark: true)
    }

    /// A help text as it stands after `# HELP name `: `\` and line feed are escaped.
    static func escapedHelp(_ text: String) -> String {
        escaped(text, escapesQuotationMark: false)
    }

    private static func escaped(_ text: String, escapesQuotationMark: Bool) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\":
                result.append("\\\\")
            case "\n":
                result.append("\\n")
            case "\"" where escapesQuotationMark:
                result.append("\\\"")
            default:
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// A sample value: whole numbers without a fraction, `+Inf`, `-Inf` and `NaN` as the format spells them.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if let whole = Int64(exactly: value) { return String(whole) }
        return String(value)
    }
}

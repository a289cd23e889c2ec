/// Two runs side by side: A, and B as compared with A.
struct RunComparison: Sendable, Encodable, Equatable {
    var schema = RunReport.schemaVersion
    var a: Side
    var b: Side
    /// Why figures may not be laid at the door of the target: different settings, invalid results. Empty: none.
    var warnings: [String]
    var rows: [Row]

    struct Side: Sendable, Encodable, Equatable {
        /// The file's name.
        var name: String
        var startedAt: String
        var passed: Bool
        /// False: the generator was the limit.
        var isValid: Bool
    }

    /// One figure. Times are in microseconds unless the unit says otherwise.
    struct Row: Sendable, Encodable, Equatable {
        var figure: String
        var unit: Unit
        /// Nil: not measured.
        var a: Double?
        var b: Double?
        /// B less A.
        var difference: Double?
        /// B by A; nil where A is 0.
        var ratio: Double?

        init(_ figure: String, _ unit: Unit, _ a: Double?, _ b: Double?) {
            self.figure = figure
            self.unit = unit
            self.a = a
            self.b = b
            guard let a, let b else { return }
            difference = b - a
            ratio = a > 0 ? b / a : nil
        }
    }

    enum Unit: String, Sendable, Encodable, Equatable {
        case count
        case perSecond = "per-second"
        case microseconds
        case seconds
        case bytes
        case share

        func text(_ value: Double) -> String {
            switch self {
            case .count: LatencyText.grouped(LatencyText.whole(value))
            case .perSecond: LatencyText.render(number: value)
            case .microseconds: LatencyText.render(microseconds: UInt64(clamping: LatencyText.whole(value.magnitude)))
            case .seconds: LatencyText.render(seconds: value.magnitude)
            case .bytes: LatencyText.render(bytes: value.magnitude)
            case .share: LatencyText.render(share: value.magnitude)
            }
        }
    }

    /// - Parameters:
    ///   - nameA: What the first report is called, usually its file's name.
    init(_ reportA: RunReport, named nameA: String, _ reportB: RunReport, named nameB: String) {
        a = Side(reportA, nameA)
        b = Side(reportB, nameB)
        warnings = ComparisonWarnings.all(reportA, reportB)
        rows = ComparisonRows.all(reportA, reportB)
    }
}

extension RunComparison.Side {
    fileprivate init(_ report: RunReport, _ name: String) {
        self.init(
            name: PrintableText.clean(name), startedAt: PrintableText.clean(report.startedAt),
            passed: report.verdict.passed, isValid: report.verdict.isValid)
    }
}

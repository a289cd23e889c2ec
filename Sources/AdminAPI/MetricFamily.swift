/// What kind of metric a family is; it never changes while the family exists.
enum MetricType: Sendable {
    case counter
    case floatingPointCounter
    case gauge
    case histogram
    /// A histogram of seconds.
    case timer

    /// The word after `# TYPE name `.
    var word: String {
        switch self {
        case .counter, .floatingPointCounter: "counter"
        case .gauge: "gauge"
        case .histogram, .timer: "histogram"
        }
    }

    /// The name with the suffix that Prometheus' naming rules ask for.
    func exposedName(_ name: String) -> String {
        switch self {
        case .counter, .floatingPointCounter: name.hasSuffix("_total") ? name : name + "_total"
        case .timer: name.hasSuffix("_seconds") ? name : name + "_seconds"
        case .gauge, .histogram: name
        }
    }

    /// Label names that the format itself uses.
    var reservedLabels: Set<String> {
        switch self {
        case .counter, .floatingPointCounter, .gauge: []
        case .histogram, .timer: ["le"]
        }
    }

    /// Every sample name of a family of this type.
    func sampleNames(_ name: String) -> [String] {
        switch self {
        case .counter, .floatingPointCounter, .gauge: [name]
        case .histogram, .timer: [name, name + "_bucket", name + "_sum", name + "_count"]
        }
    }
}

/// All series of one name.
struct MetricFamily: Sendable {
    struct Member: Sendable {
        let series: any MetricSeries
        /// How many times it was made and not yet destroyed.
        var holders: Int
    }

    let type: MetricType
    var members: [[MetricLabel]: Member] = [:]
    /// Stands for the series beyond the registry's limit; made when first needed.
    var overflow: (any MetricSeries)?

    init(type: MetricType) {
        self.type = type
    }
}

/// A family as it is shown.
struct MetricFamilySnapshot: Sendable {
    let name: String
    let type: MetricType
    let help: String?
    let series: [any MetricSeries]
}

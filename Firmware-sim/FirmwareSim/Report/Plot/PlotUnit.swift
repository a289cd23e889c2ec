/// What an axis counts in, and how its values are written.
enum PlotUnit: Sendable, Equatable {
    case count
    case perSecond
    case microseconds
    case bytes
    /// 0 to 1.
    case share
    case processors

    func text(_ value: Double) -> String {
        switch self {
        case .count: LatencyText.grouped(LatencyText.whole(value))
        case .perSecond: "\(Self.short(value))/s"
        case .microseconds: LatencyText.render(microseconds: UInt64(clamping: LatencyText.whole(max(0, value))))
        case .bytes: LatencyText.render(bytes: value)
        case .share: LatencyText.render(share: value)
        case .processors: "\(Self.short(value)) CPU"
        }
    }

    /// Of a tick: without decimals that say nothing.
    func tick(_ value: Double) -> String {
        switch self {
        case .count: LatencyText.grouped(LatencyText.whole(value))
        case .perSecond, .processors: Self.short(value)
        case .microseconds: Self.scaled(value, by: 1_000, units: ["us", "ms", "s"])
        case .bytes: Self.scaled(value, by: 1_024, units: ["B", "KiB", "MiB", "GiB", "TiB"])
        case .share: "\(Self.short(value * 100)) %"
        }
    }

    /// For the axis' title.
    var name: String {
        switch self {
        case .count: ""
        case .perSecond: "per second"
        case .microseconds: "log scale"
        case .bytes: ""
        case .share: ""
        case .processors: "processors"
        }
    }

    /// Half a device is none.
    var isWhole: Bool {
        switch self {
        case .count: true
        case .perSecond, .microseconds, .bytes, .share, .processors: false
        }
    }

    private static func scaled(_ value: Double, by step: Double, units: [String]) -> String {
        var value = value
        var name = ""
        for unit in units {
            name = unit
            if value < step || unit == units.last { break }
            value /= step
        }
        return "\(short(value)) \(name)"
    }

    /// Up to two decimals, without zeros at the end.
    static func short(_ value: Double) -> String {
        guard value.magnitude < 100 else { return LatencyText.grouped(LatencyText.whole(value)) }
        let hundredths = LatencyText.whole(value * 100)
        var text = "\(hundredths.magnitude / 100)"
        let rest = hundredths.magnitude % 100
        if rest > 0 { text += rest % 10 == 0 ? ".\(rest / 10)" : rest < 10 ? ".0\(rest)" : ".\(rest)" }
        return hundredths < 0 ? "-" + text : text
    }
}

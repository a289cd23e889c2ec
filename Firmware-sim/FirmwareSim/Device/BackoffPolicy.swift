import NIOCore

/// When a device tries again after a failure.
enum BackoffPolicy: Sendable, Equatable {
    /// Never: the first failure is the device's end.
    case none
    /// After the same time each time: what naive firmware does, and what makes a herd.
    case fixed(TimeAmount)
    /// After a random time between zero and a bound that doubles with each failure in a row ("full jitter").
    case fullJitter(base: TimeAmount, cap: TimeAmount)

    static let standard = BackoffPolicy.fullJitter(base: .seconds(1), cap: .seconds(60))

    /// Reads `none`, `fixed:5s`, `full-jitter` or `full-jitter:BASE,CAP`.
    init(option text: String) throws(SimulatorError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let times = parts.count == 2 ? parts[1].split(separator: ",", omittingEmptySubsequences: false) : []
        switch (parts.first ?? "", times.count) {
        case ("none", 0) where parts.count == 1:
            self = .none
        case ("fixed", 1):
            self = .fixed(try DurationText.parse(String(times[0]), option: "--reconnect fixed"))
        case ("full-jitter", 0) where parts.count == 1:
            self = .standard
        case ("full-jitter", 2):
            let base = try DurationText.parse(String(times[0]), option: "--reconnect full-jitter")
            let cap = try DurationText.parse(String(times[1]), option: "--reconnect full-jitter")
            guard base <= cap else {
                throw .options("bad-reconnect", "--reconnect '\(text)': the cap is less than the base")
            }
            self = .fullJitter(base: base, cap: cap)
        default:
            throw .options(
                "bad-reconnect", "--reconnect '\(text)' is not none, fixed:TIME, full-jitter or full-jitter:BASE,CAP")
        }
    }

    /// How long to wait after `failures` failures in a row (at least 1); nil: do not try again.
    func delay(afterFailures failures: Int, using generator: inout SeededGenerator) -> TimeAmount? {
        switch self {
        case .none:
            return nil
        case .fixed(let time):
            return time
        case .fullJitter(let base, let cap):
            // 2^20 times any base is beyond any cap that the options admit, and cannot overflow.
            let doublings = min(max(failures - 1, 0), 20)
            let (product, overflow) = base.nanoseconds.multipliedReportingOverflow(by: Int64(1) << doublings)
            let bound = overflow ? cap.nanoseconds : min(product, cap.nanoseconds)
            return .nanoseconds(Int64.random(in: 0...max(0, bound), using: &generator))
        }
    }

    var text: String {
        switch self {
        case .none: "none"
        case .fixed(let time): "fixed:\(DurationText.render(time))"
        case .fullJitter(let base, let cap): "full-jitter:\(DurationText.render(base)),\(DurationText.render(cap))"
        }
    }
}

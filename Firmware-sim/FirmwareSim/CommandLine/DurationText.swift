import NIOCore

/// Times on the command line: `250ms`, `5s`, `2m`, `1h`, `1.5s`. A bare number is seconds.
enum DurationText {
    private static let units: [(suffix: String, nanoseconds: Double)] = [
        ("ms", 1e6), ("us", 1e3), ("s", 1e9), ("m", 60e9), ("h", 3_600e9),
    ]

    /// - Parameter option: How the option is called, for the error.
    static func parse(_ text: String, option: String, allowingZero: Bool = false) throws(SimulatorError) -> TimeAmount {
        let unit = units.first { text.hasSuffix($0.suffix) } ?? ("", 1e9)
        let digits = text.dropLast(unit.suffix.count)
        let isNumber = !digits.isEmpty && digits.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x2E }
        guard isNumber, let value = Double(digits) else {
            throw .options("bad-duration", "\(option) '\(text)' is not a time such as 250ms, 5s, 2m or 1h")
        }
        let nanoseconds = value * unit.nanoseconds
        guard nanoseconds <= SimulatorLimits.durationSecondsMax * 1e9 else {
            throw .options("bad-duration", "\(option) '\(text)' is more than a week")
        }
        guard nanoseconds >= 1 || (allowingZero && value == 0) else {
            throw .options("bad-duration", "\(option) must be more than 0")
        }
        return .nanoseconds(Int64(nanoseconds))
    }

    /// The shortest way to write it with one decimal.
    static func render(_ amount: TimeAmount) -> String {
        let seconds = Double(amount.nanoseconds) / 1e9
        if seconds < 1 { return "\(Int((seconds * 1_000).rounded()))ms" }
        let tenths = Int((seconds * 10).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)s" : "\(tenths / 10).\(tenths % 10)s"
    }
}

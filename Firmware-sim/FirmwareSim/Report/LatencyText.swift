/// Figures for people: three significant digits with a unit. Any value is taken, also those of a hostile file.
enum LatencyText {
    static func render(microseconds: UInt64) -> String {
        switch microseconds {
        case 0..<1_000: "\(microseconds) us"
        case 1_000..<1_000_000: threeDigits(Double(microseconds) / 1_000) + " ms"
        default: threeDigits(Double(microseconds) / 1_000_000) + " s"
        }
    }

    /// A rate or another count that need not be whole.
    static func render(number: Double) -> String {
        number.magnitude >= 100 ? grouped(whole(number)) : threeDigits(number)
    }

    /// 0 to 1 as `42 %`; below one per cent with a decimal, so that little is not nothing.
    static func render(share: Double) -> String {
        let percent = share * 100
        if percent > 0, percent < 1 { return "\(threeDigits(percent)) %" }
        // Only what is whole is called so.
        if percent > 99, percent < 100 { return "\(threeDigits(min(percent, 99.9))) %" }
        return "\(whole(percent)) %"
    }

    /// In units of 1,024.
    static func render(bytes: Double) -> String {
        var value = bytes
        for unit in ["B", "KiB", "MiB", "GiB"] {
            if value.magnitude < 1_024 { return (unit == "B" ? String(whole(value)) : threeDigits(value)) + " \(unit)" }
            value /= 1_024
        }
        return render(number: value) + " TiB"
    }

    /// Seconds below a minute with two decimals, above as `2 min 5 s`, `3 h 20 min`, `2 d 4 h`.
    static func render(seconds: Double) -> String {
        if seconds < 60 { return threeDigits(max(0, seconds)) + " s" }
        let total = whole(seconds)
        switch total {
        case ..<3_600: return two(total / 60, "min", total % 60, "s")
        case ..<172_800: return two(total / 3_600, "h", total % 3_600 / 60, "min")
        default: return two(total / 86_400, "d", total % 86_400 / 3_600, "h")
        }
    }

    private static func two(_ large: Int, _ largeUnit: String, _ small: Int, _ smallUnit: String) -> String {
        "\(large) \(largeUnit)" + (small > 0 ? " \(small) \(smallUnit)" : "")
    }

    /// With a comma between each three digits.
    static func grouped(_ number: Int) -> String {
        let digits = Array(String(number.magnitude))
        var output = number < 0 ? "-" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { output.append(",") }
            output.append(digit)
        }
        return output
    }

    static func grouped(_ number: UInt64) -> String {
        grouped(Int(clamping: number))
    }

    /// The nearest whole number; the largest there is for what lies beyond it, 0 for what is no number.
    static func whole(_ value: Double) -> Int {
        Int(exactly: value.rounded()) ?? (value.isNaN ? 0 : value < 0 ? .min + 1 : .max)
    }

    private static func threeDigits(_ value: Double) -> String {
        guard value.magnitude < 1e15 else { return grouped(whole(value)) }
        guard value >= 0 else { return value < 0 ? "-" + threeDigits(-value) : "0.00" }
        let decimals = value >= 100 ? 0 : value >= 10 ? 1 : 2
        let scale = [1, 10, 100][decimals]
        let scaled = whole(value * Double(scale))
        let whole = scaled / scale
        guard decimals > 0 else { return String(whole) }
        let fraction = String(scaled % scale)
        return "\(whole)." + String(repeating: "0", count: decimals - fraction.count) + fraction
    }
}

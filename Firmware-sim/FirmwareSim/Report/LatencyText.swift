/// Times for people: three significant digits with a unit.
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
        number >= 100 ? grouped(Int(number.rounded())) : threeDigits(number)
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

    private static func threeDigits(_ value: Double) -> String {
        let decimals = value >= 100 ? 0 : value >= 10 ? 1 : 2
        let scale = [1.0, 10.0, 100.0][decimals]
        let scaled = Int((value * scale).rounded())
        let whole = scaled / Int(scale)
        guard decimals > 0 else { return String(whole) }
        let fraction = String(scaled % Int(scale))
        return "\(whole)." + String(repeating: "0", count: decimals - fraction.count) + fraction
    }
}

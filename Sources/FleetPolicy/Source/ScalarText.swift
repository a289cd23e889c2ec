/// What operators write for numbers, durations and sizes.
enum ScalarText {
    /// A whole number in decimal digits, with a minus sign when negative; nil for anything else, overflow included.
    static func integer(_ text: String) -> Int? {
        let digits = text.hasPrefix("-") ? text.dropFirst() : Substring(text)
        guard !digits.isEmpty, digits.utf8.allSatisfy(isDigit) else { return nil }
        return Int(text)
    }

    /// A whole number and its unit, `500ms`, `30s`, `5m`, `24h` or `7d`. A number alone has no meaning as a duration.
    static func duration(_ text: String) -> Duration? {
        guard let (number, unit) = split(text) else { return nil }
        switch unit {
        case "ms": return .milliseconds(number)
        case "s": return .seconds(number)
        case "m": return seconds(number, times: 60)
        case "h": return seconds(number, times: 3_600)
        case "d": return seconds(number, times: 86_400)
        case _: return nil
        }
    }

    /// A number of bytes: a number alone, or with `B`, `KiB`, `MiB`, `GiB` (1,024 and its powers). `kB` and `MB` are
    /// refused rather than guessed at: half of the world means 1,000 and the other half 1,024.
    static func byteSize(_ text: String) -> Int? {
        guard let (number, unit) = split(text) else { return nil }
        let factor: Int
        switch unit {
        case "", "B": factor = 1
        case "KiB": factor = 1_024
        case "MiB": factor = 1_048_576
        case "GiB": factor = 1_073_741_824
        case _: return nil
        }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: factor)
        return overflow ? nil : bytes
    }

    /// A duration as an operator would write it.
    static func text(of duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        if attoseconds != 0 {
            return "\(seconds * 1_000 + attoseconds / 1_000_000_000_000_000)ms"
        }
        if seconds != 0, seconds % 86_400 == 0 { return "\(seconds / 86_400)d" }
        if seconds != 0, seconds % 3_600 == 0 { return "\(seconds / 3_600)h" }
        if seconds != 0, seconds % 60 == 0 { return "\(seconds / 60)m" }
        return "\(seconds)s"
    }

    /// A byte size as an operator would write it.
    static func text(ofBytes bytes: Int) -> String {
        if bytes != 0, bytes % 1_048_576 == 0 { return "\(bytes / 1_048_576)MiB" }
        if bytes != 0, bytes % 1_024 == 0 { return "\(bytes / 1_024)KiB" }
        return "\(bytes)"
    }

    private static func seconds(_ number: Int, times factor: Int) -> Duration? {
        let (seconds, overflow) = number.multipliedReportingOverflow(by: factor)
        return overflow ? nil : .seconds(seconds)
    }

    private static func split(_ text: String) -> (number: Int, unit: Substring)? {
        let digits = text.prefix { $0.isASCII && $0.isWholeNumber }
        // Twelve digits are far above every limit of ours and far below what overflows a duration.
        guard !digits.isEmpty, digits.utf8.count <= 12, let number = Int(digits) else { return nil }
        return (number, text.dropFirst(digits.count).drop { $0 == " " })
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
    }
}

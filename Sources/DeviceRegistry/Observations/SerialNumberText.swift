/// Serial numbers as text, so that those of a certificate, a list and an operator compare.
public enum SerialNumberText {
    /// Lower-case hexadecimal digits without leading zeros and without colons: `0A:BC` is `abc`. `0` for zero.
    public static func normal(_ text: String) -> String {
        let digits = text.lowercased().filter { $0 != ":" }.drop { $0 == "0" }
        return digits.isEmpty && !text.isEmpty ? "0" : String(digits)
    }
}

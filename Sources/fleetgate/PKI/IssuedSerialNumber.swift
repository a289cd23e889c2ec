/// Serial numbers as people copy them from other tools: with colons or spaces, in either case, with `0x` before them.
enum IssuedSerialNumber {
    /// RFC 5280 section 4.1.2.2, and one octet for the zero that some tools write before a number.
    private static let octetsMax = 21

    /// In lower-case hexadecimal digits, two for each octet, without octets of zero before them; nil: not a serial
    /// number.
    static func normal(_ text: String) -> String? {
        var digits = text.lowercased()
        if digits.hasPrefix("0x") { digits.removeFirst(2) }
        digits = digits.filter { $0 != ":" && $0 != " " }
        guard !digits.isEmpty, digits.utf8.count <= 2 * octetsMax,
            digits.utf8.allSatisfy({
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
            })
        else { return nil }
        var significant = String(digits.drop { $0 == "0" })
        guard !significant.isEmpty else { return nil }
        if !significant.utf8.count.isMultiple(of: 2) { significant = "0" + significant }
        return significant.utf8.count <= 40 ? significant : nil
    }
}

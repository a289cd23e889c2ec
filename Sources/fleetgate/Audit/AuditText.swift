import Foundation

/// The texts of the audit log's lines, byte for byte.
enum AuditText {
    private static let digits = Array("0123456789abcdef".utf8)

    static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        var text: [UInt8] = []
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Appends a JSON string (RFC 8259, section 7) with its quotation marks. Nothing in it can end a line or steer a
    /// terminal: control characters, and those that turn the direction of text, are written as `\uXXXX`, so that the
    /// text can be had back from the file as it was. Longer texts than ``AuditLimits/textBytes`` are cut and end in `…`.
    static func appendJSON(_ text: String, to line: inout [UInt8]) {
        line.append(UInt8(ascii: "\""))
        let isPlain = text.utf8.allSatisfy {
            (0x20..<0x7F).contains($0) && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
        }
        if isPlain, text.utf8.count <= AuditLimits.textBytes {
            line.append(contentsOf: text.utf8)
        } else {
            appendEscaped(text, to: &line)
        }
        line.append(UInt8(ascii: "\""))
    }

    private static func appendEscaped(_ text: String, to line: inout [UInt8]) {
        var bytes = 0
        for scalar in text.unicodeScalars {
            bytes += UTF8.width(scalar)
            guard bytes <= AuditLimits.textBytes else {
                line.append(contentsOf: "…".utf8)
                return
            }
            switch scalar {
            case "\"": line.append(contentsOf: "\\\"".utf8)
            case "\\": line.append(contentsOf: "\\\\".utf8)
            case _ where isInvisible(scalar):
                for unit in UTF16.encode(scalar) ?? UTF16.encodedReplacementCharacter {
                    line.append(contentsOf: "\\u".utf8)
                    for shift in [12, 8, 4, 0] { line.append(digits[Int(unit >> UInt16(shift) & 15)]) }
                }
            case _: line.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            }
        }
    }

    private static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: true
        default: false
        }
    }

    /// UTC with milliseconds, always 24 characters, so that times compare as texts do: `2026-11-21T01:33:00.123Z`.
    /// Times before 1970 and after 9999 are the nearest that can be written.
    ///
    /// - Parameter milliseconds: Since 1970-01-01T00:00:00Z.
    static func time(_ milliseconds: Int64) -> String {
        let lastOf9999: Int64 = 253_402_300_799_999
        let clamped = min(max(0, milliseconds), lastOf9999)
        let (day, inDay) = clamped.quotientAndRemainder(dividingBy: 86_400_000)
        // The calendar repeats every 400 years of 146,097 days; years are counted from March, so that a leap day is
        // the last of its year.
        let shifted = day + 719_468
        let (era, dayOfEra) = shifted.quotientAndRemainder(dividingBy: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let dayOfMonth = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let seconds = inDay / 1_000
        return padded(year, 4) + "-" + padded(month, 2) + "-" + padded(dayOfMonth, 2) + "T"
            + padded(seconds / 3_600, 2) + ":" + padded(seconds / 60 % 60, 2) + ":" + padded(seconds % 60, 2) + "."
            + padded(inDay % 1_000, 3) + "Z"
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
    }

    /// Now, in milliseconds since 1970-01-01T00:00:00Z.
    static var now: Int64 { milliseconds(Date()) }

    static func milliseconds(_ date: Date) -> Int64 {
        Int64(exactly: (date.timeIntervalSince1970 * 1_000).rounded(.down)) ?? 0
    }
}

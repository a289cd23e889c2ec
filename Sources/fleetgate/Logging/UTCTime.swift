import Foundation

/// Moments as text in UTC with milliseconds, for lines that are written by the thousand in a second.
enum UTCTime {
    /// Always 24 characters, so that times compare as texts do: `2026-11-21T01:33:00.123Z`. Times before 1970 and after
    /// 9999 are the nearest that can be written.
    ///
    /// - Parameter milliseconds: Since 1970-01-01T00:00:00Z.
    static func append(_ milliseconds: Int64, to text: inout [UInt8]) {
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
        append(year, 4, "-", to: &text)
        append(month, 2, "-", to: &text)
        append(dayOfMonth, 2, "T", to: &text)
        append(seconds / 3_600, 2, ":", to: &text)
        append(seconds / 60 % 60, 2, ":", to: &text)
        append(seconds % 60, 2, ".", to: &text)
        append(inDay % 1_000, 3, "Z", to: &text)
    }

    static func text(_ milliseconds: Int64) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(24)
        append(milliseconds, to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// Now, in milliseconds since 1970-01-01T00:00:00Z.
    static var now: Int64 { milliseconds(Date()) }

    static func milliseconds(_ date: Date) -> Int64 {
        Int64(exactly: (date.timeIntervalSince1970 * 1_000).rounded(.down)) ?? 0
    }

    /// `number` in `width` digits, and what follows it.
    private static func append(_ number: Int64, _ width: Int, _ next: Unicode.Scalar, to text: inout [UInt8]) {
        var divisor: Int64 = 1
        for _ in 1..<width { divisor *= 10 }
        while divisor > 0 {
            text.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / divisor % 10))
            divisor /= 10
        }
        text.append(UInt8(ascii: next))
    }
}

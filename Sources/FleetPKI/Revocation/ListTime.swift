import Foundation
import SwiftASN1

/// Time ::= CHOICE of UTCTime, for the years 1950 to 2049, and GeneralizedTime, for all others (RFC 5280 section 5.1.2.4).
enum ListTime {
    /// Whether the two forms together express it: the years 1950 to 9999. Compared as numbers, among which the order of
    /// dates that are no number does not hold.
    static func canExpress(_ date: Date) -> Bool {
        (-631_152_000.0...253_402_300_799.0).contains(date.timeIntervalSince1970)
    }

    private static let calendar: Calendar = {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        return calendar
    }()

    static func serialize(_ date: Date, into coder: inout DER.Serializer) throws {
        let parts = self.calendar.dateComponents([.year, .month, .day, .hour, .minute, .second], from: date)
        guard let year = parts.year, let month = parts.month, let day = parts.day, let hour = parts.hour,
            let minute = parts.minute, let second = parts.second
        else { throw PKIError(code: .invalidValidity, message: "a date has no place in the calendar") }
        if (1950..<2050).contains(year) {
            try coder.serialize(
                UTCTime(year: year, month: month, day: day, hours: hour, minutes: minute, seconds: second)
            )
        } else {
            try coder.serialize(
                GeneralizedTime(
                    year: year, month: month, day: day, hours: hour, minutes: minute, seconds: second,
                    fractionalSeconds: 0
                )
            )
        }
    }

    /// Seconds since 1970-01-01T00:00:00Z. Nil when the element is neither of the two in the form of RFC 5280 (in UTC,
    /// with seconds, without fractions), or names a moment that does not exist.
    ///
    /// A GeneralizedTime before 2050 is taken: it is not what the standard asks issuers for, and it means one thing.
    static func seconds(_ element: DERElement, _ bytes: Span<UInt8>) -> Int64? {
        let content = element.content
        let digits = element.tag == DERTag.utcTime ? 12 : element.tag == DERTag.generalizedTime ? 14 : 0
        guard digits > 0, content.count == digits + 1, bytes[content.upperBound - 1] == UInt8(ascii: "Z") else {
            return nil
        }
        func pair(_ place: Int) -> Int? {
            let high = bytes[content.lowerBound + place] &- UInt8(ascii: "0")
            let low = bytes[content.lowerBound + place + 1] &- UInt8(ascii: "0")
            return high <= 9 && low <= 9 ? Int(high) * 10 + Int(low) : nil
        }
        let rest = digits - 10
        guard let first = pair(0), let month = pair(rest), let day = pair(rest + 2), let hour = pair(rest + 4),
            let minute = pair(rest + 6), let second = pair(rest + 8)
        else { return nil }
        let year: Int
        if digits == 12 {
            year = first < 50 ? 2000 + first : 1900 + first
        } else {
            guard let second = pair(2) else { return nil }
            year = first * 100 + second
        }
        guard (1...12).contains(month), day >= 1, day <= self.days(in: month, of: year), hour < 24, minute < 60,
            second < 60
        else { return nil }
        let days = self.daysSince1970(year, month, day)
        return Int64(((days * 24 + hour) * 60 + minute) * 60 + second)
    }

    private static func days(in month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// In the Gregorian calendar, for the years 0 to 9999: counted from a March, so that the odd day is the last of a
    /// year.
    private static func daysSince1970(_ year: Int, _ month: Int, _ day: Int) -> Int {
        // 400 more, which are a whole cycle of the calendar, so that January of the year 0 is not before all counting.
        let year = year + 400 - (month <= 2 ? 1 : 0)
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let daysOfCycles = year * 365 + year / 4 - year / 100 + year / 400 + dayOfYear
        // To 1970-01-01 from the March that is counted from.
        return daysOfCycles - 719_468 - 146_097
    }
}

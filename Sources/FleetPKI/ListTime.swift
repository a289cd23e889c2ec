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

    /// Nil when the node is neither of the two, or names a moment that does not exist.
    static func date(_ node: ASN1Node) -> Date? {
        if node.identifier == UTCTime.defaultIdentifier, let time = try? UTCTime(derEncoded: node) {
            return self.date(time.year, time.month, time.day, time.hours, time.minutes, time.seconds)
        }
        if node.identifier == GeneralizedTime.defaultIdentifier, let time = try? GeneralizedTime(derEncoded: node) {
            return self.date(time.year, time.month, time.day, time.hours, time.minutes, time.seconds)
        }
        return nil
    }

    private static func date(_ year: Int, _ month: Int, _ day: Int, _ hour: Int, _ minute: Int, _ second: Int) -> Date?
    {
        self.calendar.date(
            from: DateComponents(year: year, month: month, day: day, hour: hour, minute: minute, second: second)
        )
    }
}

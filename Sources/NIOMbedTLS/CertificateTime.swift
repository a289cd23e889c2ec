/// UTCTime and GeneralizedTime as RFC 5280, 4.1.2.5, allows them, to seconds since 1970.
enum CertificateTime {
    /// - Returns: nil when the text is not of the one form allowed (`…Z`, with seconds) or no such date exists.
    static func seconds(tag: UInt8, text: ArraySlice<UInt8>) -> Int64? {
        let yearDigits: Int
        switch tag {
        case DERReader.Tag.utcTime: yearDigits = 2
        case DERReader.Tag.generalizedTime: yearDigits = 4
        default: return nil
        }
        guard text.count == yearDigits + 11, text.last == UInt8(ascii: "Z") else { return nil }
        var numbers: [Int64] = []
        var rest = text.dropLast()
        for width in [yearDigits, 2, 2, 2, 2, 2] {
            var number: Int64 = 0
            for digit in rest.prefix(width) {
                guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9") else { return nil }
                number = number * 10 + Int64(digit - UInt8(ascii: "0"))
            }
            rest = rest.dropFirst(width)
            numbers.append(number)
        }
        let (month, day, hour, minute, second) = (numbers[1], numbers[2], numbers[3], numbers[4], numbers[5])
        var year = numbers[0]
        if yearDigits == 2 {
            year += year >= 50 ? 1900 : 2000
        }
        guard (1...12).contains(month), (1...self.daysIn(month: month, year: year)).contains(day),
            hour < 24, minute < 60, second < 60
        else { return nil }
        return self.days(year: year, month: month, day: day) * 86_400 + hour * 3_600 + minute * 60 + second
    }

    private static func isLeap(_ year: Int64) -> Bool {
        year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    }

    private static func daysIn(month: Int64, year: Int64) -> Int64 {
        switch month {
        case 2: self.isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days since 1970-01-01 in the Gregorian calendar, by counting years from March so that leap days come last.
    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        // One cycle of the calendar (400 years, 146,097 days) is added, so that the divisions of year 0 round down.
        let marchYear = (month <= 2 ? year - 1 : year) + 400
        let marchMonth = (month + 9) % 12
        let dayOfYear = (153 * marchMonth + 2) / 5 + day - 1
        let leapDays = marchYear / 4 - marchYear / 100 + marchYear / 400
        return marchYear * 365 + leapDays + dayOfYear - 719_468 - 146_097
    }
}

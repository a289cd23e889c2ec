import Foundation
import SwiftASN1

/// GeneralizedTime as OCSP has it whatever the year (RFC 6960 section 4.2.2.1): in UTC, with seconds, without fractions.
enum OCSPTime {
    private static let calendar: Calendar = {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        return calendar
    }()

    /// Seconds since 1970-01-01T00:00:00Z.
    static func read(_ node: ASN1Node) throws -> Int64 {
        let content = Array(try OCSPReading.primitive(node))
        let element = DERElement(tag: DERTag.generalizedTime, start: 0, content: 0..<content.count)
        guard node.identifier == .generalizedTime, let seconds = ListTime.seconds(element, content.span) else {
            throw OCSPReading.Malformed()
        }
        return seconds
    }

    static func serialize(_ seconds: Int64, into coder: inout DER.Serializer) throws {
        let parts = self.calendar.dateComponents(
            [.year, .month, .day, .hour, .minute, .second], from: Date(timeIntervalSince1970: Double(seconds)))
        guard let year = parts.year, let month = parts.month, let day = parts.day, let hour = parts.hour,
            let minute = parts.minute, let second = parts.second
        else { throw OCSPReading.Malformed() }
        try coder.serialize(
            GeneralizedTime(
                year: year, month: month, day: day, hours: hour, minutes: minute, seconds: second,
                fractionalSeconds: 0))
    }
}

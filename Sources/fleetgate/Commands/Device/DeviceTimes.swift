import Foundation

/// Times as people and programs read them. All are seconds since 1970-01-01T00:00:00Z.
enum DeviceTimes {
    /// `3 min ago`; beyond sixty days the date; `never` without a time.
    static func relative(_ seconds: Int64?, now: Int64) -> String {
        guard let seconds else { return "never" }
        let (age, overflow) = now.subtractingReportingOverflow(seconds)
        guard !overflow else { return "?" }
        switch age {
        case ..<5: return "just now"  // and what a clock that runs ahead has written
        case ..<120: return "\(age) s ago"
        case ..<7_200: return "\(age / 60) min ago"
        case ..<172_800: return "\(age / 3_600) h ago"
        case ..<5_184_000: return "\(age / 86_400) days ago"
        case _: return String(text(seconds).prefix(10))
        }
    }

    /// ISO 8601 in UTC.
    static func text(_ seconds: Int64) -> String {
        Date(timeIntervalSince1970: TimeInterval(seconds)).formatted(.iso8601)
    }

    static var now: Int64 { Int64(Date().timeIntervalSince1970) }
}

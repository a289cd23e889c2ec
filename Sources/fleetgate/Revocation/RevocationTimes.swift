import Foundation

/// Moments in logs and listings.
enum RevocationTimes {
    /// Seconds since 1970-01-01T00:00:00Z, now.
    static var now: Int64 { Int64(Date().timeIntervalSince1970.rounded(.down)) }

    /// `2026-01-31T12:00:00Z`
    static func text(_ seconds: Int64) -> String {
        // What a list may say is some thousands of years; what a Date can show is less than an Int64.
        let bounded = min(max(seconds, -62_135_596_800), 253_402_300_799)
        return Date(timeIntervalSince1970: TimeInterval(bounded)).formatted(.iso8601)
    }
}

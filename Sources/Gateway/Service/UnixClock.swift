internal import Glibc

/// The system's clock, in the form certificates use.
enum UnixClock {
    /// Seconds since 1970-01-01T00:00:00Z.
    static func seconds() -> Int64 { Int64(time(nil)) }
}

/// How much is kept of what was observed. Everything that a peer can cause is bounded by one of these.
public struct ObservationLimits: Sendable, Hashable {
    /// Rows of the journal. The oldest go first. A row takes some 600 bytes: 100,000 rows are about 60 MB.
    public var journalRowsMax = 100_000
    /// Days, from its last occurrence on, that a row of the journal is kept.
    public var journalDays = 90
    /// Seconds within which the same failure of the same address and certificate is counted in one row.
    public var sameFailureSeconds: Int64 = 3600
    /// New rows that one address (IPv4, or IPv6 /64) can cause in a minute. What is above is only counted.
    public var journalRowsPerAddressMinute = 10
    /// New rows of all addresses in a minute. What is above is only counted.
    public var journalRowsPerMinute = 600
    /// Certificates of the inventory. Only certificates that were accepted come in. When there are as many, those that
    /// expired and were seen the longest ago go first. A row takes 1 to 2 KiB.
    public var certificatesMax = 1_000_000
    /// Days after its notAfter, and after it was last seen, that a certificate stays in the inventory.
    public var certificateDays = 730
    /// Observations that wait to be written. What comes when there are as many is dropped and counted.
    public var waitingMax = 8192

    public init() {}
}

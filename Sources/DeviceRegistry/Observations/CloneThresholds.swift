/// When a certificate counts as used in two places. ``CloneDetector`` says how they work together.
public struct CloneThresholds: Sendable, Hashable {
    /// Seconds within which signs are added up, and after which a network that was left is forgotten.
    public var windowSeconds: Int64 = 600
    /// The sum of weights from which on a certificate is suspected.
    public var pointsMin = 12
    /// Seconds that two networks can be in use at once. Longer than one and a half times the longest keep-alive in use:
    /// until then, the older session may be what is left of a device that has moved.
    public var simultaneousSeconds: Int64 = 7200
    /// Seconds after which a sign of life from the network that a device seemed to have left counts.
    public var overlapSeconds: Int64 = 60
    /// Certificates that are watched at a time. One takes some 300 bytes.
    public var certificatesMax = 262_144

    public init() {}
}

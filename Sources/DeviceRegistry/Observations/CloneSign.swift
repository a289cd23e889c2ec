/// That a certificate seems to be in use in two places.
public struct CloneSign: Sendable, Hashable {
    public enum Kind: String, Sendable, Hashable, CaseIterable, Codable {
        /// It went to and fro between networks faster than a device moves.
        case alternating
        /// Two networks had sessions with it at once, longer than a device that moved leaves one behind.
        case simultaneous
    }

    public let kind: Kind
    /// SHA-256 of the certificate.
    public let fingerprint: [UInt8]
    /// Two or more, the latest first.
    public let networks: [ClientNetwork]
    /// Seconds since 1970-01-01T00:00:00Z.
    public let at: Int64
    /// The connections that are open at once; empty for ``Kind/alternating``.
    public let connections: [UInt64]
}

/// A certificate that is suspected, as it is kept and listed.
public struct CloneSuspicion: Sendable, Hashable, Codable {
    /// SHA-256 of the certificate, in lower-case hexadecimal.
    public var fingerprint: String
    public var kind: CloneSign.Kind
    /// Seconds since 1970-01-01T00:00:00Z.
    public var first: Int64
    /// Of the latest sign, in seconds since 1970-01-01T00:00:00Z.
    public var last: Int64
    /// Signs, at most one in a minute.
    public var count: Int64
    /// Of the latest sign, as text.
    public var networks: [String]
    /// `<tenant>/<device>`, from the inventory; empty when it is not known.
    public var device: String
    /// From the inventory; empty when it is not known.
    public var subject: String

    /// Suspicions kept at a time. Somebody who steals more has the CA.
    public static let countMax = 10_000
}

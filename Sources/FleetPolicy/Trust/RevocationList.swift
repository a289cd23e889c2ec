/// Why a certificate was revoked, with the number of RFC 5280 section 5.3.1.
public enum RevocationReason: UInt8, Sendable, Hashable, CaseIterable {
    case unspecified = 0
    case keyCompromise = 1
    case caCompromise = 2
    case affiliationChanged = 3
    case superseded = 4
    case cessationOfOperation = 5
    case certificateHold = 6
    case removeFromCRL = 8
    case privilegeWithdrawn = 9
    case attributeAuthorityCompromise = 10
}

/// A certificate that was taken back, and by whom.
public struct Revocation: Sendable, Hashable {
    public enum Source: String, Sendable, Hashable, CaseIterable {
        /// A certificate revocation list of its issuer.
        case list = "crl"
        /// An OCSP responder of its issuer.
        case ocsp
        /// The operator of this gateway.
        case `operator`
    }

    public let source: Source
    public let reason: RevocationReason
    /// Seconds since 1970-01-01T00:00:00Z; 0 when it is not known.
    public let revokedAt: Int64

    public init(source: Source, reason: RevocationReason = .unspecified, revokedAt: Int64) {
        self.source = source
        self.reason = reason
        self.revokedAt = revokedAt
    }
}

/// What a CA has revoked, as one of its certificate revocation lists says, whose signature has been checked. Immutable.
public final class RevocationList: Sendable {
    /// Which certificates of its CA a list speaks of (RFC 5280 section 5.2.5). One that is not among them is not good
    /// because it is not on the list.
    public enum Scope: Sendable, Hashable {
        case all
        /// Those of end entities (onlyContainsUserCerts).
        case userCertificates
        /// Those of CAs (onlyContainsCACerts).
        case authorityCertificates
    }

    public let issuer: AuthorityID
    /// Seconds since 1970-01-01T00:00:00Z.
    public let thisUpdate: Int64
    /// Seconds since 1970-01-01T00:00:00Z, after which the list is out of date; nil: it does not say.
    public let nextUpdate: Int64?
    /// The CRL number's content, big-endian; empty when there is none.
    public let number: [UInt8]
    public let entries: SerialNumberSet
    public let scope: Scope

    public init(
        issuer: AuthorityID, thisUpdate: Int64, nextUpdate: Int64?, number: [UInt8] = [], entries: SerialNumberSet,
        scope: Scope = .all
    ) {
        self.scope = scope
        self.issuer = issuer
        self.thisUpdate = thisUpdate
        self.nextUpdate = nextUpdate
        self.number = number
        self.entries = entries
    }
}

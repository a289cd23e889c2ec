/// What a responder says of a certificate, after everything about its response has been found in order.
public struct OCSPAnswer: Sendable, Hashable {
    public enum Status: Sendable, Hashable {
        /// Not revoked. Some responders say so too of numbers that were never issued.
        case good
        /// - Parameters:
        ///   - at: Seconds since 1970-01-01T00:00:00Z.
        ///   - reason: The number of RFC 5280 section 5.3.1; 0 (unspecified) when the responder does not say.
        case revoked(at: Int64, reason: UInt8)
        /// The responder knows nothing of the certificate.
        case unknown
    }

    /// Who has signed.
    public enum Signer: Sendable, Hashable {
        /// The CA itself.
        case issuer
        /// The owner of a certificate that the CA issued for this.
        ///
        /// - Parameters:
        ///   - subject: In the form of RFC 4514.
        ///   - isNoCheck: Whether it says that its own revocation need not be looked at (id-pkix-ocsp-nocheck).
        case delegate(subject: String, isNoCheck: Bool)
    }

    public let status: Status
    /// Times are seconds since 1970-01-01T00:00:00Z.
    public let producedAt: Int64
    public let thisUpdate: Int64
    /// Nil: newer information is to be had at any time.
    public let nextUpdate: Int64?
    /// Up to when the answer may be used. Not after now when it serves for this once.
    public let usableUntil: Int64
    public let signer: Signer
    /// Whether the response repeats the nonce of the request.
    public let hasNonce: Bool
}

/// What is asked of a response beside its signature.
public struct OCSPTerms: Sendable, Hashable {
    /// What this machine's clock and the responder's may differ by, in seconds. Not negative.
    public var clockSkew: Int64
    /// How long an answer is used at most from when it is taken, and, where it has no nextUpdate, from its thisUpdate, in
    /// seconds. Not negative.
    public var maxAge: Int64
    public var nonce: OCSPNonceRule

    public init(clockSkew: Int64 = 300, maxAge: Int64 = 3600, nonce: OCSPNonceRule = .optional) {
        self.clockSkew = clockSkew
        self.maxAge = maxAge
        self.nonce = nonce
    }

    /// How long an answer of a delegated responder is used at most whose certificate does not say id-pkix-ocsp-nocheck,
    /// in seconds. RFC 6960 section 4.2.2.2.1 leaves to policy whether such a certificate's revocation is looked at:
    /// here against the CA's list, where there is one, and not with OCSP, which would ask the same responder about itself.
    public static let uncheckedDelegateAgeMax: Int64 = 600
}

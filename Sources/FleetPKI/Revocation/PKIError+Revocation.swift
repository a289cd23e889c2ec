extension PKIError.Code {
    /// A delta CRL (RFC 5280 section 5.2.4): what changed since another list, which means nothing alone.
    public static let deltaRevocationList = Self(rawValue: "delta-crl")
    /// The list, or one of its entries, has a critical extension that is not understood here.
    public static let unknownCriticalExtension = Self(rawValue: "unknown-critical-extension")
    /// The list is, or may be, about certificates of other CAs than its issuer (RFC 5280 sections 5.2.5 and 5.3.3).
    public static let indirectRevocationList = Self(rawValue: "indirect-crl")
    /// The list is about some reasons only: a certificate that is not on it may be revoked for another.
    public static let partialRevocationList = Self(rawValue: "partial-crl")
    /// The list is about attribute certificates.
    public static let attributeRevocationList = Self(rawValue: "attribute-crl")
    /// The list was issued under another name, or with another key of the same name.
    public static let wrongIssuer = Self(rawValue: "wrong-issuer")
    /// The list's signature is not its issuer's.
    public static let badRevocationListSignature = Self(rawValue: "bad-crl-signature")
    /// The list is signed with an algorithm that is not supported, or too weak.
    public static let unsupportedRevocationListSignature = Self(rawValue: "unsupported-crl-signature")
    /// The certificate that should have signed the list may not: it is no CA's, or its key usage lacks cRLSign.
    public static let notARevocationListIssuer = Self(rawValue: "not-a-crl-issuer")
}

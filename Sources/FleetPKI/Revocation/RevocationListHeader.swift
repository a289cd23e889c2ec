/// What a certificate revocation list says beside its entries (RFC 5280 section 5). An immutable value.
public struct RevocationListHeader: Sendable, Hashable {
    /// The issuer's Name in DER.
    public let issuerNameDER: [UInt8]
    /// The keyIdentifier of the authority key identifier extension; nil: the list has none.
    public let authorityKeyIdentifier: [UInt8]?
    /// The CRL number's content, big-endian without leading zeros, at most 20 octets; empty when there is none, or when
    /// it is zero.
    public let number: [UInt8]
    /// Seconds since 1970-01-01T00:00:00Z.
    public let thisUpdate: Int64
    /// Seconds since 1970-01-01T00:00:00Z, after which the list is out of date; nil: it does not say.
    public let nextUpdate: Int64?
    /// The name of the algorithm (`ecdsa-with-SHA256`), or `unknown`.
    public let signatureAlgorithm: String
    /// Entries, those of a serial number that is there twice included.
    public let entryCount: Int
    /// The URIs at which the issuing distribution point extension says the list is to be had; empty: it does not say.
    public let distributionPoints: [String]
    /// The list says nothing about certificates of CAs.
    public let onlyUserCertificates: Bool
    /// The list says nothing about certificates of end entities.
    public let onlyCACertificates: Bool
}

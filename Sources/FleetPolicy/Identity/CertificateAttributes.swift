/// A subject alternative name (RFC 5280, section 4.2.1.6).
public enum SubjectAlternativeName: Sendable, Hashable {
    case dns(String)
    case uri(String)
    case email(String)
    /// Four or sixteen bytes in network order.
    case ip(bytes: [UInt8])
    case directoryName(DistinguishedName)
    /// The object identifier in dotted form, and the DER encoding of the value.
    case otherName(oid: String, value: [UInt8])
    /// An object identifier in dotted form.
    case registeredID(String)
    /// A form that is not known here, by its context tag.
    case unknown(tag: UInt8)
}

/// What a decision may depend on: the facts of a verified leaf certificate.
///
/// The gateway fills this in after the chain has been verified; nothing here is checked again. Putting it together
/// takes some microseconds, which every decision about the certificate is spared.
public struct CertificateAttributes: Sendable, Hashable {
    public let subject: DistinguishedName
    public let issuer: DistinguishedName
    public let subjectAlternativeNames: [SubjectAlternativeName]
    /// The serial number's bytes, most significant first.
    public let serialNumber: [UInt8]
    /// SHA-256 of the certificate's DER encoding: 32 bytes.
    public let sha256Fingerprint: [UInt8]
    /// Seconds since 1970-01-01T00:00:00Z.
    public let notBefore: Int64
    /// Seconds since 1970-01-01T00:00:00Z.
    public let notAfter: Int64
    public let publicKey: PublicKeyDescription
    /// Certificate policies (RFC 5280, section 4.2.1.4) as dotted object identifiers.
    public let policyOIDs: [String]
    /// The same facts as patterns read them.
    let text: CertificateText

    public init(
        subject: DistinguishedName, issuer: DistinguishedName, subjectAlternativeNames: [SubjectAlternativeName],
        serialNumber: [UInt8], sha256Fingerprint: [UInt8], notBefore: Int64, notAfter: Int64,
        publicKey: PublicKeyDescription = PublicKeyDescription(algorithm: .other(oid: ""), bits: 0, sha256: []),
        policyOIDs: [String] = []
    ) {
        self.subject = subject
        self.issuer = issuer
        self.subjectAlternativeNames = subjectAlternativeNames
        self.serialNumber = serialNumber
        self.sha256Fingerprint = sha256Fingerprint
        self.notBefore = notBefore
        self.notAfter = notAfter
        self.publicKey = publicKey
        self.policyOIDs = policyOIDs
        text = CertificateText(
            subject: subject, issuer: issuer, subjectAlternativeNames: subjectAlternativeNames,
            serialNumber: serialNumber, fingerprint: sha256Fingerprint, publicKey: publicKey, policyOIDs: policyOIDs)
    }
}

/// A certificate's public key, as far as a decision may depend on it.
public struct PublicKeyDescription: Sendable, Hashable {
    public enum Algorithm: Sendable, Hashable {
        /// An elliptic curve as a dotted object identifier: 1.2.840.10045.3.1.7 is P-256.
        case ellipticCurve(oid: String)
        case rsa
        case other(oid: String)
    }

    public let algorithm: Algorithm
    /// 0 when it is not known.
    public let bits: Int
    /// SHA-256 of the DER encoding of the SubjectPublicKeyInfo: 32 bytes, or none when it is not known.
    public let sha256: [UInt8]

    public init(algorithm: Algorithm, bits: Int, sha256: [UInt8]) {
        self.algorithm = algorithm
        self.bits = bits
        self.sha256 = sha256
    }
}

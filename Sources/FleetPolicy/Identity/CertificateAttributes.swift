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
    private final class Storage: Sendable {
        let subject: DistinguishedName
        let issuer: DistinguishedName
        let subjectAlternativeNames: [SubjectAlternativeName]
        let serialNumber: [UInt8]
        let sha256Fingerprint: [UInt8]
        let notBefore: Int64
        let notAfter: Int64
        let publicKey: PublicKeyDescription
        let policyOIDs: [String]
        let text: CertificateText

        init(
            subject: DistinguishedName, issuer: DistinguishedName, subjectAlternativeNames: [SubjectAlternativeName],
            serialNumber: [UInt8], sha256Fingerprint: [UInt8], notBefore: Int64, notAfter: Int64,
            publicKey: PublicKeyDescription, policyOIDs: [String]
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
                serialNumber: serialNumber, fingerprint: sha256Fingerprint, publicKey: publicKey,
                policyOIDs: policyOIDs)
        }
    }

    /// One object for all of it, so that attributes are cheap to pass on and to keep.
    private let storage: Storage

    public var subject: DistinguishedName { storage.subject }
    public var issuer: DistinguishedName { storage.issuer }
    public var subjectAlternativeNames: [SubjectAlternativeName] { storage.subjectAlternativeNames }
    /// The serial number's bytes, most significant first.
    public var serialNumber: [UInt8] { storage.serialNumber }
    /// SHA-256 of the certificate's DER encoding: 32 bytes.
    public var sha256Fingerprint: [UInt8] { storage.sha256Fingerprint }
    /// Seconds since 1970-01-01T00:00:00Z.
    public var notBefore: Int64 { storage.notBefore }
    /// Seconds since 1970-01-01T00:00:00Z.
    public var notAfter: Int64 { storage.notAfter }
    public var publicKey: PublicKeyDescription { storage.publicKey }
    /// Certificate policies (RFC 5280, section 4.2.1.4) as dotted object identifiers.
    public var policyOIDs: [String] { storage.policyOIDs }
    /// The same facts as patterns read them.
    var text: CertificateText { storage.text }
    /// The public key's, without a copy of the rest of it.
    var keyBits: Int { storage.publicKey.bits }

    public init(
        subject: DistinguishedName, issuer: DistinguishedName, subjectAlternativeNames: [SubjectAlternativeName],
        serialNumber: [UInt8], sha256Fingerprint: [UInt8], notBefore: Int64, notAfter: Int64,
        publicKey: PublicKeyDescription = PublicKeyDescription(algorithm: .other(oid: ""), bits: 0, sha256: []),
        policyOIDs: [String] = []
    ) {
        storage = Storage(
            subject: subject, issuer: issuer, subjectAlternativeNames: subjectAlternativeNames,
            serialNumber: serialNumber, sha256Fingerprint: sha256Fingerprint, notBefore: notBefore,
            notAfter: notAfter, publicKey: publicKey, policyOIDs: policyOIDs)
    }

    public static func == (left: Self, right: Self) -> Bool {
        left.storage === right.storage
            || left.sha256Fingerprint == right.sha256Fingerprint && left.subject == right.subject
                && left.issuer == right.issuer && left.subjectAlternativeNames == right.subjectAlternativeNames
                && left.serialNumber == right.serialNumber && left.notBefore == right.notBefore
                && left.notAfter == right.notAfter && left.publicKey == right.publicKey
                && left.policyOIDs == right.policyOIDs
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(sha256Fingerprint)
        hasher.combine(serialNumber)
        hasher.combine(subject)
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

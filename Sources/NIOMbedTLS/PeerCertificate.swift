internal import CMbedTLS

/// The leaf certificate that a peer presented: its DER and what it says, read from the DER alone and copied, so that it
/// outlives the connection. Having one says nothing about whether it was accepted.
public struct PeerCertificate: Sendable {
    /// The algorithm of a public key.
    public enum KeyAlgorithm: Sendable, Hashable {
        /// An elliptic curve, in dotted form: 1.2.840.10045.3.1.7 is P-256.
        case ellipticCurve(oid: String)
        case rsa
        /// Any other, in dotted form.
        case other(oid: String)
    }

    /// The whole certificate. Empty when only its ``identity`` is known (``isWhole``).
    public let der: [UInt8]
    /// All that this says but ``der``, in a compact form for keeping: mostly 200 to 350 bytes, never more than
    /// ``TLSLimits/identityBytesMax`` or empty. It is made with the certificate, so using it costs nothing.
    public let identity: [UInt8]
    /// SHA-256 of the whole certificate, 32 bytes.
    public let sha256Fingerprint: [UInt8]
    /// 1, 2 or 3.
    public let version: Int
    /// The content of the INTEGER: big-endian, two's complement.
    public let serialNumber: [UInt8]
    /// Relative names in the order of the certificate, each with its attributes: mostly one.
    public let subject: [[NameAttribute]]
    public let issuer: [[NameAttribute]]
    /// Seconds since 1970. The certificate is valid from this second on.
    public let notBefore: Int64
    /// Seconds since 1970. The certificate is valid up to and including this second.
    public let notAfter: Int64
    public let keyAlgorithm: KeyAlgorithm
    /// The size of the key, in bits; 0 when it is not known.
    public let keyBits: Int
    public let subjectAlternativeNames: [SubjectAlternativeName]
    /// Whether basic constraints say that it is a CA.
    public let isCA: Bool
    /// The key usage bits, with digitalSignature (bit 0 of RFC 5280, 4.2.1.3) as 1, keyCertSign (bit 5) as 32; nil when
    /// there is no such extension.
    public let keyUsage: UInt16?
    /// The purposes in dotted form; nil when there is no such extension.
    public let extendedKeyUsages: [String]?
    /// The certificate policies in dotted form; empty when there is no such extension.
    public let certificatePolicies: [String]
    public let subjectKeyIdentifier: [UInt8]?
    public let authorityKeyIdentifier: [UInt8]?
    /// SHA-256 of the DER of the SubjectPublicKeyInfo, 32 bytes: what stays the same when a certificate is renewed for
    /// the same key.
    public let publicKeySHA256: [UInt8]

    /// Whether ``der`` is there. It is not in one that came back in a session ticket or from ``init(identity:)``.
    public var isWhole: Bool { !self.der.isEmpty }
    /// Whether subject and issuer are the same name, octet for octet. Every self-signed certificate is self-issued.
    public var isSelfIssued: Bool { self.issuerDER == self.subjectDER }

    /// The subject in the manner of RFC 4514. For reading; never for comparing.
    public var subjectDescription: String { DistinguishedName.description(of: self.subject) }
    /// The issuer in the manner of RFC 4514. For reading; never for comparing.
    public var issuerDescription: String { DistinguishedName.description(of: self.issuer) }
    /// ``serialNumber`` in hexadecimal, lower case.
    public var serialNumberHex: String { hexadecimal(self.serialNumber) }
    /// ``sha256Fingerprint`` in hexadecimal, lower case.
    public var sha256FingerprintHex: String { hexadecimal(self.sha256Fingerprint) }

    /// The issuer's and subject's DER, for finding who signed whom.
    let issuerDER: [UInt8]
    let subjectDER: [UInt8]
    /// From basic constraints.
    let pathLength: Int?
    /// Whether it limits the names below it (RFC 5280, 4.2.1.10), which nothing here checks. Not known unless ``isWhole``.
    let constrainsNames: Bool
    /// What it is signed with; nil for a digest that is accepted nowhere.
    let signatureDigest: TLSAnchorRules.SignatureDigest?
    /// Empty unless ``isWhole``.
    var publicKeyInfoDER: ArraySlice<UInt8> { self.der[self.publicKeyInfo] }
    /// Where in ``der`` the SubjectPublicKeyInfo is.
    private let publicKeyInfo: Range<Int>
    /// The value of the CRL distribution points (RFC 5280, 4.2.1.13) as it stands there, not looked into. Empty when there
    /// are none, and unless ``isWhole``.
    public var crlDistributionPointsDER: ArraySlice<UInt8> { self.der[self.crlDistributionPoints] }
    private let crlDistributionPoints: Range<Int>

    /// - Throws: ``DERReader/Failure`` when the bytes are not a certificate that can be read in full.
    init(der: [UInt8]) throws(DERReader.Failure) {
        guard der.count <= TLSLimits.certificateBytesMax else {
            throw DERReader.Failure(detail: "certificate of \(der.count) bytes")
        }
        let parsed = try ParsedCertificate(der)
        self.der = der
        self.sha256Fingerprint = try Self.sha256(der[...])
        self.publicKeySHA256 = try Self.sha256(der[parsed.publicKeyInfo])
        self.identity = CertificateIdentity.encode(
            parsed, der, fingerprint: self.sha256Fingerprint, publicKeySHA256: self.publicKeySHA256)
        self.version = parsed.version
        self.serialNumber = parsed.serialNumber
        self.subject = parsed.subject
        self.issuer = parsed.issuer
        self.notBefore = parsed.notBefore
        self.notAfter = parsed.notAfter
        self.keyAlgorithm = parsed.keyAlgorithm
        self.keyBits = parsed.keyBits
        self.subjectAlternativeNames = parsed.extensions.subjectAlternativeNames
        self.isCA = parsed.extensions.isCA
        self.keyUsage = parsed.extensions.keyUsage
        self.extendedKeyUsages = parsed.extensions.extendedKeyUsages
        self.certificatePolicies = parsed.extensions.certificatePolicies
        self.subjectKeyIdentifier = parsed.extensions.subjectKeyIdentifier
        self.authorityKeyIdentifier = parsed.extensions.authorityKeyIdentifier
        self.issuerDER = parsed.issuerDER
        self.subjectDER = parsed.subjectDER
        self.pathLength = parsed.extensions.pathLength
        self.constrainsNames = parsed.extensions.constrainsNames
        self.signatureDigest = parsed.signature.digest
        self.publicKeyInfo = parsed.publicKeyInfo
        self.crlDistributionPoints = parsed.extensions.distributionPointsValue
    }

    /// A certificate of which only the ``identity`` was kept.
    ///
    /// - Throws: ``TLSError`` with `certificate-unparsable` when it is not one.
    public init(identity: [UInt8]) throws(TLSError) {
        do throws(DERReader.Failure) {
            try self.init(kept: identity)
        } catch {
            throw TLSError(code: .certificateUnparsable, fault: .peer, detail: "identity: \(error.detail)")
        }
    }

    init(kept identity: [UInt8]) throws(DERReader.Failure) {
        let read = try CertificateIdentity(identity)
        self.der = []
        self.identity = identity
        self.sha256Fingerprint = read.fingerprint
        self.publicKeySHA256 = read.publicKeySHA256
        self.version = read.version
        self.serialNumber = read.serialNumber
        self.subject = try DistinguishedName.read(whole: read.subjectDER)
        self.issuer = try DistinguishedName.read(whole: read.issuerDER)
        self.notBefore = read.notBefore
        self.notAfter = read.notAfter
        self.keyAlgorithm = read.keyAlgorithm
        self.keyBits = read.keyBits
        self.subjectAlternativeNames = read.subjectAlternativeNames
        self.isCA = read.isCA
        self.keyUsage = read.keyUsage
        self.extendedKeyUsages = read.extendedKeyUsages
        self.certificatePolicies = read.certificatePolicies
        self.subjectKeyIdentifier = read.subjectKeyIdentifier
        self.authorityKeyIdentifier = read.authorityKeyIdentifier
        self.issuerDER = read.issuerDER
        self.subjectDER = read.subjectDER
        self.pathLength = read.pathLength
        self.constrainsNames = false
        self.signatureDigest = read.signatureDigest
        self.publicKeyInfo = 0..<0
        self.crlDistributionPoints = 0..<0
    }

    /// Reads a certificate that did not come from a handshake.
    ///
    /// - Throws: ``TLSError`` with `certificate-unparsable`.
    public init(parsing der: [UInt8]) throws(TLSError) {
        do throws(DERReader.Failure) {
            try self.init(der: der)
        } catch {
            throw TLSError(code: .certificateUnparsable, fault: .peer, detail: error.detail)
        }
    }

    static func sha256(_ bytes: ArraySlice<UInt8>) throws(DERReader.Failure) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        let status = digest.withUnsafeMutableBufferPointer { digest in
            bytes.withUnsafeBufferPointer { fleetgate_sha256($0.baseAddress, $0.count, digest.baseAddress) }
        }
        guard status == 0 else {
            throw DERReader.Failure(detail: "SHA-256 could not be computed")
        }
        return digest
    }
}

/// Two are equal when their fingerprints are: the rest follows from the certificate that they are of, whether or not it
/// is there.
extension PeerCertificate: Hashable {
    public static func == (left: PeerCertificate, right: PeerCertificate) -> Bool {
        left.sha256Fingerprint == right.sha256Fingerprint
    }
    public func hash(into hasher: inout Hasher) { hasher.combine(self.sha256Fingerprint) }
}

extension PeerCertificate: CustomStringConvertible {
    public var description: String {
        "\(self.subjectDescription), serial \(self.serialNumberHex), issued by \(self.issuerDescription)"
    }
}

/// Whether basic constraints or key usage would let it issue certificates.
extension PeerCertificate {
    var maySignCertificates: Bool { self.isCA || (self.keyUsage ?? 0) & KeyUsage.keyCertSign != 0 }

    enum KeyUsage {
        static let digitalSignature: UInt16 = 1 << 0
        static let keyCertSign: UInt16 = 1 << 5
    }

    enum Purpose {
        static let serverAuth = "1.3.6.1.5.5.7.3.1"
        static let clientAuth = "1.3.6.1.5.5.7.3.2"
        static let any = "2.5.29.37.0"
    }
}

private func hexadecimal(_ bytes: [UInt8]) -> String {
    // Log, audit log and inventory ask for it with every session.
    String(unsafeUninitializedCapacity: 2 * bytes.count) { text in
        for (index, byte) in bytes.enumerated() {
            text[2 * index] = digit(byte >> 4)
            text[2 * index + 1] = digit(byte & 15)
        }
        return 2 * bytes.count
    }
}

private func digit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
}

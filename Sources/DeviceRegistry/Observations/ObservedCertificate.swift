/// A certificate of the inventory: one that was presented in a finished handshake.
public struct ObservedCertificate: Sendable, Hashable, Codable {
    /// SHA-256 of the certificate, in lower-case hexadecimal, as all hashes and numbers here.
    public var fingerprint: String
    /// In the manner of RFC 4514, as all names here. For reading, never for comparing.
    public var subject: String
    /// Subject alternative names with their type: `dns:meter-1.example`.
    public var alternativeNames: [String]
    public var issuer: String
    /// The CA by name and key (`AuthorityID`); nil: no trust anchor issued it.
    public var issuerID: String?
    public var serialNumber: String
    /// Seconds since 1970-01-01T00:00:00Z, as all times here.
    public var notBefore: Int64
    public var notAfter: Int64
    /// `RSA`, `P-256`, `P-384`, `P-521`, or an object identifier in dotted form.
    public var keyAlgorithm: String
    /// 0 when it is not known.
    public var keyBits: Int
    /// SHA-256 of the SubjectPublicKeyInfo; empty when it is not known.
    public var keyHash: String
    /// Such as `ecdsa-with-SHA256`, or an object identifier in dotted form; empty when it is not known, because only
    /// resumed sessions were seen.
    public var signatureAlgorithm: String
    public var firstSeen: Int64
    public var lastSeen: Int64
    /// Handshakes with it.
    public var count: Int64
    /// Without the port.
    public var lastAddress: String
    /// `<tenant>/<device>`.
    public var device: String
    public var profile: String
    /// The bundle of its trust anchor; empty: it is pinned, or the bundle is not known.
    public var anchor: String
    /// The certificate; empty when only resumed sessions were seen, and in listings.
    public var der: [UInt8]
    /// Whether its device was seen with a certificate that is valid longer. Computed by queries.
    public var isRenewed: Bool

    public init(
        fingerprint: String, subject: String, alternativeNames: [String], issuer: String, issuerID: String?,
        serialNumber: String, notBefore: Int64, notAfter: Int64, keyAlgorithm: String, keyBits: Int, keyHash: String,
        signatureAlgorithm: String, seenAt: Int64, address: String, device: String, profile: String, anchor: String,
        der: [UInt8]
    ) {
        self.fingerprint = fingerprint
        self.subject = subject
        self.alternativeNames = alternativeNames
        self.issuer = issuer
        self.issuerID = issuerID
        self.serialNumber = serialNumber
        self.notBefore = notBefore
        self.notAfter = notAfter
        self.keyAlgorithm = keyAlgorithm
        self.keyBits = keyBits
        self.keyHash = keyHash
        self.signatureAlgorithm = signatureAlgorithm
        firstSeen = seenAt
        lastSeen = seenAt
        count = 1
        lastAddress = address
        self.device = device
        self.profile = profile
        self.anchor = anchor
        self.der = der
        isRenewed = false
    }

    /// What of it is kept: nothing that a device sends makes the inventory's rows grow without bound.
    var bounded: ObservedCertificate {
        var bounded = self
        bounded.subject = BoundedText.cut(subject, bytesMax: BoundedText.nameBytesMax)
        bounded.issuer = BoundedText.cut(issuer, bytesMax: BoundedText.nameBytesMax)
        bounded.alternativeNames = BoundedText.names(alternativeNames)
        bounded.serialNumber = BoundedText.cut(
            SerialNumberText.normal(serialNumber), bytesMax: BoundedText.numberBytesMax)
        bounded.lastAddress = BoundedText.cut(lastAddress, bytesMax: Sighting.addressBytesMax)
        if bounded.der.count > SeenCertificate.derBytesMax { bounded.der = [] }
        return bounded
    }
}

/// Texts that peers chose, cut to what is kept of them.
enum BoundedText {
    /// UTF-8 bytes of a distinguished name or of one alternative name; device certificates have some 100.
    static let nameBytesMax = 1024
    /// Alternative names kept; device certificates have one to four.
    static let namesMax = 16
    /// UTF-8 bytes of a serial number in hexadecimal: 20 octets by RFC 5280, with room for wrong ones.
    static let numberBytesMax = 64

    /// The text, or its beginning with an ellipsis behind it.
    static func cut(_ text: String, bytesMax: Int) -> String {
        guard text.utf8.count > bytesMax else { return text }
        var kept = ""
        var bytes = 0
        for scalar in text.unicodeScalars {
            bytes += UTF8.width(scalar)
            guard bytes + 3 <= bytesMax else { break }
            kept.unicodeScalars.append(scalar)
        }
        return kept + "…"
    }

    /// At most ``namesMax``, none with a line break: they are kept with one between them.
    static func names(_ names: [String]) -> [String] {
        names.prefix(namesMax).map { cut($0.replacing("\n", with: " "), bytesMax: nameBytesMax) }
            + (names.count > namesMax ? ["… \(names.count - namesMax) more"] : [])
    }
}

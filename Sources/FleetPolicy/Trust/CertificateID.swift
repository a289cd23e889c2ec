/// A CA as revocation knows it: its name together with its key, because two CAs may have one name. SHA-256 of the DER of
/// the subject followed by the DER of the SubjectPublicKeyInfo: the same for all certificates of one CA's one key.
public struct AuthorityID: Sendable, Hashable {
    // Four words and no vector: those are aligned to 32 bytes, which makes everything that holds one larger.
    private let first: UInt64
    private let second: UInt64
    private let third: UInt64
    private let fourth: UInt64

    /// Nil when there are not exactly 32 bytes.
    public init?(_ bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        func word(_ index: Int) -> UInt64 { bytes[index * 8..<index * 8 + 8].reduce(0) { $0 << 8 | UInt64($1) } }
        self.first = word(0)
        self.second = word(1)
        self.third = word(2)
        self.fourth = word(3)
    }

    /// The 32 bytes.
    public var bytes: [UInt8] {
        [self.first, self.second, self.third, self.fourth].flatMap { word in
            (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - $0 * 8)) }
        }
    }
}

/// Which certificate: who issued it, and under which number.
public struct CertificateID: Sendable, Hashable {
    public let issuer: AuthorityID
    /// Big-endian, without leading zeros: lists and certificates do not agree on those.
    public let serialNumber: [UInt8]

    /// - Parameter serialNumber: The content of the INTEGER; leading zeros are dropped.
    public init(issuer: AuthorityID, serialNumber: [UInt8]) {
        self.issuer = issuer
        // Nearly every number comes without: then nothing is copied.
        self.serialNumber = serialNumber.first == 0 ? Array(serialNumber.drop { $0 == 0 }) : serialNumber
    }
}

/// What a server asks of chains that end in one trust anchor, beside what it asks of all.
public struct TLSAnchorRules: Sendable, Hashable {
    /// Digests that certificates may be signed with. SHA-1 and MD5 never are.
    public enum SignatureDigest: String, Sendable, Hashable, CaseIterable {
        case sha256
        case sha384
        case sha512
    }

    /// Whether a leaf must name clientAuth as extended key usage. Absence of the extension and anyExtendedKeyUsage alone
    /// do not count.
    public var requiresClientAuthExtendedKeyUsage: Bool
    /// The smallest RSA modulus, in bits, of any key of the chain below the anchor; 2048 at least.
    public var rsaBitsMin: Int
    /// The smallest curve, in bits, of any key of the chain below the anchor; 256 at least.
    public var curveBitsMin: Int
    /// What the certificates below the anchor may be signed with; not empty.
    public var signatureDigests: Set<SignatureDigest>
    /// The depth of the highest certificate, as ``TLSLimits/chainDepthMax``, which holds too.
    public var chainDepthMax: Int

    public init(
        requiresClientAuthExtendedKeyUsage: Bool = true, rsaBitsMin: Int = 2048, curveBitsMin: Int = 256,
        signatureDigests: Set<SignatureDigest> = Set(SignatureDigest.allCases), chainDepthMax: Int = 9
    ) {
        self.requiresClientAuthExtendedKeyUsage = requiresClientAuthExtendedKeyUsage
        self.rsaBitsMin = rsaBitsMin
        self.curveBitsMin = curveBitsMin
        self.signatureDigests = signatureDigests
        self.chainDepthMax = chainDepthMax
    }
}

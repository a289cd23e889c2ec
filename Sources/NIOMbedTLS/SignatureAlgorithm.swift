/// The AlgorithmIdentifier that a certificate is signed with (RFC 5280, 4.1.2.3).
struct SignatureAlgorithm {
    /// In dotted form.
    let oid: String
    /// Nil for any other.
    let digest: TLSAnchorRules.SignatureDigest?

    /// RSASSA-PSS (RFC 4055, section 3.1).
    private static let pss = "1.2.840.113549.1.1.10"
    private static let digests: [String: TLSAnchorRules.SignatureDigest] = [
        "1.2.840.10045.4.3.2": .sha256, "1.2.840.10045.4.3.3": .sha384, "1.2.840.10045.4.3.4": .sha512,
        "1.2.840.113549.1.1.11": .sha256, "1.2.840.113549.1.1.12": .sha384, "1.2.840.113549.1.1.13": .sha512,
        // Digests by themselves, as the parameters of RSASSA-PSS name them.
        "2.16.840.1.101.3.4.2.1": .sha256, "2.16.840.1.101.3.4.2.2": .sha384, "2.16.840.1.101.3.4.2.3": .sha512,
    ]
    /// What mbedTLS can read besides: with MD5, SHA-1 and SHA-224, which no rule accepts.
    private static let weak: Set<String> = [
        "1.2.840.10045.4.1", "1.2.840.10045.4.3.1", "1.2.840.113549.1.1.4", "1.2.840.113549.1.1.5",
        "1.2.840.113549.1.1.14",
    ]

    init(_ reader: DERReader) throws(DERReader.Failure) {
        var reader = reader
        let oid = try reader.objectIdentifier()
        self.oid = oid
        self.digest = oid == Self.pss ? Self.digestOfPSS(reader) : Self.digests[oid]
    }

    /// Whether mbedTLS can read it; what it cannot read, it passes over or refuses.
    var isKnown: Bool { self.oid == Self.pss || Self.digests[self.oid] != nil || Self.weak.contains(self.oid) }

    /// SHA-1 when the parameters do not say.
    private static func digestOfPSS(_ reader: DERReader) -> TLSAnchorRules.SignatureDigest? {
        var reader = reader
        guard let sequence = try? reader.next(DERReader.Tag.sequence, "parameters of RSASSA-PSS") else { return nil }
        var parameters = reader.inside(sequence)
        guard let element = try? parameters.nextIfPresent(0xA0) else { return nil }
        var explicit = parameters.inside(element)
        guard let algorithm = try? explicit.next(DERReader.Tag.sequence, "digest") else { return nil }
        var identifier = explicit.inside(algorithm)
        guard let oid = try? identifier.objectIdentifier() else { return nil }
        return Self.digests[oid]
    }
}

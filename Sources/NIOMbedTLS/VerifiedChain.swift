/// How weak the weakest of a chain's certificates below its anchor is: small enough for a ticket.
struct ChainStrength: Sendable, Hashable {
    /// The smallest RSA key, in bits; the largest number when there is none.
    private(set) var rsaBits = UInt16.max
    /// The smallest curve, in bits; the largest number when there is none.
    private(set) var curveBits = UInt16.max
    /// A bit for each digest that a certificate is signed with, by ``CertificateIdentity/number(of:)``; bit 0 stands for
    /// any that no rule accepts, and for keys that no rule knows.
    private(set) var digests: UInt8 = 0

    init() {}

    init(rsaBits: UInt16, curveBits: UInt16, digests: UInt8) {
        (self.rsaBits, self.curveBits, self.digests) = (rsaBits, curveBits, digests)
    }

    mutating func add(_ certificate: PeerCertificate) {
        let bits = UInt16(clamping: certificate.keyBits)
        switch certificate.keyAlgorithm {
        case .rsa: self.rsaBits = min(self.rsaBits, bits)
        case .ellipticCurve: self.curveBits = min(self.curveBits, bits)
        case .other: self.curveBits = 0
        }
        self.digests |= 1 << CertificateIdentity.number(of: certificate.signatureDigest)
    }

    /// What an anchor's rules have against it.
    func refusal(by rules: TLSAnchorRules) -> VerificationRules.Refusal? {
        let allowed = rules.signatureDigests.reduce(UInt8(0)) { $0 | 1 << CertificateIdentity.number(of: $1) }
        if self.digests & ~allowed != 0 {
            return .init(
                code: .weakSignature, detail: "signed with a digest that the trust anchor's rules do not allow",
                alert: .unsupportedCertificate)
        }
        if Int(self.rsaBits) < rules.rsaBitsMin {
            return .init(
                code: .weakKey, detail: "RSA key of \(self.rsaBits) bits, \(rules.rsaBitsMin) are asked for",
                alert: .unsupportedCertificate)
        }
        if Int(self.curveBits) < rules.curveBitsMin {
            return .init(
                code: .weakKey, detail: "key on a curve of \(self.curveBits) bits, \(rules.curveBitsMin) are asked for",
                alert: .unsupportedCertificate)
        }
        return nil
    }
}

/// The certificates of a chain as far as they were seen, from the anchor down to the leaf.
struct VerifiedChain {
    let anchor: VerificationRules.Anchor
    /// Below the anchor, the topmost first: as they come.
    private var downwards: [TLSChainLink] = []
    private(set) var strength = ChainStrength()
    /// The earliest notAfter, in seconds since 1970.
    private(set) var notAfter: Int64
    /// Who signed the next below.
    private var issuer: KnownAuthority

    init(_ anchor: VerificationRules.Anchor) {
        self.anchor = anchor
        self.issuer = anchor.authority
        // mbedTLS judges an anchor's dates, so they bound a session whether or not they can be read here.
        self.notAfter = anchor.authority.certificate?.notAfter ?? Int64.min
    }

    /// Begins with an intermediate that is configured: what is above it was verified when it was loaded.
    init(_ standIn: VerificationRules.StandIn) {
        self.init(standIn.anchor)
        for authority in standIn.path {
            self.add(authority)
        }
    }

    mutating func add(_ authority: KnownAuthority) {
        guard let certificate = authority.certificate else { return }
        self.add(leaf: certificate)
        self.issuer = authority
    }

    mutating func add(leaf: PeerCertificate) {
        self.downwards.append(self.issuer.link(toIssuedSerial: leaf.serialNumber))
        self.strength.add(leaf)
        self.notAfter = min(self.notAfter, leaf.notAfter)
    }

    /// The leaf first.
    var links: [TLSChainLink] { self.downwards.reversed() }
}

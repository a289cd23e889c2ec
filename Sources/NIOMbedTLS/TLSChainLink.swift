/// One certificate of a verified chain as revocation sees it: who issued it, and under which number.
public struct TLSChainLink: Sendable, Hashable {
    /// SHA-256 of the DER of the issuer's subject followed by the DER of its SubjectPublicKeyInfo, 32 bytes: the same for
    /// all certificates of one CA's one key (``PeerCertificate/authorityID``).
    public let issuerID: [UInt8]
    /// The content of the INTEGER.
    public let serialNumber: [UInt8]
    /// The issuer's certificate. Nil in a session that is resumed, whose ticket does not hold it, and for an anchor with
    /// a name that is not valid text.
    public let issuer: PeerCertificate?

    public init(issuerID: [UInt8], serialNumber: [UInt8], issuer: PeerCertificate?) {
        self.issuerID = issuerID
        self.serialNumber = serialNumber
        self.issuer = issuer
    }

    var withoutIssuer: TLSChainLink {
        TLSChainLink(issuerID: self.issuerID, serialNumber: self.serialNumber, issuer: nil)
    }
}

extension PeerCertificate {
    /// What revocation knows the CA by whose certificate this is. Computed at every use; empty if libcrypto cannot, and
    /// of a certificate that is not whole.
    public var authorityID: [UInt8] {
        guard self.isWhole else { return [] }
        return (try? Self.sha256((self.subjectDER + self.publicKeyInfoDER)[...])) ?? []
    }
}

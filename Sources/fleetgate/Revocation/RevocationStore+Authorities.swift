import FleetPKI
import FleetPolicy

extension RevocationStore {
    /// What a CA is called in metrics, the log and the audit log; its id if it is not known any more.
    func label(of authority: AuthorityID) -> String {
        known.byID[authority]?.label ?? HexadecimalText.text(authority.bytes)
    }

    /// What revocation calls the CA that signed a certificate; nil: none that is known here.
    func issuer(ofCertificate der: [UInt8]) -> AuthorityID? {
        guard let name = try? AuthorityIDs.issuerName(ofCertificateDER: der) else { return nil }
        return known.named(name).first { AuthorityIDs.isSigned(certificateDER: der, byHolderOf: $0.der) }?.id
    }
}

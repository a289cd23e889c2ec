import FleetPolicy

/// What is revoked now, and what of it is new: for the gateway's trust snapshot, and to find the sessions concerned.
struct RevocationChange: Sendable {
    /// All lists in force.
    let lists: [AuthorityID: RevocationList]
    /// All of the operator's own revocations, by issuer and serial number.
    let revoked: [CertificateID: Revocation]
    /// Likewise, by the certificate's SHA-256.
    let revokedFingerprints: [[UInt8]: Revocation]
    /// CAs whose list is another one, or is there or gone.
    let authorities: Set<AuthorityID>
    /// Certificates that the operator has revoked or no longer revokes.
    let certificates: Set<CertificateID>
    /// Likewise, by SHA-256.
    let fingerprints: Set<[UInt8]>

    /// Takes a change in.
    ///
    /// - Returns: How many sessions ended of it.
    typealias Handler = @Sendable (RevocationChange) async -> Int
}

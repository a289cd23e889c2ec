public import FleetPolicy

/// Which live sessions are meant.
public enum SessionSelection: Sendable, Hashable {
    case device(DeviceKey)
    /// By issuer and serial number of the leaf.
    case certificate(CertificateID)
    /// By the SHA-256 of the leaf: 32 bytes.
    case fingerprint([UInt8])
    /// By any CA of the chain, its anchor too.
    case authority(AuthorityID)
    /// By the SHA-256 of the trust anchor's certificate: 32 bytes.
    case trustAnchor([UInt8])
    case tenant(String)
    /// By the name of the profile in force.
    case profile(String)
}

/// What of a `TrustSnapshot` differs from the one before, and so which sessions have to be judged again.
public enum TrustChange: Sendable, Hashable {
    /// Anything: every session.
    case everything
    /// What these CAs have revoked, or whether that is known: the sessions with one of them in their chain.
    case authorities(Set<AuthorityID>)
    /// Whether these are revoked: the sessions with one of them in their chain.
    case certificates(Set<CertificateID>)
    /// What is known about these leaf certificates, by their SHA-256: the sessions that presented one.
    case fingerprints(Set<[UInt8]>)
}

/// What is known of the trustworthiness of certificates beside their chains, as one immutable value: the rules of each
/// trust anchor, what CAs and the operator have revoked, and which certificates seem to be in use twice.
public struct TrustSnapshot: Sendable {
    /// By the SHA-256 fingerprint of the anchor's certificate. An anchor that is not in it has no rules.
    public var anchors: [[UInt8]: TrustAnchorRules]
    /// One for each CA, in force.
    public var lists: [AuthorityID: RevocationList]
    /// What the operator or an OCSP responder has revoked.
    public var revoked: [CertificateID: Revocation]
    /// The same by the certificate's SHA-256 fingerprint, which works without a CA too.
    public var revokedFingerprints: [[UInt8]: Revocation]
    /// Certificates that seem to be in use in two places, by their SHA-256 fingerprint.
    public var suspectedClones: Set<[UInt8]>

    public init(
        anchors: [[UInt8]: TrustAnchorRules] = [:], lists: [AuthorityID: RevocationList] = [:],
        revoked: [CertificateID: Revocation] = [:], revokedFingerprints: [[UInt8]: Revocation] = [:],
        suspectedClones: Set<[UInt8]> = []
    ) {
        self.anchors = anchors
        self.lists = lists
        self.revoked = revoked
        self.revokedFingerprints = revokedFingerprints
        self.suspectedClones = suspectedClones
    }

    public static let empty = TrustSnapshot()
}

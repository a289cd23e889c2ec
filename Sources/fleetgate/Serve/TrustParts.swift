import FleetPolicy

/// What a `TrustSnapshot` is put together from, by who knows it.
struct TrustParts: Sendable {
    /// The configuration's rules, by the fingerprint of the anchor.
    var anchors: [[UInt8]: TrustAnchorRules]
    /// What CAs have published.
    var lists: [AuthorityID: RevocationList] = [:]
    /// What the operator has revoked.
    var revoked: [CertificateID: Revocation] = [:]
    /// The same, by the fingerprint of the certificate.
    var revokedFingerprints: [[UInt8]: Revocation] = [:]
    /// What responders have said.
    var respondersRevoked: [CertificateID: Revocation] = [:]
    /// What seems to be in use twice.
    var suspectedClones: Set<[UInt8]> = []

    /// Certificates that responders have revoked and that are remembered. One that was forgotten is asked about when it
    /// comes again.
    static let respondersRevokedMax = 100_000

    init(anchors: [[UInt8]: TrustAnchorRules]) { self.anchors = anchors }

    var snapshot: TrustSnapshot { snapshot(with: anchors) }

    func snapshot(with anchors: [[UInt8]: TrustAnchorRules]) -> TrustSnapshot {
        TrustSnapshot(
            anchors: anchors, lists: lists,
            // The operator's word comes first: it has a reason of its own.
            revoked: respondersRevoked.isEmpty ? revoked : revoked.merging(respondersRevoked) { own, _ in own },
            revokedFingerprints: revokedFingerprints, suspectedClones: suspectedClones)
    }

    /// A responder has revoked a certificate.
    mutating func add(_ revocation: Revocation, of certificate: CertificateID) {
        if respondersRevoked.count >= Self.respondersRevokedMax, let any = respondersRevoked.keys.first {
            respondersRevoked[any] = nil
        }
        respondersRevoked[certificate] = revocation
    }
}

/// What is known about the revocation of a chain.
public enum RevocationStanding: Sendable, Hashable {
    /// Nothing is against it.
    case good
    /// A certificate of the chain was revoked; 0 is the leaf, 1 the CA that issued it.
    case revoked(Revocation, position: Int)
    /// The anchor's rules ask for a list of this CA, and there is none that speaks of such certificates; 0 is the leaf's
    /// issuer.
    case listMissing(position: Int)
    /// The list of this CA is out of date by more than the anchor's rules forgive.
    case listOutdated(position: Int, nextUpdate: Int64)
}

extension TrustSnapshot {
    /// What is known about a chain. That a certificate was revoked outweighs that a list is missing or out of date, and
    /// what the operator says outweighs what a list says.
    ///
    /// - Parameters:
    ///   - chain: The certificates below the anchor, the leaf first; empty for one that no anchor issued, which is looked
    ///     up by its fingerprint alone.
    ///   - fingerprint: SHA-256 of the leaf.
    ///   - anchor: SHA-256 of the trust anchor's certificate; nil: there is none. One that has no rules has the rule
    ///     `optional`: a list that there is counts.
    ///   - now: Seconds since 1970-01-01T00:00:00Z.
    public func standing(
        of chain: [CertificateID], fingerprint: [UInt8], anchor: [UInt8]?, now: Int64
    ) -> RevocationStanding {
        if let revocation = revokedFingerprints[fingerprint] { return .revoked(revocation, position: 0) }
        if !revoked.isEmpty {
            for (position, certificate) in chain.enumerated() {
                if let revocation = revoked[certificate] { return .revoked(revocation, position: position) }
            }
        }
        let rule = listRule(ofAnchor: anchor)
        if rule == .off { return .good }
        var objection: RevocationStanding?
        for (position, certificate) in chain.enumerated() {
            let list = lists[certificate.issuer]
            if let entry = list?.entries[certificate.serialNumber] {
                return .revoked(
                    Revocation(source: .list, reason: entry.reason, revokedAt: entry.revokedAt), position: position)
            }
            objection = objection ?? rule.objection(to: list, position: position, now: now)
        }
        return objection ?? .good
    }

    /// Whether a CRL has to say that certificates under an anchor are good.
    ///
    /// - Parameter anchor: SHA-256 of its certificate.
    func listRule(ofAnchor anchor: [UInt8]?) -> TrustAnchorRules.ListRule {
        guard !anchors.isEmpty, let anchor, let rules = anchors[anchor] else { return .optional }
        return rules.lists
    }
}

extension TrustAnchorRules.ListRule {
    /// What the rule has against a list, or against there being none, when the certificate is not on it.
    fileprivate func objection(to list: RevocationList?, position: Int, now: Int64) -> RevocationStanding? {
        switch self {
        case .off, .optional: return nil
        case .required(let grace):
            guard let list, list.scope.covers(position: position) else { return .listMissing(position: position) }
            guard let nextUpdate = list.nextUpdate, now > nextUpdate else { return nil }
            let (late, overflow) = now.subtractingReportingOverflow(nextUpdate)
            return overflow || late > grace ? .listOutdated(position: position, nextUpdate: nextUpdate) : nil
        }
    }
}

extension RevocationList.Scope {
    /// Whether the list speaks of the certificate at a place of a chain: 0 is the device's, and all others are CAs'.
    fileprivate func covers(position: Int) -> Bool {
        switch self {
        case .all: true
        case .userCertificates: position == 0
        case .authorityCertificates: position > 0
        }
    }
}

internal import FleetPolicy
internal import NIOMbedTLS

/// The part of a chain above the leaf: most devices have the same, so the sessions of a loop under one path share it.
/// Two are equal when they name the same certificates.
final class IssuerPath: Sendable {
    let anchor: PolicyAnchor
    /// The CA that issued the leaf. Nil where the chain is not known.
    let issuer: AuthorityID?
    /// The CA certificates below the anchor, the leaf's issuer first; none where the anchor issued the leaf.
    let authorities: [CertificateID]
    /// The earliest notAfter of the CA certificates of the path, the anchor's too, in seconds since 1970.
    let notAfter: Int64

    init(anchor: PolicyAnchor, issuer: AuthorityID?, authorities: [CertificateID], notAfter: Int64 = .max) {
        self.anchor = anchor
        self.issuer = issuer
        self.authorities = authorities
        self.notAfter = notAfter
    }

    /// The path of a verified chain.
    ///
    /// - Parameter known: for a session that is resumed, whose ticket names its CAs and does not hold their certificates.
    /// - Returns: nil when there is no link, or an issuer's name and key were not hashed: nothing can be said about
    ///   revocation then.
    convenience init?(_ anchor: PolicyAnchor, _ chain: [TLSChainLink], known: LoopAuthorities) {
        guard !chain.isEmpty else { return nil }
        var issuers: [AuthorityID] = []
        var notAfter = Int64.max
        for link in chain {
            guard let issuer = AuthorityID(link.issuerID) else { return nil }
            issuers.append(issuer)
            notAfter = min(notAfter, link.issuer?.notAfter ?? known[issuer]?.notAfter ?? .max)
        }
        self.init(
            anchor: anchor, issuer: issuers.first,
            authorities: zip(issuers, chain).dropFirst().map {
                CertificateID(issuer: $0, serialNumber: $1.serialNumber)
            },
            notAfter: notAfter)
    }

    /// What revocation calls the CAs of the path, the leaf's issuer first, the anchor last.
    var authorityIDs: [AuthorityID] { (self.issuer.map { [$0] } ?? []) + self.authorities.map(\.issuer) }

    /// The chain of a leaf with this serial number.
    func chain(ofLeaf serialNumber: [UInt8]) -> [CertificateID] {
        guard let issuer = self.issuer else { return [] }
        return [CertificateID(issuer: issuer, serialNumber: serialNumber)] + self.authorities
    }
}

extension IssuerPath: Hashable {
    static func == (left: IssuerPath, right: IssuerPath) -> Bool {
        left === right
            || left.issuer == right.issuer && left.authorities == right.authorities
                && left.anchor.value.sha256Fingerprint == right.anchor.value.sha256Fingerprint
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(self.issuer)
        hasher.combine(self.authorities)
        hasher.combine(self.anchor.value.sha256Fingerprint)
    }
}

/// The CA certificates that one event loop knows, for asking OCSP responders about what they issued (RFC 6960, 4.1.1:
/// a request names the issuer by the hashes of its name and key).
struct LoopAuthorities {
    /// CAs remembered beside those of the configuration, at some 1.5 KiB each. Only the owner of an anchor's key can make
    /// more of them, and a session whose CA was forgotten is handshaken in full instead of resumed.
    static let seenMax = 256

    /// Distribution points remembered: as many parts as CAs divide their lists into, at 16 bytes each. Those beyond are
    /// not told of.
    static let placesMax = 4_096

    private var configured: [AuthorityID: KnownAuthority]
    private var seen: [AuthorityID: KnownAuthority] = [:]
    /// CAs that chains have shown under this configuration: those of the configuration among them.
    private var shown: Set<AuthorityID> = []
    /// Where CAs publish lists about what they issued, by hashes of the CA and of what the certificate says.
    private var places: Set<Int> = []

    init(_ configured: [AuthorityID: KnownAuthority]) { self.configured = configured }

    var seenCount: Int { self.seen.count }

    subscript(id: AuthorityID) -> KnownAuthority? { self.seen[id] ?? self.configured[id] }

    /// CAs and distribution points count as new again: where lists come from may have been configured anew.
    mutating func replace(_ configured: [AuthorityID: KnownAuthority]) {
        self.configured = configured
        self.shown.removeAll()
        self.places.removeAll()
    }

    /// Whether the certificate of every CA of a path is known.
    func haveAll(of path: IssuerPath) -> Bool { path.authorityIDs.allSatisfy { self[$0] != nil } }

    /// A verified chain had this issuer.
    ///
    /// - Parameter id: what revocation calls it.
    /// - Returns: whether no chain has shown its CA yet: the certificate below it may say where the CA's list is.
    @discardableResult
    mutating func saw(_ issuer: PeerCertificate, _ id: [UInt8]) -> Bool {
        guard issuer.isWhole, let id = AuthorityID(id) else { return false }
        let isNew = self.shown.count < self.configured.count + Self.seenMax && self.shown.insert(id).inserted
        // Of several certificates of one CA's one key, the one that lasts longest.
        if let known = self[id], known.notAfter >= issuer.notAfter { return isNew }
        if self.seen[id] == nil, self.seen.count >= Self.seenMax, let any = self.seen.keys.first {
            self.seen[any] = nil
        }
        self.seen[id] = KnownAuthority(issuer)
        return isNew
    }

    /// The leaf of a verified chain had these distribution points. A CA may divide its lists, and then one list says
    /// nothing about the certificates that name another (RFC 5280, 5.2.5).
    ///
    /// - Parameter id: what revocation calls its issuer.
    /// - Returns: whether they were not known.
    mutating func saw(distributionPoints: ArraySlice<UInt8>, of id: [UInt8]) -> Bool {
        guard !distributionPoints.isEmpty, self.places.count < Self.placesMax else { return false }
        var hasher = Hasher()
        hasher.combine(id)
        hasher.combine(distributionPoints)
        return self.places.insert(hasher.finalize()).inserted
    }
}

internal import FleetPolicy
internal import NIOMbedTLS

/// One event loop's view of the policy: the snapshot in force, and the trust anchors in the policy's words.
struct LoopPolicy {
    private(set) var snapshot: PolicySnapshot
    /// Goes up with every new snapshot: a decision of an older one may be out of date.
    private(set) var revision: UInt64 = 0
    let listenerName: String
    private var anchors: [[UInt8]: PolicyAnchor]

    init(_ snapshot: PolicySnapshot, anchors: [TLSTrustAnchor], listenerName: String) {
        self.snapshot = snapshot
        self.listenerName = listenerName
        self.anchors = Self.byFingerprint(anchors)
    }

    private static func byFingerprint(_ anchors: [TLSTrustAnchor]) -> [[UInt8]: PolicyAnchor] {
        Dictionary(anchors.map { ($0.sha256Fingerprint, PolicyAnchor($0)) }) { first, _ in first }
    }

    mutating func replace(_ snapshot: PolicySnapshot, anchors: [TLSTrustAnchor]) {
        self.snapshot = snapshot
        self.anchors = Self.byFingerprint(anchors)
        self.revision += 1
    }

    mutating func replace(_ directory: DeviceDirectory) {
        self.snapshot.directory = directory
        self.revision += 1
    }

    /// The policy's view of an anchor that a chain of this handshake ends in. One that is none any more (the handshake
    /// began before a reload) is made anew, and found not to be trusted when the session is judged again.
    func anchor(_ anchor: TLSTrustAnchor?) -> PolicyAnchor? {
        anchor.map { self.anchors[$0.sha256Fingerprint] ?? PolicyAnchor($0) }
    }

    /// Whether an anchor is one of those in force.
    func isTrusted(_ anchor: PolicyAnchor) -> Bool { self.anchors[anchor.value.sha256Fingerprint] != nil }

    /// Judges a certificate.
    ///
    /// Whatever the profiles say, a certificate that no anchor issued needs a pin, and one that has expired gets a
    /// quarantine profile or nothing: a grant is what the TLS layer lets it in by.
    func decide(_ certificate: CertificateAttributes, _ circumstances: ConnectionCircumstances) -> PolicyDecision {
        let decision = self.snapshot.decide(certificate, circumstances)
        guard case .granted(let grant) = decision else { return decision }
        if circumstances.trustAnchor == nil {
            let pinned = self.snapshot.directory.entry(
                pinning: certificate.sha256Fingerprint, publicKeySHA256: certificate.publicKey.sha256)
            guard pinned != nil else {
                return .denied(
                    PolicyDenial(
                        code: .untrustedIssuer, detail: "no trust anchor issued the certificate, and it is not pinned"))
            }
        }
        guard circumstances.now <= certificate.notAfter || grant.quarantine != nil else {
            return .denied(PolicyDenial(code: .certificateExpired, detail: "the certificate's notAfter has passed"))
        }
        return decision
    }
}

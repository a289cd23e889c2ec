internal import FleetPolicy
internal import NIOMbedTLS

/// One event loop's view of the policy: the snapshot in force, and each listener's trust anchors in the policy's words.
struct LoopPolicy {
    /// What a listener adds to the snapshot.
    struct Listener {
        let name: String
        fileprivate(set) var anchors: [[UInt8]: PolicyAnchor]
        /// Seconds that certificates are good for after their notAfter, for clocks that differ.
        let clockSkew: Int64

        /// - Parameter known: anchors that exist already, so that listeners share theirs.
        init(_ name: String, anchors: [TLSTrustAnchor], clockSkew: Int64, known: [[UInt8]: PolicyAnchor] = [:]) {
            self.name = name
            self.clockSkew = clockSkew
            self.anchors = [:]
            for anchor in anchors where self.anchors[anchor.sha256Fingerprint] == nil {
                self.anchors[anchor.sha256Fingerprint] = known[anchor.sha256Fingerprint] ?? PolicyAnchor(anchor)
            }
        }
    }

    private(set) var snapshot: PolicySnapshot
    /// Goes up with every new snapshot: a decision of an older one may be out of date.
    private(set) var revision: UInt64 = 0
    /// In the order of the configuration. Never empty, and never another number than at first.
    private(set) var listeners: [Listener]

    /// - Parameter listeners: at least one.
    init(_ snapshot: PolicySnapshot, listeners: [Listener]) {
        self.snapshot = snapshot
        self.listeners = listeners
    }

    /// Every listener's anchors.
    var anchors: [[UInt8]: PolicyAnchor] {
        self.listeners.reduce(into: [:]) { all, listener in all.merge(listener.anchors) { first, _ in first } }
    }

    mutating func replace(_ snapshot: PolicySnapshot, listeners: [Listener]) {
        self.snapshot = snapshot
        self.listeners = listeners
        self.revision += 1
    }

    mutating func replace(_ directory: DeviceDirectory) {
        self.snapshot.directory = directory
        self.revision += 1
    }

    mutating func replace(_ trust: TrustSnapshot) {
        self.snapshot.trust = trust
        self.revision += 1
    }

    /// The policy's view of an anchor that a chain of this handshake ends in. One that is none any more (the handshake
    /// began before a reload) is made anew, and found not to be trusted when the session is judged again.
    func anchor(_ anchor: TLSTrustAnchor?, at listener: Int) -> PolicyAnchor? {
        anchor.map { self.listeners[listener].anchors[$0.sha256Fingerprint] ?? PolicyAnchor($0) }
    }

    /// Whether an anchor is one of those that a listener has.
    func isTrusted(_ anchor: PolicyAnchor, at listener: Int) -> Bool {
        self.listeners[listener].anchors[anchor.value.sha256Fingerprint] != nil
    }

    /// What the operator asks of certificates under an anchor; nil: nothing.
    func rules(of anchor: PolicyAnchor) -> TrustAnchorRules? {
        self.snapshot.trust.anchors[anchor.value.sha256Fingerprint]
    }

    /// Whether revocation has nothing against a chain at this time, in Unix seconds.
    func isGood(_ credential: SessionCredential, now: Int64) -> Bool {
        self.snapshot.trust.standing(
            of: credential.chain, fingerprint: credential.fingerprint.bytes, anchor: credential.trustAnchorSHA256,
            now: now) == .good
    }

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

internal import FleetPolicy
internal import NIOCore
internal import NIOMbedTLS

/// The judgement on the device's certificate within the handshake.
extension DeviceSession {
    /// Judges the certificate within the handshake, so that a refusal reaches the device as the right alert. A session
    /// that is to be resumed is judged in the same way, and then whether it is still for the same device: refused, a full
    /// handshake follows, which asks again. The last answer counts.
    func authorize(_ peer: TLSPeer) -> TLSVerdict {
        let isResumption = peer.ticketBinding != nil
        self.decision = nil
        let now = UnixClock.seconds()
        guard let credential = self.shard.credential(of: peer, at: self.listener) else {
            return .denied(code: PolicyDenial.Code.untrustedIssuer.rawValue, alert: .certificateUnknown)
        }
        self.credential = credential
        self.presented = PresentedCertificate(peer.certificate)
        let outcome = self.judged(peer.certificate, credential, now: now)
        switch outcome {
        case .granted(let grant):
            let binding = TicketBinding.make(
                grant, listener: self.shard.listenerNames[self.listener], anchor: credential.trustAnchorSHA256)
            if isResumption, let refusal = self.refusal(ofTicketFor: peer, credential, binding, now: now) {
                self.shard.metrics.resumptionRefused(reason: refusal.rawValue)
                return .denied(code: refusal.rawValue, alert: .accessDenied)
            }
            self.decision = (outcome, self.shard.policy.revision)
            return peer.objections.isEmpty ? .allowedBound(to: binding) : .allowedDespite(peer.objections)
        case .denied(let denial):
            if isResumption {
                self.shard.metrics.resumptionRefused(reason: denial.code.rawValue)
            } else {
                self.decision = (outcome, self.shard.policy.revision)
                if denial.code == .revocationListMissing { self.shard.sendChain(of: peer) }
            }
            return .denied(code: denial.code.rawValue, alert: TLSDenialAlert(denial.code))
        }
    }

    /// Why a session is not resumed although its device would be let in; nil: it can be.
    private func refusal(
        ofTicketFor peer: TLSPeer, _ credential: SessionCredential, _ binding: [UInt8]?, now: Int64
    ) -> ResumptionRefusal? {
        guard let binding, peer.ticketBinding == binding else { return .grantChanged }
        guard let path = credential.path, self.shard.authorities.haveAll(of: path) else { return .issuerUnknown }
        return self.isExpired(path.notAfter, now: now) ? .issuerExpired : nil
    }

    /// An event of the device's pipeline: the end of its handshake is the one that matters.
    func deviceEvent(_ event: Any) {
        guard let completed = event as? TLSHandshakeCompleted else { return }
        self.handshakeEnded()
        let decision = self.decision
        self.decision = nil
        guard let decision, let credential = self.credential, let presented = self.presented,
            presented.certificate == completed.peerCertificate
        else {
            // The TLS layer reports no handshake without an allowed verdict on its certificate; without one, nothing is
            // carried.
            self.end(
                SessionEnd(.internalError, .gateway, answer: nil, "a handshake was reported without a verdict")
            )
            return
        }
        let now = UnixClock.seconds()
        var outcome = decision.outcome
        if decision.revision != self.shard.policy.revision {
            // New rules came between the authorization and the end of the handshake.
            outcome = self.judged(presented.certificate, credential, now: now)
        }
        switch outcome {
        case .granted(let grant):
            self.isResumed = completed.isResumed
            self.began(grant, credential, now: now)
        case .denied(let denial):
            self.lost(denial)
        }
    }

    private func began(_ grant: DeviceGrant, _ credential: SessionCredential, now: Int64) {
        self.device = DeviceDescription(grant)
        self.since = now
        self.wasExpired = self.isExpired(credential.notAfter, now: now)
        self.shard.metrics.handshakeAccepted(after: .now() - self.acceptedAt, isResumed: self.isResumed)
        if let entry = self.indexEntry { self.shard.sessionBegan(self, entry) }
        self.scheduleJudgement(now: now, grant)
        self.machine.revocationRule = self.revocationRule
        self.run(self.machine.authenticated(grant))
    }

    /// The handshake is over without a session.
    func handshakeFailed(_ error: TLSError) {
        self.handshakeEnded()
        // A policy's refusal is counted by the policy's own code, as it is logged.
        let isPolicys = self.isPolicys(error)
        let reason = isPolicys ? error.deniedCode : nil
        self.shard.metrics.handshakeRefused(reason: reason ?? error.code.rawValue)
        if isPolicys, case .denied(let denial) = self.decision?.outcome, let certificate = error.peerCertificate {
            self.shard.send(
                .policyDenied(
                    connection: self.connection, certificate: certificate, reason: denial.code.rawValue,
                    detail: denial.detail, clientHello: error.clientHello
                )
            )
            self.wantRegistration(denial, certificate)
        } else {
            self.shard.send(.handshakeFailed(connection: self.connection, error: error))
        }
        self.isEnded = true
        _ = self.machine.end(SessionEnd(tlsError: error))
    }

    /// Whether the policy's code is the cause. Where the policy merely excused nothing, it is what TLS has against the
    /// chain. That no anchor issued a pinned certificate is nothing against it: then it is refused for something else.
    private func isPolicys(_ error: TLSError) -> Bool {
        switch error.code {
        case .accessDenied, .revoked: return true
        case .unknownCA:
            guard case .denied(let denial) = self.decision?.outcome else { return false }
            return denial.code != .untrustedIssuer
        case _: return false
        }
    }

    func wantRegistration(_ denial: PolicyDenial, _ certificate: PeerCertificate) {
        guard let need = denial.registration else { return }
        self.shard.registrationWanted(need, certificate, by: self)
    }
}

/// Why a TLS session is not resumed whose device would be let in. A full handshake follows.
enum ResumptionRefusal: String, CaseIterable {
    /// The device has another identity or profile than when the session began, or none that is given tickets.
    case grantChanged = "grant-changed"
    /// A CA certificate of the chain is not known, so that neither its end nor what its CA says of the device can be.
    case issuerUnknown = "issuer-unknown"
    /// A CA certificate of the chain has reached its notAfter.
    case issuerExpired = "issuer-expired"
}

extension LoopShard {
    /// Tells of a verified chain, so that the revocation lists of its CAs can be found.
    fileprivate func sendChain(of peer: TLSPeer) {
        guard let anchor = peer.trustAnchor, peer.ticketBinding == nil else { return }
        self.send(
            .chainSeen(
                chain: [peer.certificate] + peer.chain.compactMap(\.issuer),
                trustAnchorSHA256: anchor.sha256Fingerprint))
    }

    /// What is kept of a device that has presented a verified chain, or the ticket of an earlier session. Nil when
    /// libcrypto could not hash a part of it, so that revocation cannot be looked up.
    fileprivate func credential(of peer: TLSPeer, at listener: Int) -> SessionCredential? {
        guard let anchor = self.policy.anchor(peer.trustAnchor, at: listener) else {
            return SessionCredential(peer, path: nil)
        }
        var isNew = false
        for link in peer.chain {
            guard let issuer = link.issuer else { continue }
            if self.authorities.saw(issuer, link.issuerID) { isNew = true }
        }
        if let issuer = peer.chain.first?.issuerID,
            self.authorities.saw(distributionPoints: peer.certificate.crlDistributionPointsDER, of: issuer)
        {
            isNew = true
        }
        if isNew { self.sendChain(of: peer) }
        guard let path = IssuerPath(anchor, peer.chain, known: self.authorities) else { return nil }
        return SessionCredential(peer, path: self.index.shared(path))
    }
}

extension TLSDenialAlert {
    /// What the device hears of a denial: of its certificate what its holder can do something about, and otherwise only
    /// that it has no access.
    init(_ code: PolicyDenial.Code) {
        self =
            switch code {
            case .certificateExpired: .certificateExpired
            case .certificateRevoked: .certificateRevoked
            case .revocationListMissing, .revocationListOutdated, .untrustedIssuer: .certificateUnknown
            case .noMatchingProfile, .ambiguous, .badDeviceID, .badTenant, .badPlaceholderValue, .missingAttribute,
                .devicePending, .deviceSuspended, .deviceRetired, .notRegistered, .registrationQuotaExceeded,
                .certificateNotPinned, .pinnedToAnotherDevice, .noPasswordSet, .anchorNotForTenant, .certificateCloned:
                .accessDenied
            }
    }
}

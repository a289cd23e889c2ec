internal import FleetPolicy
internal import MQTTCodec
internal import NIOCore
internal import NIOMbedTLS

/// The judgement on the device's certificate: in the handshake, when the rules change, and when time has passed.
extension DeviceSession {
    /// Judges the certificate within the handshake, so that a refusal reaches the device as the right alert.
    func authorize(_ peer: TLSPeer) -> TLSVerdict {
        let credential = SessionCredential(peer, anchor: self.shard.policy.anchor(peer.trustAnchor))
        self.credential = credential
        self.presented = PresentedCertificate(peer.certificate)
        let outcome = self.judged(peer.certificate, credential, now: UnixClock.seconds())
        self.decision = (outcome, self.shard.policy.revision)
        switch outcome {
        case .granted:
            return peer.objections.isEmpty ? .allowed : .allowedDespite(peer.objections)
        case .denied(let denial):
            return .denied(code: denial.code.rawValue, alert: TLSDenialAlert(denial.code))
        }
    }

    private func judged(
        _ certificate: PeerCertificate, _ credential: SessionCredential, now: Int64
    ) -> PolicyDecision {
        let policy = self.shard.policy
        let circumstances = credential.circumstances(
            now: now, listener: policy.listenerName, isTrusted: policy.isTrusted
        )
        return policy.decide(CertificateAttributes(certificate), circumstances)
    }

    /// An event of the device's pipeline: the end of its handshake is the one that matters.
    func deviceEvent(_ event: Any) {
        guard event is TLSHandshakeCompleted else { return }
        self.handshakeEnded()
        let decision = self.decision
        self.decision = nil
        guard let decision, let credential = self.credential, let presented = self.presented else {
            // The TLS layer reports no handshake without an allowed verdict; without one, nothing is carried.
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
            self.device = DeviceDescription(grant)
            self.since = now
            self.wasExpired = now > credential.notAfter
            self.shard.metrics.handshakeAccepted(after: .now() - self.acceptedAt)
            self.shard.sessionBegan(self, of: grant.key)
            self.scheduleJudgement(now: now, grant)
            self.run(self.machine.authenticated(grant))
        case .denied(let denial):
            self.lost(denial)
        }
    }

    /// The handshake is over without a session.
    func handshakeFailed(_ error: TLSError) {
        self.handshakeEnded()
        // A policy's refusal is counted by the policy's own code, as it is logged. Where the policy merely excused
        // nothing, the cause is what TLS has against the chain.
        let isPolicys = error.code == .accessDenied || error.code == .revoked
        let reason = isPolicys ? error.deniedCode : nil
        self.shard.metrics.handshakeRefused(reason: reason ?? error.code.rawValue)
        if isPolicys, case .denied(let denial) = self.decision?.outcome, let certificate = error.peerCertificate {
            self.shard.send(
                .policyDenied(
                    connection: self.connection, certificate: certificate, reason: denial.code.rawValue,
                    detail: denial.detail
                )
            )
            self.wantRegistration(denial, certificate)
        } else {
            self.shard.send(.handshakeFailed(connection: self.connection, error: error))
        }
        self.isEnded = true
        _ = self.machine.end(SessionEnd(tlsError: error))
    }

    private func wantRegistration(_ denial: PolicyDenial, _ certificate: PeerCertificate) {
        guard let need = denial.registration else { return }
        self.shard.registrationWanted(need, certificate, by: self)
    }

    // MARK: Judged again

    /// New rules, or time has passed: the same certificate is judged again.
    func judgeAgain(now: Int64) {
        guard let credential = self.credential, let held = self.machine.grant else { return }
        guard let certificate = self.presented?.certificate ?? credential.certificate else {
            self.end(
                SessionEnd(.internalError, .gateway, answer: .serverBusy, "the certificate could not be read again")
            )
            return
        }
        // In the grace after notAfter the certificate is judged as it was at its end.
        let judgedAt = self.wasExpired ? now : min(now, credential.notAfter)
        switch self.judged(certificate, credential, now: judgedAt) {
        case .denied(let denial):
            self.wantRegistration(denial, certificate)
            self.lost(denial)
        case .granted(let grant):
            self.adopt(grant, insteadOf: held, now: now)
        }
    }

    private func adopt(_ grant: DeviceGrant, insteadOf held: DeviceGrant, now: Int64) {
        if grant == held { return self.adoptRegistration(of: grant, insteadOf: held) }
        if let end = SessionEnd(changeFrom: held, to: grant) { return self.end(end) }
        let device = DeviceDescription(grant)
        if self.isAnnounced, let before = self.device, before != device {
            self.shard.metrics.sessionsChanged(before, by: -1)
            self.shard.metrics.sessionsChanged(device, by: 1)
        }
        self.device = device
        self.run(self.machine.regranted(grant, now: .now()))
        if self.machine.grant != nil { self.scheduleJudgement(now: now, grant) }
    }

    /// The grant is the same, but what the registry has of the device may not be: it was removed, or the profile asks for
    /// a registration now. Nobody stays, or goes on, whose registration was not written down.
    private func adoptRegistration(of grant: DeviceGrant, insteadOf held: DeviceGrant) {
        if self.machine.awaitsConnect {
            // The question is asked when CONNECT comes, and then it has to be the present one.
            if grant.registration != held.registration { self.run(self.machine.regranted(grant, now: .now())) }
        } else if grant.registration != nil, self.machine.isAdmitted || held.registration == nil {
            self.end(
                SessionEnd(
                    .profileChanged, .operator, answer: .serverBusy, "the registry does not have the device (any more)"
                )
            )
        }
    }

    private func lost(_ denial: PolicyDenial) { self.end(SessionEnd(grantLost: denial)) }

    // MARK: Time

    /// Seconds from one judgement to the next where nothing but time has changed: rules can depend on the days that are
    /// left, and days are counted in far more than an hour.
    private static let judgementInterval: Int64 = 3_600
    /// The same for a device in quarantine because its certificate has expired, whose time there is bounded.
    private static let expiredJudgementInterval: Int64 = 60

    private func scheduleJudgement(now: Int64, _ grant: DeviceGrant) {
        if self.wasExpired {
            self.judgedAgainAt = now + Self.expiredJudgementInterval
        } else if self.judgedAgainAt == .max {
            // Spread over an hour: sessions that came together are not judged together.
            let spread = Int64(self.id % UInt64(Self.judgementInterval))
            self.judgedAgainAt = now + Self.judgementInterval / 2 + spread
        }
        self.dueAt = min(self.judgedAgainAt, self.lastSecond(grant))
        self.shard.sessionDue(at: self.dueAt)
    }

    /// The last second the session may have; without end where the certificate had expired before it began.
    private func lastSecond(_ grant: DeviceGrant) -> Int64 {
        guard !self.wasExpired, let credential = self.credential else { return .max }
        let (last, isOverflow) = credential.notAfter.addingReportingOverflow(max(0, grant.limits.expiryGraceSeconds))
        return isOverflow ? .max : last
    }

    /// Does what is due at this time.
    func timePassed(_ now: Int64) {
        self.dueAt = .max
        guard let grant = self.machine.grant else { return }
        guard now <= self.lastSecond(grant) else {
            self.end(
                SessionEnd(
                    .certificateExpired, .device, answer: .notAuthorized,
                    "the device's certificate reached its notAfter"
                )
            )
            return
        }
        if now >= self.judgedAgainAt {
            let interval = self.wasExpired ? Self.expiredJudgementInterval : Self.judgementInterval
            self.judgedAgainAt = now + interval
            self.judgeAgain(now: now)
        }
        guard let grant = self.machine.grant else { return }
        self.dueAt = min(self.judgedAgainAt, self.lastSecond(grant))
    }
}

extension TLSDenialAlert {
    /// What the device hears of a denial: its certificate's end if that is it, and otherwise only that it has no access.
    init(_ code: PolicyDenial.Code) { self = code == .certificateExpired ? .certificateExpired : .accessDenied }
}

extension SessionEnd {
    /// A device that was let in gets nothing any more.
    init(grantLost denial: PolicyDenial) {
        let (fault, answer): (Fault, MQTTReasonCode) =
            switch denial.code {
            case .deviceSuspended, .deviceRetired: (.operator, .administrativeAction)
            case .certificateExpired: (.device, .notAuthorized)
            case .noMatchingProfile, .ambiguous, .badDeviceID, .badTenant, .badPlaceholderValue, .missingAttribute,
                .devicePending, .notRegistered, .registrationQuotaExceeded, .certificateNotPinned,
                .pinnedToAnotherDevice, .noPasswordSet, .untrustedIssuer:
                (.operator, .notAuthorized)
            }
        self.init(
            Code(rawValue: denial.code.rawValue), fault, answer: answer,
            "the rules in force grant this certificate nothing any more"
        )
    }

    /// Why a session cannot go on with another grant; nil: it can. What CONNECT and the broker's connection were made by
    /// cannot change within a session, and a password that was not asked for was not given.
    init?(changeFrom held: DeviceGrant, to grant: DeviceGrant) {
        let isSame =
            grant.sameIdentity(as: held) && grant.profileName == held.profileName
            && grant.upstreamName == held.upstreamName && grant.clientIDRule == held.clientIDRule
            && grant.topicPrefix.utf8.elementsEqual(held.topicPrefix.utf8)
            && (grant.secondFactor == nil || grant.secondFactor == held.secondFactor)
        if isSame { return nil }
        if held.quarantine == nil, let quarantine = grant.quarantine, grant.sameIdentity(as: held) {
            // It may come back, with its quarantine profile; what ended the session is why it has that now.
            self.init(
                Code(rawValue: quarantine.denial.rawValue), .operator, answer: .administrativeAction,
                "the device has its quarantine profile now"
            )
            return
        }
        self.init(
            .profileChanged, .operator, answer: .administrativeAction,
            "the rules in force give this certificate another identity, profile, broker, prefix or password"
        )
    }
}

extension QuarantineReason {
    /// What the device would be denied for, had its profile no quarantine.
    fileprivate var denial: PolicyDenial.Code {
        switch self {
        case .expired: .certificateExpired
        case .suspended: .deviceSuspended
        case .pending: .devicePending
        case .unregistered: .notRegistered
        }
    }
}

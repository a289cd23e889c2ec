internal import FleetPolicy
internal import MQTTCodec
internal import NIOCore
internal import NIOMbedTLS

/// The judgement on the device's certificate when the rules change, and when time has passed. That within the handshake
/// is in `DeviceSession+Handshake.swift`.
extension DeviceSession {
    func judged(
        _ certificate: PeerCertificate, _ credential: SessionCredential, now: Int64
    ) -> PolicyDecision {
        let policy = self.shard.policy
        let listener = self.listener
        // Within the skew that clocks are allowed, a certificate is judged as it was at its end.
        let isWithinSkew = now > credential.notAfter && now <= self.lastSecond(of: credential.notAfter)
        let circumstances = credential.circumstances(
            now: isWithinSkew ? credential.notAfter : now, listener: policy.listeners[listener].name,
            isTrusted: { policy.isTrusted($0, at: listener) }
        )
        return policy.decide(CertificateAttributes(certificate), circumstances)
    }

    /// The last second in which a certificate with this notAfter is good, whatever the peers' clocks say.
    private func lastSecond(of notAfter: Int64) -> Int64 {
        let (last, isOverflow) = notAfter.addingReportingOverflow(self.shard.policy.listeners[self.listener].clockSkew)
        return isOverflow ? .max : last
    }

    /// Whether a certificate with this notAfter is out of date, whatever the peers' clocks say.
    func isExpired(_ notAfter: Int64, now: Int64) -> Bool { now > self.lastSecond(of: notAfter) }

    /// Whether an OCSP responder is asked about the device's certificate.
    var revocationRule: TrustAnchorRules.OCSPRule {
        self.credential?.path.flatMap { self.shard.policy.rules(of: $0.anchor) }?.ocsp ?? .off
    }

    /// What a responder is asked; nil: nothing, or the issuer's certificate is not known.
    func revocationQuestion(_ rule: TrustAnchorRules.OCSPRule) -> RevocationQuestion? {
        guard rule != .off, let credential = self.credential, let certificate = credential.certificateID,
            let anchor = credential.trustAnchorSHA256, let issuer = self.shard.authorities[certificate.issuer]
        else { return nil }
        return RevocationQuestion(
            certificate: certificate, issuer: issuer.der, rule: rule, trustAnchorSHA256: anchor)
    }

    /// What the session is found by in the loop's index; nil before it has a grant.
    var indexEntry: LiveSessionIndex.Entry? {
        guard let device = self.device, let credential = self.credential else { return nil }
        return LiveSessionIndex.Entry(device, credential)
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
        self.machine.revocationRule = self.revocationRule
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

    func lost(_ denial: PolicyDenial) { self.end(SessionEnd(grantLost: denial)) }

    // MARK: Time

    /// Seconds from one judgement to the next where nothing but time has changed: rules can depend on the days that are
    /// left, and days are counted in far more than an hour.
    private static let judgementInterval: Int64 = 3_600
    /// The same for a device in quarantine because its certificate has expired, whose time there is bounded.
    private static let expiredJudgementInterval: Int64 = 60

    func scheduleJudgement(now: Int64, _ grant: DeviceGrant) {
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

    /// The last second the session may have; without end where the certificate had expired before it began. A grace is for
    /// the device's own certificate, not for those of its CAs.
    private func lastSecond(_ grant: DeviceGrant) -> Int64 {
        guard !self.wasExpired, let credential = self.credential else { return .max }
        let (last, isOverflow) = credential.notAfter.addingReportingOverflow(max(0, grant.limits.expiryGraceSeconds))
        return min(
            max(isOverflow ? .max : last, self.lastSecond(of: credential.notAfter)),
            self.lastSecond(of: credential.path?.notAfter ?? .max))
    }

    /// Why a session ends when its last second is over.
    private func expiry(now: Int64) -> SessionEnd {
        let isAuthority = self.isExpired(self.credential?.path?.notAfter ?? .max, now: now)
        return SessionEnd(
            .certificateExpired, .device, answer: .notAuthorized,
            isAuthority
                ? "a CA certificate above the device's reached its notAfter"
                : "the device's certificate reached its notAfter"
        )
    }

    /// Does what is due at this time.
    func timePassed(_ now: Int64) {
        self.dueAt = .max
        guard let grant = self.machine.grant else { return }
        guard now <= self.lastSecond(grant) else {
            self.end(self.expiry(now: now))
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

extension SessionEnd {
    /// A device that was let in gets nothing any more.
    init(grantLost denial: PolicyDenial) {
        let (fault, answer): (Fault, MQTTReasonCode) =
            switch denial.code {
            case .deviceSuspended, .deviceRetired: (.operator, .administrativeAction)
            case .certificateExpired: (.device, .notAuthorized)
            case .noMatchingProfile, .ambiguous, .badDeviceID, .badTenant, .badPlaceholderValue, .missingAttribute,
                .devicePending, .notRegistered, .registrationQuotaExceeded, .certificateNotPinned,
                .pinnedToAnotherDevice, .noPasswordSet, .untrustedIssuer, .certificateRevoked, .revocationListMissing,
                .revocationListOutdated, .anchorNotForTenant, .certificateCloned:
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
        case .cloned: .certificateCloned
        }
    }
}

/// Everything a decision is made from, as one immutable value: the profiles and the registered devices.
public struct PolicySnapshot: Sendable {
    public var profiles: ProfileSet
    public var directory: DeviceDirectory
    /// What the certificates are worth.
    public var trust: TrustSnapshot

    public init(profiles: ProfileSet, directory: DeviceDirectory = .empty, trust: TrustSnapshot = .empty) {
        self.profiles = profiles
        self.directory = directory
        self.trust = trust
    }

    /// Decides what a certificate gets. Its chain has been verified but for what `circumstances` says (no trust anchor)
    /// and for its own notAfter, which is judged here. Pure, and safe to call on any thread.
    public func decide(
        _ certificate: CertificateAttributes, _ circumstances: ConnectionCircumstances
    ) -> PolicyDecision {
        let context = MatchContext(certificate, circumstances, readsServerName: profiles.readsServerName)
        do throws(PolicyDenial) {
            try checkRevocation(certificate, circumstances)
            return .granted(try grant(to: identify(certificate, context), certificate, context))
        } catch {
            return .denied(error)
        }
    }

    // MARK: What the certificate is worth

    private func checkRevocation(
        _ certificate: CertificateAttributes, _ circumstances: ConnectionCircumstances
    ) throws(PolicyDenial) {
        let standing = trust.standing(
            of: circumstances.chain, fingerprint: certificate.sha256Fingerprint,
            anchor: circumstances.trustAnchor?.sha256Fingerprint, now: circumstances.now)
        let code: PolicyDenial.Code
        switch standing {
        case .good: return
        case .revoked: code = .certificateRevoked
        case .listMissing: code = .revocationListMissing
        case .listOutdated: code = .revocationListOutdated
        }
        throw PolicyDenial(code: code, detail: standing.text)
    }

    // MARK: Who it is

    /// The device that a certificate stands for, and the profile that says so.
    struct Identified {
        let profile: CompiledProfile
        let key: DeviceKey
        let captures: CaptureSource
    }

    /// The device for which the certificate or its key is pinned.
    func pinnedDevice(_ certificate: CertificateAttributes) -> DeviceEntry? {
        guard directory.hasPins else { return nil }
        return directory.entry(
            pinning: certificate.sha256Fingerprint, publicKeySHA256: certificate.publicKey.sha256)
    }

    func identify(
        _ certificate: CertificateAttributes, _ context: MatchContext
    ) throws(PolicyDenial) -> Identified {
        guard context.circumstances.trustAnchor != nil else {
            return try identifyByPin(
                certificate, otherwise: .untrustedIssuer,
                "no trust anchor issued \(certificate.subject.shown), issued by \(certificate.issuer.shown)")
        }
        switch profiles.select(context) {
        case .chosen(let profile, let captured):
            let key = try profile.identify(captured, certificate)
            return Identified(profile: profile, key: key, captures: .certificate(captured))
        case .ambiguous(let rank, let clash):
            throw PolicyDenial(code: .ambiguous, detail: Self.detail(of: clash, rank, certificate))
        case .none:
            let excess = context.text.excess
            let more =
                excess > 0
                ? ": it has \(context.text.entries.count + excess) names, more than "
                    + "\(PolicyBounds.certificateValuesMax) are not looked at" : ""
            return try identifyByPin(
                certificate, otherwise: .noMatchingProfile,
                "no profile matches \(certificate.subject.shown) issued by \(certificate.issuer.shown)\(more)")
        }
    }

    /// The device that a certificate no rule speaks for is pinned for. Its own names prove nothing then.
    private func identifyByPin(
        _ certificate: CertificateAttributes, otherwise code: PolicyDenial.Code, _ detail: String
    ) throws(PolicyDenial) -> Identified {
        guard let device = pinnedDevice(certificate) else { throw PolicyDenial(code: code, detail: detail) }
        guard !device.profile.isEmpty else {
            throw PolicyDenial(
                code: code, detail: "\(detail); it is pinned for \(device.key), which has no profile of its own")
        }
        guard let profile = profiles.profile(named: device.profile) else {
            throw PolicyDenial(
                code: code,
                detail: "\(detail); it is pinned for \(device.key), whose profile `\(device.profile)` does not exist")
        }
        return Identified(profile: profile, key: device.key, captures: .registry)
    }

    private static func detail(
        of clash: [(profile: CompiledProfile, detail: String?)], _ rank: Rank, _ certificate: CertificateAttributes
    ) -> String {
        if clash.count == 1, let only = clash.first {
            return "profile \(only.profile.name), \(certificate.subject.shown): \(only.detail ?? "")"
        }
        let names = clash.map(\.profile.name).sorted().joined(separator: ", ")
        return "the profiles \(names) match \(certificate.subject.shown) at the same rank (\(rank))"
    }

    // MARK: What it gets

    private func grant(
        to identified: Identified, _ certificate: CertificateAttributes, _ context: MatchContext
    ) throws(PolicyDenial) -> DeviceGrant {
        let main = identified.profile
        let key = identified.key
        try checkAnchor(for: key, main, certificate, context.circumstances)
        let device = directory.count > 0 ? directory.entry(key) : nil
        try checkPins(of: device, key, main, certificate)

        let expiry = Expiry(certificate, now: context.circumstances.now, main.quarantine?.rule)
        let isSuspect = isSuspect(certificate, main)
        let standing = try standing(of: device, key, main, expiry, isSuspect: isSuspect, certificate)
        switch expiry {
        case .valid, .quarantined: break
        case .expired: throw main.denial(.certificateExpired, "the certificate is out of date", certificate)
        }
        // What the operator decided, or has to, comes first; then what is suspicious; then what time alone has done. The
        // profile that is given is the same for all of them.
        let reason = standing.quarantine ?? (isSuspect ? .cloned : expiry == .quarantined ? .expired : nil)
        if let reason, let quarantine = main.quarantine {
            let values = try quarantine.profile.values(of: key, identified.captures, device, certificate)
            return DeviceGrant(
                key: key, profile: quarantine.profile, values: values, registration: standing.registration,
                quarantine: reason)
        }
        let secondFactor: SecondFactor?
        if main.terms.asksForPassword {
            guard let hash = device?.passwordHash else {
                throw main.denial(.noPasswordSet, "the profile asks for a password, and \(key) has none", certificate)
            }
            secondFactor = SecondFactor(passwordHash: hash)
        } else {
            secondFactor = nil
        }
        return DeviceGrant(
            key: key, profile: main,
            values: try main.values(of: key, identified.captures, device, certificate),
            overrides: device.flatMap { $0.hasOverrides ? $0.overrides : nil }, registration: standing.registration,
            secondFactor: secondFactor)
    }

    /// An anchor may be for some tenants only: a CA of one customer must not name devices of another.
    private func checkAnchor(
        for key: DeviceKey, _ main: CompiledProfile, _ certificate: CertificateAttributes,
        _ circumstances: ConnectionCircumstances
    ) throws(PolicyDenial) {
        guard !trust.anchors.isEmpty, let anchor = circumstances.trustAnchor,
            let rules = trust.anchors[anchor.sha256Fingerprint], !rules.permits(tenant: key.tenant)
        else { return }
        throw main.denial(
            .anchorNotForTenant,
            "\(key) is of a tenant that the trust anchors of `\(rules.name)` are not for", certificate)
    }

    /// Whether the certificate seems to be in use twice, and the profile has a quarantine for that. Otherwise the
    /// suspicion has no effect here: whoever may copy a key could shut the genuine device out with it.
    private func isSuspect(_ certificate: CertificateAttributes, _ main: CompiledProfile) -> Bool {
        main.quarantine?.rule.takes(.cloned) == true && trust.suspectedClones.contains(certificate.sha256Fingerprint)
    }

    private func checkPins(
        of device: DeviceEntry?, _ key: DeviceKey, _ main: CompiledProfile, _ certificate: CertificateAttributes
    ) throws(PolicyDenial) {
        // Of a certificate that is pinned for this device, no other can be the only one that it is pinned for.
        if let device, device.hasPins, certificate.isPinned(for: device) { return }
        if let pinned = pinnedDevice(certificate), !pinned.isDevice(key) {
            throw main.denial(
                .pinnedToAnotherDevice, "the certificate is pinned for \(pinned.key), and is not \(key)'s", certificate)
        }
        guard let device, device.hasPins else { return }
        throw main.denial(
            .certificateNotPinned, "\(key) has pinned certificates, and this is none of them", certificate)
    }

    /// Where the certificate stands in time.
    private enum Expiry: Equatable {
        case valid
        /// Out of date, for no longer than the quarantine profile takes.
        case quarantined
        case expired

        init(_ certificate: CertificateAttributes, now: Int64, _ rule: QuarantineRule?) {
            guard now > certificate.notAfter else {
                self = .valid
                return
            }
            let (since, overflow) = now.subtractingReportingOverflow(certificate.notAfter)
            self = !overflow && since <= rule?.expiredSeconds ?? 0 ? .quarantined : .expired
        }
    }

    /// What the device's state, or its absence from the registry, makes of a grant.
    private struct Standing {
        var quarantine: QuarantineReason?
        var registration: RegistrationNeed?
    }

    private func standing(
        of device: DeviceEntry?, _ key: DeviceKey, _ main: CompiledProfile, _ expiry: Expiry, isSuspect: Bool,
        _ certificate: CertificateAttributes
    ) throws(PolicyDenial) -> Standing {
        func denial(_ code: PolicyDenial.Code, _ reason: String) -> PolicyDenial {
            main.denial(code, reason, certificate)
        }
        func takes(_ reason: QuarantineReason) -> Bool { main.quarantine?.rule.takes(reason) == true }
        if let device {
            switch device.state {
            case .active: return Standing()
            case .retired: throw denial(.deviceRetired, "\(key) is retired")
            case .suspended:
                guard takes(.suspended) else { throw denial(.deviceSuspended, "\(key) is suspended") }
                return Standing(quarantine: .suspended)
            case .pending:
                guard takes(.pending) else { throw denial(.devicePending, "\(key) waits for approval") }
                return Standing(quarantine: .pending)
            }
        }
        let rule = main.terms.registration
        switch rule.mode {
        case .open:
            return Standing()
        case .listed:
            guard takes(.unregistered) else { throw denial(.notRegistered, "\(key) is not registered") }
            return Standing(quarantine: .unregistered)
        case .firstSeen:
            // A certificate that is out of date, or in use twice, gets a device its quarantine, never its place in the
            // registry.
            guard expiry != .expired else { return Standing() }
            guard directory.selfRegisteredCount(ofProfile: main.name) < rule.quota else {
                throw denial(
                    .registrationQuotaExceeded,
                    "the quota of \(rule.quota) devices that register by connecting is used up")
            }
            let wanted = RegistrationNeed(
                key: key, profile: main.name, state: rule.approval ? .pending : .active, quota: rule.quota)
            let need = expiry == .valid && !isSuspect ? wanted : nil
            guard rule.approval else { return Standing(registration: need) }
            guard takes(.pending) else {
                throw PolicyDenial(
                    code: .devicePending,
                    detail: denial(.devicePending, "\(key) is new and waits for approval").detail, registration: need)
            }
            return Standing(quarantine: .pending, registration: need)
        }
    }
}

extension CertificateAttributes {
    /// Whether one of the device's pins is for this certificate or its key.
    func isPinned(for device: DeviceEntry) -> Bool {
        device.isPinned(certificateSHA256: sha256Fingerprint, publicKeySHA256: publicKey.sha256)
    }
}

extension PolicySnapshot {
    /// Says why a certificate gets what it gets. The decision in it is that of ``decide(_:_:)``; every profile is tried,
    /// so it takes time in proportion to the profiles.
    public func explain(
        _ certificate: CertificateAttributes, _ circumstances: ConnectionCircumstances
    ) -> DecisionExplanation {
        let context = MatchContext(certificate, circumstances, readsServerName: true)
        var key: DeviceKey?
        do throws(PolicyDenial) {
            key = try identify(certificate, context).key
        } catch {
            key = nil
        }
        let device = key.flatMap(directory.entry)
        return DecisionExplanation(
            subject: certificate.subject.shown, issuer: certificate.issuer.shown,
            trustAnchor: circumstances.trustAnchor?.subject.shown,
            anchor: circumstances.trustAnchor.map { trust.explainAnchor($0.sha256Fingerprint) },
            revocation: trust.explainRevocation(certificate, circumstances),
            isSuspectedClone: trust.suspectedClones.contains(certificate.sha256Fingerprint),
            trials: circumstances.trustAnchor == nil ? [] : profiles.trials(context),
            pinnedFor: pinnedDevice(certificate)?.key,
            registration: device.map { DecisionExplanation.Registration($0, certificate) },
            outcome: DecisionExplanation.Outcome(decide(certificate, circumstances), key: key))
    }
}

extension DecisionExplanation.Registration {
    fileprivate init(_ device: DeviceEntry, _ certificate: CertificateAttributes) {
        self.init(
            key: device.key, state: device.state, profile: device.profile, pins: device.pinCount,
            fitsPin: certificate.isPinned(for: device),
            attributes: device.attributes.sorted { $0.key < $1.key }.map {
                DecisionExplanation.NamedValue(name: $0.key, value: SafeText.shown($0.value))
            },
            hasPassword: device.hasPassword, hasOverrides: device.hasOverrides)
    }
}

extension DecisionExplanation.Outcome {
    fileprivate init(_ decision: PolicyDecision, key: DeviceKey?) {
        switch decision {
        case .granted(let grant):
            var text = "\(grant.key) gets profile \(grant.profileName)"
            if let reason = grant.quarantine { text += ", in quarantine (\(reason.rawValue))" }
            if let need = grant.registration { text += ", and is registered as \(need.state.rawValue)" }
            if grant.secondFactor != nil { text += ", with its password" }
            self.init(
                isGranted: true, code: nil, text: text, device: grant.key, profile: grant.profileName,
                quarantine: grant.quarantine?.rawValue, registersAs: grant.registration?.state,
                asksForPassword: grant.secondFactor != nil)
        case .denied(let denial):
            self.init(
                isGranted: false, code: denial.code.rawValue, text: "refused: \(denial.detail)", device: key,
                profile: nil, quarantine: nil, registersAs: denial.registration?.state, asksForPassword: false)
        }
    }
}

extension ProfileSet {
    /// Tries every profile, whatever the ones before it said.
    func trials(_ context: MatchContext) -> [DecisionExplanation.Trial] {
        let outcome = selectTryingAll(context)
        var decisive: (rank: Rank, chosen: String?)?
        switch outcome {
        case .none: break
        case .chosen(let profile, _): decisive = (profile.rank, profile.name)
        case .ambiguous(let rank, _): decisive = (rank, nil)
        }
        return profiles.enumerated().map { place, profile in
            let (reasons, captures, isAmbiguous) = profile.matcher.reasons(place, table, context)
            let isMatch = reasons.isEmpty && context.text.excess == 0
            let outcome: DecisionExplanation.Trial.Outcome =
                if !isMatch, !isAmbiguous {
                    .noMatch
                } else if let decisive, profile.rank < decisive.rank {
                    .outranked
                } else if decisive?.chosen == profile.name {
                    .chosen
                } else {
                    .ambiguous
                }
            let excess =
                context.text.excess > 0
                ? ["the certificate has more than \(PolicyBounds.certificateValuesMax) names"] : []
            return DecisionExplanation.Trial(
                profile: profile.name, location: profile.location, rank: profile.rank, outcome: outcome,
                reasons: excess + reasons, captures: isMatch ? captures : [])
        }
    }
}

extension CertificateMatcher {
    /// What a value of a certificate is shown as among others: a name may have many.
    private static let shownValuesMax = 8

    /// Every condition that does not hold in exactly one way, in plain words; and what the match captured.
    fileprivate func reasons(
        _ place: Int, _ table: MatchTable, _ context: MatchContext
    ) -> (reasons: [String], captures: [DecisionExplanation.NamedValue], isAmbiguous: Bool) {
        var captured = MatchTable.Captures()
        var reasons: [String] = []
        var isAmbiguous = false
        var fails = false
        for (index, condition) in conditions.enumerated() {
            let step = table.step(index, of: place, in: context, &captured)
            switch step {
            case .holds: continue
            case .fails:
                fails = true
                reasons.append("\(condition.field): wanted \(condition.wanted), found \(found(condition, context))")
            case .contradicts(let slot):
                fails = true
                reasons.append(
                    "\(condition.field): wanted \(condition.wanted) with the {\(captureNames[slot])} of the "
                        + "conditions before it, found \(found(condition, context))")
            case .severalValues, .severalReadings:
                isAmbiguous = true
                let detail = table.ambiguityText(of: step, index, of: place)
                reasons.append("\(detail): wanted \(condition.wanted), found \(found(condition, context))")
            }
        }
        let captures = captureNames.enumerated().map { slot, name in
            DecisionExplanation.NamedValue(name: name, value: SafeText.shown(captured.value(slot, in: context)))
        }
        return (reasons, captures, isAmbiguous && !fails && context.text.excess == 0)
    }

    private func found(_ condition: MatchCondition, _ context: MatchContext) -> String {
        let source = MatchContext.Source(condition.field)
        if let number = context.number(of: source) { return "\(number)" }
        var values: [String] = []
        var more = false
        context.forEachValue(of: source, condition.field.key.code, field: condition.field) { bytes, range in
            guard values.count < Self.shownValuesMax else {
                more = true
                return false
            }
            let value = bytes[range]
            values.append(
                condition.field.isHash ? HexadecimalText.text(value) : "`\(SafeText.shown(value))`")
            return true
        }
        return values.isEmpty ? "none" : values.joined(separator: ", ") + (more ? ", …" : "")
    }
}

import FleetPolicy
import Gateway
import NIOMbedTLS

/// What becomes of one certificate when one set of profiles replaces another.
struct CertificateChange: Encodable, Hashable {
    /// The raw values are stable.
    enum Access: String, Encodable, Hashable {
        /// Gets in before and after.
        case kept
        case gained
        case lost
        /// Gets in neither before nor after, for different reasons.
        case refused
    }

    struct Limit: Encodable, Hashable {
        let key: String
        let old: String
        let new: String
    }

    /// A file, or a registered device.
    let origin: String
    let subject: String
    let access: Access
    /// `<tenant>/<device>`; nil: it does not get in.
    let oldDevice: String?
    let newDevice: String?
    /// Nil: it does not get in.
    let oldProfile: String?
    let newProfile: String?
    /// The stable code of a refusal.
    let oldCode: String?
    let newCode: String?
    /// Entries of topics, at the broker: `publish meters/m-1/# (qos 1)`.
    let topicsGained: [String]
    let topicsLost: [String]
    /// Limits and other terms that are different.
    let limits: [Limit]
}

/// The difference that a new set of profiles makes to certificates: every one of them is judged by both.
struct ProfileComparison: Encodable {
    struct Summary: Encodable, Hashable {
        var certificates = 0
        var unreadable = 0
        var unchanged = 0
        var gainedAccess = 0
        var lostAccess = 0
        var changedProfile = 0
        /// Another tenant or device id: the broker knows the device by another name.
        var changedDevice = 0
        var gainedTopics = 0
        var lostTopics = 0
        var changedLimits = 0
        /// Refused before and after, for different reasons.
        var refusedDifferently = 0
    }

    /// A certificate that could not be read.
    struct Unreadable: Encodable, Hashable {
        let origin: String
        let why: String
    }

    private(set) var summary = Summary()
    /// In the order of the certificates; only those for which something changes.
    private(set) var changes: [CertificateChange] = []
    private(set) var unreadable: [Unreadable] = []

    var isEqual: Bool { changes.isEmpty }

    /// Judges every certificate of a source by both.
    ///
    /// - Parameter circumstances: Under which each certificate would be presented. Chains are not verified here.
    static func compare(
        _ old: PolicySnapshot, _ new: PolicySnapshot, on source: some CertificateSource,
        circumstances: (SampleCertificate) -> ConnectionCircumstances
    ) async throws -> ProfileComparison {
        var comparison = ProfileComparison()
        var unreadable: [Unreadable] = []
        try await source.each { sample in
            let presented = circumstances(sample)
            let attributes = CertificateAttributes(sample.leaf)
            comparison.add(sample, old.decide(attributes, presented), new.decide(attributes, presented))
        } unreadable: { origin, why in
            unreadable.append(Unreadable(origin: origin, why: why))
        }
        comparison.unreadable = unreadable
        comparison.summary.unreadable = unreadable.count
        return comparison
    }

    private mutating func add(_ sample: SampleCertificate, _ old: PolicyDecision, _ new: PolicyDecision) {
        summary.certificates += 1
        guard let change = CertificateChange(sample, old, new) else {
            summary.unchanged += 1
            return
        }
        switch change.access {
        case .gained: summary.gainedAccess += 1
        case .lost: summary.lostAccess += 1
        case .refused: summary.refusedDifferently += 1
        case .kept:
            if change.oldProfile != change.newProfile { summary.changedProfile += 1 }
            if change.oldDevice != change.newDevice { summary.changedDevice += 1 }
            if !change.topicsGained.isEmpty { summary.gainedTopics += 1 }
            if !change.topicsLost.isEmpty { summary.lostTopics += 1 }
            if !change.limits.isEmpty { summary.changedLimits += 1 }
        }
        changes.append(change)
    }
}

extension CertificateChange {
    /// Nil: nothing changes.
    init?(_ sample: SampleCertificate, _ old: PolicyDecision, _ new: PolicyDecision) {
        let (before, after) = (Judgement(old), Judgement(new))
        guard before != after else { return nil }
        origin = sample.origin
        subject = sample.leaf.subjectDescription
        access =
            switch (before.device, after.device) {
            case (nil, nil): .refused
            case (nil, _): .gained
            case (_, nil): .lost
            case (_, _): .kept
            }
        (oldDevice, newDevice) = (before.device, after.device)
        (oldProfile, newProfile) = (before.profile, after.profile)
        (oldCode, newCode) = (before.code, after.code)
        // Who gains or loses everything needs no list of it.
        let isKept = access == .kept
        topicsGained =
            isKept
            ? after.allowed.subtracting(before.allowed).sorted()
                + before.denied.subtracting(after.denied).sorted().map { "no longer \($0)" } : []
        topicsLost =
            isKept
            ? before.allowed.subtracting(after.allowed).sorted()
                + after.denied.subtracting(before.denied).sorted().map { "now \($0)" } : []
        limits =
            isKept
            ? zip(before.terms, after.terms).filter { $0 != $1 }.map {
                Limit(key: $0.key, old: $0.value, new: $1.value)
            } : []
    }

    /// A decision as far as it is compared.
    private struct Judgement: Equatable {
        var device: String?
        var profile: String?
        var code: String?
        var allowed: Set<String> = []
        var denied: Set<String> = []
        /// The same keys in the same order for every grant.
        var terms: [LimitsText.Entry] = []

        init(_ decision: PolicyDecision) {
            switch decision {
            case .denied(let denial):
                code = denial.code.rawValue
            case .granted(let grant):
                device = "\(grant.key)"
                profile = grant.profileName
                let rules = grant.effectiveRules()
                for entry in rules.entries {
                    let terms = ExplainText.terms(entry)
                    let text =
                        "\(entry.list.rawValue) \(rules.topicPrefix)\(entry.filter)"
                        + (terms.isEmpty ? "" : " (\(terms))")
                    switch entry.list {
                    case .publish, .will, .subscribe: allowed.insert(text)
                    case .denyPublish, .denySubscribe: denied.insert(text)
                    }
                }
                if rules.willLikePublish { allowed.insert("will, whatever may be published") }
                terms =
                    LimitsText.entries(grant.limits) + [
                        LimitsText.Entry(key: "client-id", value: grant.clientIDRule.rawValue),
                        LimitsText.Entry(key: "upstream", value: grant.upstreamName ?? "default"),
                        LimitsText.Entry(key: "topic-prefix", value: rules.topicPrefix),
                        LimitsText.Entry(key: "second-factor", value: grant.secondFactor == nil ? "none" : "password"),
                        LimitsText.Entry(key: "quarantine", value: grant.quarantine?.rawValue ?? "none"),
                    ]
            }
        }
    }
}

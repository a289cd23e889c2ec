/// Checks the matches of all profiles against each other.
struct MatchChecks {
    /// One profile, as far as it is compared with others.
    struct Profile: Sendable {
        let document: DeviceProfileDocument
        let matcher: CertificateMatcher
        let specificity: Specificity

        init(_ document: DeviceProfileDocument, _ match: CompiledMatch) {
            self.document = document
            matcher = match.matcher
            specificity = match.specificity
        }

        /// What it accepts, whatever its captures are called: two profiles of one shape match the same certificates.
        var shape: [MatchShape] { matcher.conditions.map(MatchShape.init) }
    }

    private let profiles: [Profile]
    private let mistakes: MistakeCollector

    init(_ profiles: [Profile], reporting mistakes: MistakeCollector) {
        self.profiles = profiles
        self.mistakes = mistakes
    }

    /// Reports profiles that match exactly the same certificates; then, of the others, those of one rank that a
    /// certificate can satisfy both, and those that one of a higher rank leaves nothing to.
    func run() {
        var firsts: [[MatchShape]: Profile] = [:]
        var distinct: [Profile] = []
        for profile in profiles {
            if let first = firsts[profile.shape] {
                reportIdentical(profile, first)
            } else {
                firsts[profile.shape] = profile
                distinct.append(profile)
            }
        }
        for finding in MatchAnalysis.findings(distinct.map(subject)) {
            switch finding {
            case .overlapping(let first, let second): reportOverlap(distinct[second], distinct[first])
            case .unreachable(let lower, let upper): reportUnreachable(distinct[lower], by: distinct[upper])
            }
        }
    }

    private func subject(of profile: Profile) -> MatchAnalysis.Subject {
        MatchAnalysis.Subject(
            name: name(of: profile), location: place(of: profile), rank: rank(of: profile),
            conditions: profile.matcher.conditions.map { condition in
                MatchAnalysis.Condition(
                    field: condition.field.description,
                    allowed: allowed(by: condition.test))
            })
    }

    private func allowed(by test: MatchCondition.Test) -> MatchAnalysis.Allowed {
        switch test {
        case .pattern(let pattern, _): .pattern(pattern)
        case .oneOf(let values): .oneOf(values)
        case .range(let range): .range(range)
        }
    }

    private func reportOverlap(_ profile: Profile, _ other: Profile) {
        mistakes.report(
            .overlappingMatch, at: place(of: profile), key: "match",
            "`\(name(of: profile))` and `\(name(of: other))` can match the same certificate, and have one rank "
                + "(\(rank(of: profile)))",
            hint: "give one of them a `priority`, or a condition that tells them apart; see \(place(of: other))")
    }

    private func reportUnreachable(_ profile: Profile, by other: Profile) {
        mistakes.report(
            .unreachableProfile, at: place(of: profile), key: "match",
            "`\(name(of: other))` takes every certificate that `\(name(of: profile))` could match, and comes first",
            hint: "give this one a higher `priority`; see \(place(of: other))")
    }

    private func rank(of profile: Profile) -> Rank {
        Rank(priority: profile.document.priority, specificity: profile.specificity)
    }

    private func reportIdentical(_ profile: Profile, _ other: Profile) {
        let consequence =
            profile.document.priority == other.document.priority
            ? "every certificate would be ambiguous" : "the one of lower priority would never be used"
        mistakes.report(
            .identicalMatch, at: place(of: profile), key: "match",
            "matches exactly what `\(name(of: other))` matches: \(consequence)", hint: "see \(place(of: other))")
    }

    private func name(of profile: Profile) -> String { profile.document.name?.value ?? "another profile" }

    private func place(of profile: Profile) -> SourceLocation {
        profile.document.match?.location ?? profile.document.location
    }
}

/// Turns the documents of a fleet's profiles into a `ProfileSet`: checked as a whole, with all mistakes at once.
public enum ProfileCompiler {
    /// Compiles one document for each profile. The result is either a set in which every document is right, or every
    /// mistake in all of them. Pure; takes time in proportion to the documents.
    ///
    /// - Parameter revision: becomes `ProfileSet.revision`; whoever loads profiles counts it up.
    public static func compile(
        _ documents: [SourceNode], revision: UInt64 = 1
    ) -> Result<ProfileSet, OperatorMistakes> {
        let mistakes = MistakeCollector()
        var profiles: [CompiledProfile] = []
        var firstPlaces: [String: SourceLocation] = [:]
        var firstMatches: [MatchShape: DeviceProfileDocument] = [:]
        for node in documents {
            guard let document = DeviceProfileDocument.read(node, reporting: mistakes) else { continue }
            if let name = document.name {
                if let first = firstPlaces[name.value] {
                    mistakes.report(
                        .duplicateProfile, about: name, "another profile is called `\(name.value)`",
                        hint: "see \(first)")
                } else {
                    firstPlaces[name.value] = name.location
                }
            }
            let match = document.match.flatMap { MatchCompiler.compile($0, reporting: mistakes) }
            if let match, let place = document.match?.location {
                if let other = firstMatches[match.shape] {
                    reportIdenticalMatch(of: document, and: other, at: place, to: mistakes)
                } else {
                    firstMatches[match.shape] = document
                }
            }
            if let profile = compile(document, match, reporting: mistakes) { profiles.append(profile) }
        }
        if let all = OperatorMistakes(mistakes.mistakes) { return .failure(all) }
        return .success(ProfileSet(revision: revision, profiles: profiles))
    }

    private static func reportIdenticalMatch(
        of document: DeviceProfileDocument, and other: DeviceProfileDocument, at place: SourceLocation,
        to mistakes: MistakeCollector
    ) {
        let name = other.name?.value ?? "another profile"
        let consequence =
            document.priority == other.priority
            ? "every certificate would be ambiguous" : "the one of lower priority would never be used"
        mistakes.report(
            .identicalMatch, at: place, key: "match", "matches exactly what `\(name)` matches: \(consequence)",
            hint: "see \(other.match?.location ?? other.location)")
    }

    /// Compiles what the profile grants. Nil when something is missing or wrong, which has been reported.
    private static func compile(
        _ document: DeviceProfileDocument, _ match: CompiledMatch?, reporting mistakes: MistakeCollector
    ) -> CompiledProfile? {
        let identities = IdentityCompiler(match: match, mistakes: mistakes)
        let device = document.device.flatMap(identities.compileDevice)
        let tenant =
            document.tenant.map(identities.compile)
            ?? IdentityTemplate(parts: [.literal(Array(defaultTenant.utf8))])
        var topics = TopicCompiler(match: match, mistakes: mistakes)
        let rules = topics.compileRules(of: document)
        guard let name = document.name, let match, let device, let tenant else { return nil }
        return CompiledProfile(
            name: name.value, priority: document.priority, matcher: match.matcher, device: device, tenant: tenant,
            placeholderCaptures: topics.captureIndexes, rules: rules, limits: document.limits)
    }

    /// The tenant of a profile that names none.
    static let defaultTenant = "default"
}

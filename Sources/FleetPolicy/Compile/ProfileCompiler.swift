internal import Dispatch
internal import Synchronization

/// Turns the documents of a fleet's profiles into a `ProfileSet`: checked as a whole, with all mistakes at once.
public enum ProfileCompiler {
    /// The tenant of a profile that names none.
    static let defaultTenant = "default"

    /// Compiles one document for each profile. The result is either a set in which every document is right, or every
    /// mistake in all of them. Pure; takes time in proportion to the documents.
    ///
    /// - Parameter revision: becomes `ProfileSet.revision`; whoever loads profiles counts it up.
    public static func compile(
        _ documents: [SourceNode], revision: UInt64 = 1
    ) -> Result<ProfileSet, OperatorMistakes> {
        let mistakes = MistakeCollector()
        let read = ProfileInheritance.resolve(documents, reporting: mistakes)
            .compactMap { $0.flatMap { DeviceProfileDocument.read($0, reporting: mistakes) } }
        let byName = documentsByName(read, reporting: mistakes)
        let parts = compileEach(read, byName)
        for mistake in parts.flatMap(\.mistakes) { mistakes.report(mistake) }
        let profiles = parts.flatMap(\.profiles)
        MatchChecks(parts.flatMap(\.matches), reporting: mistakes).run()
        if let all = OperatorMistakes(distinct(mistakes.mistakes)) { return .failure(all) }
        return .success(
            ProfileSet(
                revision: revision, profiles: profiles,
                upstreamNames: read.compactMap(\.upstream), listenerNames: read.compactMap { $0.match?.listener }))
    }

    /// What came of some of the documents.
    private struct Part: Sendable {
        var matches: [MatchChecks.Profile] = []
        var profiles: [CompiledProfile] = []
        var mistakes: [OperatorMistake] = []
    }

    /// Parts that a fleet's documents are cut into: enough for the processors of a large machine to share.
    private static let partsMax = 64
    /// Documents in a part, at least: fewer are compiled sooner than handed over.
    private static let partDocumentsMin = 64

    /// Compiles each document, which depends on no other but through their names, on all processors. The parts are in
    /// the order of the documents.
    private static func compileEach(
        _ documents: [DeviceProfileDocument], _ byName: [String: DeviceProfileDocument]
    ) -> [Part] {
        let count = min(partsMax, max(1, documents.count / partDocumentsMin))
        guard count > 1 else { return [compile(documents[...], byName)] }
        let parts = Mutex([Part](repeating: Part(), count: count))
        DispatchQueue.concurrentPerform(iterations: count) { number in
            let range = documents.count * number / count..<documents.count * (number + 1) / count
            let part = compile(documents[range], byName)
            parts.withLock { $0[number] = part }
        }
        return parts.withLock { $0 }
    }

    private static func compile(
        _ documents: ArraySlice<DeviceProfileDocument>, _ byName: [String: DeviceProfileDocument]
    ) -> Part {
        let mistakes = MistakeCollector()
        var part = Part()
        for document in documents {
            let match = compileMatch(of: document, reporting: mistakes)
            let profile = GrantCompiler(
                document: document, match: document.isAbstract ? nil : match, mistakes: mistakes
            ).compile(profilesByName: byName)
            guard !document.isAbstract else { continue }
            if let match { part.matches.append(MatchChecks.Profile(document, match)) }
            if let profile { part.profiles.append(profile) }
        }
        part.mistakes = mistakes.mistakes
        return part
    }

    /// The documents with everything they inherit through `extends`, in their order; nil where the chain of bases is not
    /// in order, which ``compile(_:revision:)`` reports.
    public static func withInheritance(_ documents: [SourceNode]) -> [SourceNode?] {
        ProfileInheritance.resolve(documents, reporting: MistakeCollector())
    }

    private static func documentsByName(
        _ documents: [DeviceProfileDocument], reporting mistakes: MistakeCollector
    ) -> [String: DeviceProfileDocument] {
        var byName: [String: DeviceProfileDocument] = [:]
        for document in documents {
            guard let name = document.name else { continue }
            if let first = byName[name.value]?.name {
                mistakes.report(
                    .duplicateProfile, about: name, "another profile is called `\(name.value)`",
                    hint: "see \(first.location)")
            } else {
                byName[name.value] = document
            }
        }
        return byName
    }

    private static func compileMatch(
        of document: DeviceProfileDocument, reporting mistakes: MistakeCollector
    ) -> CompiledMatch? {
        document.match.flatMap { MatchCompiler.compile($0, reporting: mistakes) }
    }

    /// A mistake in an inherited part is found once for each profile that inherits it; it is one mistake.
    private static func distinct(_ mistakes: [OperatorMistake]) -> [OperatorMistake] {
        struct Identity: Hashable {
            let location: SourceLocation
            let code: OperatorMistake.Code
            let message: String
        }
        var seen: Set<Identity> = []
        return mistakes.filter {
            seen.insert(Identity(location: $0.location, code: $0.code, message: $0.message)).inserted
        }
    }
}

/// Compiles what one profile grants.
struct GrantCompiler {
    let document: DeviceProfileDocument
    /// Nil when the match is wrong, or the profile is abstract: placeholders cannot be checked then.
    let match: CompiledMatch?
    let mistakes: MistakeCollector

    /// Nil when something is missing or wrong, which has been reported; or when the profile is abstract.
    func compile(profilesByName: [String: DeviceProfileDocument]) -> CompiledProfile? {
        let identities = IdentityCompiler(match: match, mistakes: mistakes)
        let device = document.device.flatMap(identities.compileDevice)
        let tenant =
            document.tenant.map(identities.compile)
            ?? IdentityTemplate([.literal(Array(ProfileCompiler.defaultTenant.utf8))])
        checkConnections(clientID: document.clientID ?? .free)
        let abstract = quarantineDocument(profilesByName)
        guard let topics = compileTopics(match, prefix: document.topicPrefix), let name = document.name, let match,
            let device, let tenant
        else { return nil }
        var quarantine: CompiledProfile.Quarantine?
        if let abstract, let rule = document.quarantine?.rule {
            guard
                let profile = compileQuarantine(
                    abstract, match.forQuarantine(of: name.value), device: device, tenant: tenant)
            else { return nil }
            quarantine = CompiledProfile.Quarantine(profile: profile, rule: rule)
        }
        return CompiledProfile(
            name: name.value, location: document.location, description: document.description,
            rank: Rank(priority: document.priority, specificity: match.specificity), matcher: match.matcher,
            device: device, tenant: tenant, placeholders: topics.placeholders, rules: topics.rules,
            sources: RuleSources(document), prefix: topics.prefix,
            terms: ProfileTerms(
                limits: document.limits, clientIDRule: document.clientID ?? .free, upstream: document.upstream?.value,
                asksForPassword: document.asksForPassword, registration: document.registration),
            quarantine: quarantine)
    }

    private struct Topics {
        let rules: AccessRules
        let prefix: PrefixTemplate
        let placeholders: [CompiledProfile.Placeholder]
    }

    private func compileTopics(_ match: CompiledMatch?, prefix text: Located<String>?) -> Topics? {
        var topics = TopicCompiler(match: match, mistakes: mistakes)
        let rules = topics.compileRules(of: document)
        var used = topics.captureIndexes
        var prefix: PrefixTemplate? = PrefixTemplate.none
        if let text {
            prefix = PrefixCompiler(match: match, mistakes: mistakes).compile(text) { index in
                let place = used.firstIndex(of: index) ?? used.count
                if place == used.count { used.append(index) }
                return CompiledProfile.tenantSlot + 1 + place
            }
        }
        guard let match, let prefix else { return nil }
        let placeholders = used.map { index -> CompiledProfile.Placeholder in
            index < match.captures.count
                ? .capture(index) : .registry(match.registry.names[index - match.captures.count])
        }
        return Topics(rules: rules, prefix: prefix, placeholders: placeholders)
    }

    private func checkConnections(clientID: ClientIDRule) {
        guard !document.isAbstract, document.limits.connections.maximum > 1, clientID != .extend else { return }
        mistakes.report(
            .badValue, at: document.connectionsLocation ?? document.location, key: "limits.connections",
            "several connections of one device need `client-id: extend`",
            hint: "the broker keeps one session for each client identifier")
    }

    // MARK: Quarantine

    private func quarantineDocument(_ profilesByName: [String: DeviceProfileDocument]) -> DeviceProfileDocument? {
        guard let name = document.quarantine?.profile else { return nil }
        guard let found = profilesByName[name.value] else {
            mistakes.report(
                .unknownProfile, about: name, "no profile is called `\(name.value)`",
                hint: Spelling.nearest(to: name.value, among: profilesByName.keys.sorted()).map {
                    "did you mean `\($0)`?"
                })
            return nil
        }
        guard found.isAbstract else {
            mistakes.report(
                .badQuarantine, about: name, "`\(name.value)` is a profile for certificates of its own",
                hint: "say `abstract: true` in the quarantine profile")
            return nil
        }
        return found
    }

    /// Compiles a quarantine profile for the devices of the one that names it: their identity and captures, its rules.
    /// Where it says nothing about the prefix, the upstream and the client identifier, the main profile's hold: a device
    /// in quarantine must not leave its tenant's part of the broker.
    private func compileQuarantine(
        _ abstract: DeviceProfileDocument, _ match: CompiledMatch, device: IdentityTemplate, tenant: IdentityTemplate
    ) -> CompiledProfile? {
        let compiler = GrantCompiler(document: abstract, match: match, mistakes: mistakes)
        let clientID = abstract.clientID ?? document.clientID ?? .free
        guard let name = abstract.name,
            let topics = compiler.compileTopics(match, prefix: abstract.topicPrefix ?? document.topicPrefix)
        else { return nil }
        var limits = abstract.limits
        if clientID != .extend { limits.connections.maximum = 1 }
        return CompiledProfile(
            name: name.value, location: abstract.location, description: abstract.description,
            rank: Rank(priority: document.priority, specificity: match.specificity), matcher: match.matcher,
            device: device, tenant: tenant, placeholders: topics.placeholders, rules: topics.rules,
            sources: RuleSources(abstract), prefix: topics.prefix,
            terms: ProfileTerms(
                limits: limits, clientIDRule: clientID,
                upstream: abstract.upstream?.value ?? document.upstream?.value),
            quarantine: nil)
    }
}

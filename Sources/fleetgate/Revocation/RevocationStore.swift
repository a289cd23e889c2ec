import FleetPKI
import FleetPolicy
import Foundation
import Logging

/// All revocation lists that count here: loads them, checks them, keeps the last good one of each CA, and asks for the
/// next one in time.
///
/// ``adopt(authorities:settings:)`` says which CAs there are and where their lists come from, and reads what is on this
/// machine before it returns. ``run()`` does the rest until it is cancelled. What changes goes to the handler of
/// ``observe(_:)``, one change after the other.
actor RevocationStore {
    /// Which list of which CA.
    struct ListKey: Sendable, Hashable {
        let issuer: AuthorityID
        let part: SignedList.Part
    }

    /// Lists and where they came from.
    struct Held: Sendable {
        fileprivate let lists: [AuthorityID: AuthorityLists]
        fileprivate let origins: [ListKey: String]
    }

    /// What is new since the handler was called last.
    struct News {
        var authorities: Set<AuthorityID> = []
        var certificates: Set<CertificateID> = []
        var fingerprints: Set<[UInt8]> = []

        var isEmpty: Bool { authorities.isEmpty && certificates.isEmpty && fingerprints.isEmpty }
    }

    let logger: Logger
    let http: HTTPFetch
    /// Seconds since 1970-01-01T00:00:00Z.
    let now: @Sendable () -> Int64

    var settings = RevocationSettings()
    /// Goes up when the settings change: what was read for older ones is not taken.
    var generation = 0
    var configured: [AuthorityCertificate] = []
    /// In the order in which they were seen.
    var learned: [AuthorityCertificate] = []
    /// The configured and the learned, without those of bundles whose policy is `off`.
    var known = KnownAuthorities()
    /// Certificates of CAs that devices came with and that were looked at.
    var seen: Set<[UInt8]> = []

    var lists: [AuthorityID: AuthorityLists] = [:]
    /// What the parts of ``lists`` come to.
    var combined: [AuthorityID: RevocationList] = [:]
    /// Where each list came from.
    var origins: [ListKey: String] = [:]
    var revoked: [CertificateID: Revocation] = [:]
    var revokedFingerprints: [[UInt8]: Revocation] = [:]
    /// Which state of the operator's own revocations is in force.
    private var localsInForce: (id: ObjectIdentifier, revision: Int)?

    /// By path.
    var watched: [String: WatchedFile] = [:]
    /// Files and folders of which there is nothing to read, by path.
    var missing: [String: RevocationProblem] = [:]
    /// By address.
    var fetches: [String: ListFetch] = [:]
    /// Of lists from the cache whose address is not known yet.
    var cachedOrigins: [String: (origin: ListCache.Origin, key: ListKey)] = [:]

    var metrics = RevocationMetrics()
    private var news = News()
    private var handler: RevocationChange.Handler?
    private var delivery: Task<Int, Never>?

    /// - Parameter now: Seconds since 1970-01-01T00:00:00Z.
    init(
        logger: Logger, http: HTTPFetch = HTTPFetch(),
        now: @escaping @Sendable () -> Int64 = { RevocationTimes.now }
    ) {
        self.logger = logger
        self.http = http
        self.now = now
    }

    // MARK: What counts

    /// What is revoked now, for a trust snapshot.
    var parts:
        (
            lists: [AuthorityID: RevocationList], revoked: [CertificateID: Revocation],
            revokedFingerprints: [[UInt8]: Revocation]
        )
    { (combined, revoked, revokedFingerprints) }

    /// Has changes handed to `handler` from now on, beginning with all that has changed before.
    func observe(_ handler: @escaping RevocationChange.Handler) async {
        self.handler = handler
        await deliver()
    }

    /// Takes over the CAs and the settings, and reads files, folders and the cache. Lists from sources that are not
    /// named any more, and of CAs that are not known any more, do not count any longer.
    ///
    /// - Parameter authorities: Trust anchors and configured intermediates, each once for each bundle that it is in.
    func adopt(authorities: [AuthorityCertificate], settings: RevocationSettings) async {
        guard authorities != configured || settings != self.settings else { return }
        configured = authorities
        self.settings = settings
        generation += 1
        let bundles = Set(settings.bundles.keys)
        learned.removeAll { !bundles.contains($0.bundle) }
        seen = []
        rebuildKnown()
        watched = [:]
        missing = [:]
        rebuildFetches()
        dropOrphans()
        await loadCache()
        await readFiles()
        await deliver()
    }

    /// Takes over the operator's own revocations.
    ///
    /// - Returns: How many sessions ended of it.
    @discardableResult
    func adopt(_ locals: LocalRevocations) async -> Int {
        let (certificates, fingerprints, revision) = await locals.revoked
        // Another command may have been handed on while this one waited: nobody is let in again by an older state.
        guard localsInForce.map({ $0.id != ObjectIdentifier(locals) || $0.revision <= revision }) ?? true else {
            return await deliver()
        }
        localsInForce = (ObjectIdentifier(locals), revision)
        let changedCertificates = Set(certificates.keys).symmetricDifference(revoked.keys)
        let changedFingerprints = Set(fingerprints.keys).symmetricDifference(revokedFingerprints.keys)
        revoked = certificates
        revokedFingerprints = fingerprints
        news.certificates.formUnion(changedCertificates)
        news.fingerprints.formUnion(changedFingerprints)
        metrics.show(localRevocations: certificates.count + fingerprints.count)
        return await deliver()
    }

    /// What of a chain is worth being read for ``saw(authority:distributionPoints:under:)``.
    enum ChainInterest: Sendable {
        case none, authorities, distributionPoints
    }

    func interest(inChainsUnder anchorSHA256: [UInt8]) -> ChainInterest {
        guard let rules = rules(ofAnchor: anchorSHA256)?.rules else { return .none }
        return rules.usesDistributionPoints ? .distributionPoints : .authorities
    }

    private func rules(ofAnchor sha256: [UInt8]) -> (bundle: String, rules: RevocationSettings.Bundle)? {
        guard let bundle = configured.first(where: { $0.sha256 == sha256 })?.bundle,
            let rules = settings.bundles[bundle], rules.policy != .off
        else { return nil }
        return (bundle, rules)
    }

    /// A chain that was found good under a trust anchor named a CA that may not be configured, and places where its list
    /// is. Call it for chains that revocation refused too: a list that is required is fetched because of it.
    ///
    /// - Parameters:
    ///   - der: The certificate of a CA of the chain.
    ///   - distributionPoints: Of the certificate below it.
    ///   - anchorSHA256: The fingerprint of the trust anchor's certificate.
    func saw(authority der: [UInt8], distributionPoints: [String], under anchorSHA256: [UInt8]) async {
        guard let (bundle, rules) = rules(ofAnchor: anchorSHA256) else { return }
        if rules.usesDistributionPoints { follow(distributionPoints, in: rules) }
        // Each once, and no more of them than can be learned: to look at one costs a hash.
        guard seen.count < 4 * RevocationSettings.learnedAuthoritiesMax, seen.insert(der).inserted,
            learned.count < RevocationSettings.learnedAuthoritiesMax,
            let authority = try? AuthorityCertificate(der: der, bundle: bundle), known.bySHA256[authority.sha256] == nil
        else { return }
        learned.append(authority)
        guard known.insert(authority) else { return }
        logger.log(
            .info, "a device came with a CA that is not configured: its revocation lists count from now on",
            fields: [.issuer: "\(LogText.visible(authority.subject))", .authority: "\(authority.label)"])
        for (url, fetch) in fetches where fetch.hasUnknownIssuers {
            fetches[url]?.forgetValidators()
            fetches[url]?.due = now()
        }
        watched = watched.filter { !$0.value.hasUnknownIssuers }
        await loadCache(only: authority.id)
        await deliver()
    }

    /// The lists that are held, for ``restore(_:)``.
    var held: Held { Held(lists: lists, origins: origins) }

    /// Takes lists back that a configuration which is not in force after all had no source for. What has come since
    /// stays where it is newer.
    func restore(_ held: Held) async {
        for (issuer, before) in held.lists where known.byID[issuer] != nil {
            for (part, list) in before.parts where lists[issuer]?.parts[part] == nil {
                _ = offer(list, from: held.origins[ListKey(issuer: issuer, part: part)] ?? Self.cacheOrigin)
            }
        }
        await deliver()
    }

    private func rebuildKnown() {
        known = KnownAuthorities()
        for authority in configured + learned where isOn(authority.bundle) { known.insert(authority) }
    }

    private func isOn(_ bundle: String) -> Bool {
        settings.bundles[bundle].map { $0.policy != .off } ?? false
    }

    private func dropOrphans() {
        let places = Set(
            settings.bundles.values.filter { $0.policy != .off }.flatMap(\.sources).map(\.place))
        for (key, origin) in origins {
            let isNamed =
                fetches[origin] != nil || origin == Self.cacheOrigin
                || places.contains { origin == $0 || origin.hasPrefix($0 + "/") }
            guard known.byID[key.issuer] == nil || !isNamed else { continue }
            origins[key] = nil
            lists[key.issuer]?.remove(key.part)
            combine(key.issuer)
            // What the server said of it is about a list that is not held any more.
            fetches[origin]?.forgetValidators()
        }
    }

    // MARK: Offering

    static let cacheOrigin = "cache"

    /// Takes a list if it is newer than what there is.
    func offer(_ list: SignedList, from origin: String) -> AuthorityLists.Verdict {
        guard let authority = known.byID[list.issuer] else {
            return .refused(
                RevocationProblem(RevocationProblem.unknownIssuerReason, "the list's CA is not known any more"))
        }
        let verdict = lists[list.issuer, default: AuthorityLists()].offer(list, now: now())
        switch verdict {
        case .unchanged:
            if origins[ListKey(issuer: list.issuer, part: list.part)] == Self.cacheOrigin {
                origins[ListKey(issuer: list.issuer, part: list.part)] = origin
            }
        case .refused: if lists[list.issuer]?.parts.isEmpty ?? false { lists[list.issuer] = nil }
        case .adopted:
            origins[ListKey(issuer: list.issuer, part: list.part)] = origin
            origins = origins.filter { $0.key.issuer != list.issuer || lists[list.issuer]?.parts[$0.key.part] != nil }
            _ = lists[list.issuer]?.dropSuperseded(now: now())
            combine(list.issuer)
            let isOutdated = list.nextUpdate.map { $0 < now() } ?? false
            logger.log(
                isOutdated ? .warning : .info,
                isOutdated ? "a revocation list that is out of date is in force" : "a revocation list is in force",
                fields: [
                    .authority: "\(authority.label)", .source: "\(LogText.visible(origin))",
                    .count: "\(list.entries.count)", .number: "\(HexadecimalText.text(list.number))",
                    .thisUpdate: "\(RevocationTimes.text(list.thisUpdate))",
                    .nextUpdate: "\(list.nextUpdate.map(RevocationTimes.text) ?? "none")",
                ])
        }
        return verdict
    }

    private func combine(_ issuer: AuthorityID) {
        combined[issuer] = lists[issuer]?.combined
        if combined[issuer] == nil { lists[issuer] = nil }
        news.authorities.insert(issuer)
    }

    /// A list that was not taken, or a place where none is to be had. One line for each problem, not for each attempt.
    func report(_ problem: RevocationProblem, at origin: String) {
        metrics.refused(problem.reason)
        logger.log(
            .warning, "a revocation list is not taken; the last good one stays in force",
            fields: [
                .reason: "\(problem.reason)", .detail: "\(problem.description)",
                .source: "\(LogText.visible(origin))",
            ])
    }

    // MARK: Delivery

    /// Hands on what has changed, after what is being handed on already.
    ///
    /// - Returns: How many sessions ended of what was handed on by it.
    @discardableResult
    func deliver() async -> Int {
        let before = delivery
        let task = Task {
            _ = await before?.value
            return await self.handOn()
        }
        delivery = task
        return await task.value
    }

    private func handOn() async -> Int {
        guard let handler, !news.isEmpty else { return 0 }
        let change = RevocationChange(
            lists: combined, revoked: revoked, revokedFingerprints: revokedFingerprints,
            authorities: news.authorities, certificates: news.certificates, fingerprints: news.fingerprints)
        news = News()
        showMetrics()
        return await handler(change)
    }

    // MARK: Running

    /// Watches files and asks for lists until the task is cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.watchFiles() }
            group.addTask { await self.watchTime() }
            while !Task.isCancelled {
                for url in takeDue() { group.addTask { await self.refresh(url) } }
                try? await Task.sleep(for: Self.dueInterval)
            }
        }
    }

    /// How often it is looked which request is due: the resolution of the schedule is a second.
    private static let dueInterval: Duration = .milliseconds(250)
    private static let metricsInterval: Duration = .seconds(10)

    private func watchFiles() async {
        while !Task.isCancelled {
            await readFiles()
            try? await Task.sleep(for: settings.pollInterval)
        }
    }

    private func watchTime() async {
        while !Task.isCancelled {
            let time = now()
            for issuer in Array(lists.keys) where lists[issuer]?.dropSuperseded(now: time) ?? false { combine(issuer) }
            await deliver()
            showMetrics()
            try? await Task.sleep(for: Self.metricsInterval)
        }
    }
}

import FleetPKI
import FleetPolicy
import Foundation
import Logging

/// An address that lists are fetched from. A value; times in seconds since 1970-01-01T00:00:00Z.
struct ListFetch: Sendable {
    /// Whether a certificate named it.
    let isDistributionPoint: Bool
    let reach: HTTPReach
    var due: Int64
    var isRunning = false
    /// In a row.
    var failures = 0
    /// Answers in a row without a newer list, when one was due.
    var unchanged = 0
    var problem: RevocationProblem?
    /// There was a list of a CA that is not known: it is to be fetched again when more CAs are.
    var hasUnknownIssuers = false
    /// What the server said of the lists that were taken from it last.
    private(set) var etag: String?
    private(set) var lastModified: String?
    private(set) var keys: Set<RevocationStore.ListKey> = []

    init(isDistributionPoint: Bool, reach: HTTPReach, due: Int64) {
        self.isDistributionPoint = isDistributionPoint
        self.reach = reach
        self.due = due
    }

    mutating func remember(etag: String?, lastModified: String?, keys: Set<RevocationStore.ListKey>) {
        self.etag = etag
        self.lastModified = lastModified
        self.keys = keys
    }

    mutating func forgetValidators() {
        etag = nil
        lastModified = nil
        keys = []
    }
}

extension RevocationStore {
    /// At a time; the others wait.
    private static let fetchesMax = 4
    /// Distribution points of one chain's certificate that are followed.
    private static let distributionPointsMax = 8

    /// The addresses to be asked now.
    func takeDue() -> [String] {
        let time = now()
        let running = fetches.values.count { $0.isRunning }
        let due = fetches.filter { !$0.value.isRunning && $0.value.due <= time }
            .sorted { ($0.value.due, $0.key) < ($1.value.due, $1.key) }
            .prefix(max(0, Self.fetchesMax - running)).map(\.key)
        for url in due { fetches[url]?.isRunning = true }
        return due
    }

    /// Asks an address, once.
    func refresh(_ url: String) async {
        guard let fetch = fetches[url] else { return }
        let answer: Result<HTTPFetch.Answer, HTTPFetchError>
        do throws(HTTPFetchError) {
            answer = .success(
                try await http.get(
                    url, etag: fetch.etag, modifiedSince: fetch.lastModified, bytesMax: settings.listBytesMax,
                    timeout: settings.fetchTimeout, reach: fetch.reach))
        } catch {
            answer = .failure(error)
        }
        switch answer {
        case .failure(let error) where error.reason == .cancelled: fetches[url]?.isRunning = false
        case .failure(let error): failed(url, RevocationProblem(error), .failed)
        case .success(.notModified): succeeded(url, isNew: false)
        case .success(.body(let bytes, let etag, let lastModified, _)):
            await take(bytes, etag: etag, lastModified: lastModified, from: url)
        }
    }

    private func take(_ bytes: [UInt8], etag: String?, lastModified: String?, from url: String) async {
        let (known, generation) = (known, generation)
        guard let reading = try? await RevocationThreads.run({ ListReading(bytes, issuers: known) }),
            generation == self.generation, fetches[url] != nil
        else {
            fetches[url]?.isRunning = false
            return
        }
        fetches[url]?.hasUnknownIssuers = reading.hasUnknownIssuers
        var problem = reading.problem
        var keys: Set<ListKey> = []
        var adopted: [(list: SignedList, der: [UInt8])] = []
        for (list, der) in reading.lists {
            switch offer(list, from: url) {
            case .adopted:
                keys.insert(ListKey(issuer: list.issuer, part: list.part))
                adopted.append((list, der))
            case .unchanged: keys.insert(ListKey(issuer: list.issuer, part: list.part))
            case .refused(let refusal): problem = problem ?? refusal
            }
        }
        if !adopted.isEmpty { await deliver() }
        if let problem {
            // Without validators: what was refused is to be seen again.
            fetches[url]?.forgetValidators()
            failed(url, problem, .refused)
        } else {
            fetches[url]?.remember(etag: etag, lastModified: lastModified, keys: keys)
            succeeded(url, isNew: !adopted.isEmpty)
        }
        if reading.hasUnknownIssuers, known.count != self.known.count {
            // A CA became known meanwhile.
            fetches[url]?.forgetValidators()
            fetches[url]?.due = now()
        }
        await cache(adopted, etag: etag, lastModified: lastModified, from: url)
    }

    private func succeeded(_ url: String, isNew: Bool) {
        guard var fetch = fetches[url] else { return }
        fetch.isRunning = false
        fetch.failures = 0
        fetch.problem = nil
        fetch.unchanged = isNew ? 0 : fetch.unchanged + 1
        let held = fetch.keys.compactMap { lists[$0.issuer]?.parts[$0.part] }
        fetch.due = ListSchedule(settings).next(
            after: now(), held.map { ($0.thisUpdate, $0.nextUpdate) }, attempts: fetch.unchanged,
            jitter: Double.random(in: 0...1))
        fetches[url] = fetch
        metrics.refreshed(isNew ? .updated : .unchanged)
    }

    private func failed(_ url: String, _ problem: RevocationProblem, _ outcome: RevocationMetrics.Outcome) {
        guard var fetch = fetches[url] else { return }
        fetch.isRunning = false
        fetch.failures += 1
        fetch.due = ListSchedule(settings).retry(
            after: now(), failures: fetch.failures, jitter: Double.random(in: 0...1))
        if fetch.problem?.reason != problem.reason { report(problem, at: url) }
        fetch.problem = problem
        fetches[url] = fetch
        metrics.refreshed(outcome)
    }

    // MARK: Addresses

    /// The addresses that the settings and the configured certificates name, and those that were learned and still may
    /// be followed.
    func rebuildFetches() {
        let before = fetches
        fetches = [:]
        let time = now()
        let bundles = settings.bundles.filter { $0.value.policy != .off }
        for source in bundles.keys.sorted().compactMap({ bundles[$0] }).flatMap(\.sources) {
            guard case .url(let url) = source else { continue }
            fetches[url] = before[url] ?? ListFetch(isDistributionPoint: false, reach: .anywhere, due: time)
        }
        for authority in configured {
            guard let rules = bundles[authority.bundle], rules.usesDistributionPoints,
                let certificate = try? CertificateInspection(der: authority.der), !certificate.isSelfIssued
            else { continue }
            follow(certificate.crlDistributionPoints, in: rules)
        }
        guard bundles.values.contains(where: \.usesDistributionPoints) else { return }
        let isPrivateAllowed = bundles.values.contains(where: \.allowsPrivateDistributionPoints)
        for (url, fetch) in before where fetch.isDistributionPoint && fetches[url] == nil {
            if fetch.reach == .publicOnly || isPrivateAllowed { fetches[url] = fetch }
        }
        for url in fetches.keys { fetches[url]?.due = time }
    }

    /// Takes addresses from a certificate, as many as there is room for.
    func follow(_ distributionPoints: [String], in rules: RevocationSettings.Bundle) {
        for url in distributionPoints.prefix(Self.distributionPointsMax) where fetches[url] == nil {
            guard fetches.values.count(where: \.isDistributionPoint) < RevocationSettings.learnedURLsMax,
                (try? HTTPAddress(url)) != nil
            else { continue }
            var fetch = ListFetch(
                isDistributionPoint: true, reach: rules.allowsPrivateDistributionPoints ? .anywhere : .publicOnly,
                due: now())
            if let cached = cachedOrigins.removeValue(forKey: url) { fetch.adopt(cached.origin, key: cached.key) }
            fetches[url] = fetch
        }
    }

    // MARK: Cache

    /// Offers what the cache has; the addresses that it came from are asked whether there is anything newer.
    func loadCache(only authority: AuthorityID? = nil) async {
        guard let folder = settings.cacheFolder else { return }
        let (cache, known) = (ListCache(folder: folder, bytesMax: settings.listBytesMax), known)
        guard let entries = try? await RevocationThreads.run({ cache.load(known, only: authority) }) else { return }
        for entry in entries {
            switch offer(entry.list, from: Self.cacheOrigin) {
            case .refused: continue
            case .adopted, .unchanged: break
            }
            guard let origin = entry.origin else { continue }
            let key = ListKey(issuer: entry.list.issuer, part: entry.list.part)
            if fetches[origin.url] != nil {
                fetches[origin.url]?.adopt(origin, key: key)
            } else if cachedOrigins.count < RevocationSettings.learnedURLsMax {
                cachedOrigins[origin.url] = (origin, key)
            }
        }
    }

    private func cache(
        _ adopted: [(list: SignedList, der: [UInt8])], etag: String?, lastModified: String?, from url: String
    ) async {
        guard let folder = settings.cacheFolder, !adopted.isEmpty else { return }
        let cache = ListCache(folder: folder, bytesMax: settings.listBytesMax)
        // A file of several lists has one validator, which would be wrong for each of them alone.
        let isOne = adopted.count == 1 && fetches[url]?.keys.count == 1
        for (list, der) in adopted {
            let origin = ListCache.Origin(
                url: url, etag: isOne ? etag : nil, lastModified: isOne ? lastModified : nil,
                thisUpdate: list.thisUpdate, bytes: der.count)
            do {
                try await RevocationThreads.run { try cache.store(list, der: der, origin: origin) }
            } catch {
                logger.log(
                    .warning, "a revocation list cannot be kept on disk",
                    fields: [.file: "\(LogText.visible(folder))", .detail: "\(error.localizedDescription)"])
            }
        }
    }
}

extension ListFetch {
    fileprivate mutating func adopt(_ origin: ListCache.Origin, key: RevocationStore.ListKey) {
        remember(etag: origin.etag, lastModified: origin.lastModified, keys: [key])
    }
}

import FleetPKI
import FleetPolicy
import Gateway
import Logging

/// Asks OCSP responders about certificates (RFC 6960), each certificate once at a time, and keeps the answers as long as
/// they say, within what the settings allow.
///
/// Call it from any task; it never runs on an event loop of devices.
actor OCSPClient {
    /// What fresh answers change, to be handed to the gateway. For one reader. Bounded: what does not fit is counted, and
    /// found again when the certificate is asked about next.
    nonisolated let findings: AsyncStream<OCSPFinding>

    private typealias Key = OCSPAnswerCache.Key

    /// CAs whose certificates are kept parsed, for sessions that were resumed.
    private static let issuersMax = 1024
    private static let findingsMax = 10_000
    /// An `unknown` is often a certificate so new that the responder has not heard of it.
    static let unknownAgeMax: Int64 = 60
    /// Parts of its life after which an answer is asked for again where a session lives on it, in thousandths. A range,
    /// so that the sessions of one minute do not ask in one minute.
    private static let refreshRange = 750...900
    /// How long after a question without an answer it is asked again for a session that lives, in seconds.
    private static let retryInterval: Int64 = 30
    /// Certificates on hold that are asked about again without a session. Beyond it they stay revoked until the gateway
    /// starts again.
    private static let holdsMax = 4096

    private let transport: OCSPTransport
    private let clock: OCSPClock
    private let metrics: OCSPMetrics
    private let logger: Logger
    private let findingsIn: AsyncStream<OCSPFinding>.Continuation

    private var settings = OCSPSettings()
    /// The names of bundles by the SHA-256 fingerprint of their anchors.
    private var anchors: [[UInt8]: String] = [:]
    private var trust = TrustSnapshot.empty
    private var issuers: [AuthorityID: OCSPIssuer] = [:]
    private var cache = OCSPAnswerCache(entriesMax: OCSPSettings().cacheEntriesMax)
    private var memory = OCSPResponderMemory()
    private var holds: [CertificateID: OCSPSubject] = [:]
    private var underWay: [Key: Task<OCSPStanding, Never>] = [:]
    private var responders: OCSPResponderTable
    private var isClosed = false

    init(
        transport: OCSPTransport = .http(), clock: OCSPClock = .system, metrics: OCSPMetrics = OCSPMetrics(),
        logger: Logger
    ) {
        self.transport = transport
        self.clock = clock
        self.metrics = metrics
        self.logger = logger
        responders = OCSPResponderTable(clock: clock)
        (findings, findingsIn) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(Self.findingsMax))
    }

    /// Puts settings in force. Where they differ, the answers that are kept are asked for again.
    ///
    /// - Parameters:
    ///   - anchors: The names of bundles by the SHA-256 fingerprint of their anchors' certificates.
    ///   - authorities: The configured CAs in DER: anchors and intermediates. What cannot be read is passed over, because the
    ///     TLS layer has refused it.
    func adopt(_ settings: OCSPSettings, anchors: [[UInt8]: String], authorities: [[UInt8]]) {
        if settings != self.settings || anchors != self.anchors {
            cache = OCSPAnswerCache(entriesMax: settings.cacheEntriesMax)
            responders.adopt(settings)
        }
        self.settings = settings
        self.anchors = anchors
        for der in authorities {
            guard let bytes = try? AuthorityIDs.id(ofCertificateDER: der), let id = AuthorityID(bytes),
                let issuer = try? OCSPIssuer(der: der)
            else { continue }
            issuers[id] = issuer
        }
    }

    /// What is revoked as far as lists say, for the certificates of delegated responders.
    func adopt(trust: TrustSnapshot) { self.trust = trust }

    /// What OCSP says of a certificate: from the cache, or from the responder.
    ///
    /// - Parameter certificate: DER; empty when the session was resumed.
    func standing(of question: RevocationQuestion, certificate: [UInt8]) async -> OCSPStanding {
        await standing(
            of: OCSPSubject(
                certificate: question.certificate, der: certificate, trustAnchorSHA256: question.trustAnchorSHA256),
            issuer: question.issuer, isRefresh: false)
    }

    /// What OCSP says now of a certificate whose answer ends soon; nil: it does not end soon, or its bundle has no OCSP.
    func refreshed(_ subject: OCSPSubject) async -> OCSPStanding? {
        guard let name = anchors[subject.trustAnchorSHA256], let bundle = settings.bundles[name],
            bundle.policy != .off
        else { return nil }
        let entry = cache.entry(Key(certificate: subject.certificate, bundle: name))
        if let entry, entry.refreshAt > clock.wall() { return nil }
        return await standing(of: subject, issuer: [], isRefresh: true)
    }

    /// When the answer on a certificate has to be asked for again, in seconds since 1970-01-01T00:00:00Z; nil: there is
    /// no answer.
    func refreshTime(of subject: OCSPSubject) -> Int64? {
        guard let name = anchors[subject.trustAnchorSHA256] else { return nil }
        return cache.entry(Key(certificate: subject.certificate, bundle: name))?.refreshAt
    }

    /// The shortest time that an answer is used in a bundle with OCSP; nil: there is none.
    var shortestMaxAge: Duration? { settings.bundles.values.filter { $0.policy != .off }.map(\.maxAge).min() }

    /// Certificates that are revoked and may become good again (RFC 5280 section 5.3.1, certificateHold).
    var onHold: [OCSPSubject] { Array(holds.values) }

    /// Gives up what is under way. Questions after it are not asked.
    func close() {
        isClosed = true
        for task in underWay.values { task.cancel() }
        responders.close()
        findingsIn.finish()
    }

    private func standing(
        of subject: OCSPSubject, issuer der: [UInt8], isRefresh: Bool
    ) async -> OCSPStanding {
        guard !isClosed else { return .unavailable(detail: "the gateway stops") }
        guard let name = anchors[subject.trustAnchorSHA256], let bundle = settings.bundles[name] else {
            return .unavailable(detail: "the trust anchor has no settings of OCSP")
        }
        let key = Key(certificate: subject.certificate, bundle: name)
        let entry = cache.entry(key)
        if let entry, !isRefresh, entry.usableUntil > clock.wall() {
            metrics.hit()
            return entry.standing
        }
        if let task = underWay[key] { return await task.value }
        guard let issuer = issuer(subject.certificate.issuer, der: der) else {
            postpone(key)
            return .unavailable(detail: "the issuer's certificate is not known: the session was resumed")
        }
        let choices = memory.choices(
            subject.certificate, der: subject.der, last: entry?.responder, bundle: name, bundle)
        guard !choices.isEmpty else {
            postpone(key)
            return .unavailable(detail: "the certificate names no OCSP responder, and none is configured")
        }
        let task = Task { await self.ask(subject, key, issuer, choices, bundle) }
        underWay[key] = task
        return await task.value
    }

    /// The CA's certificate, as it came or as it is known.
    private func issuer(_ id: AuthorityID, der: [UInt8]) -> OCSPIssuer? {
        if let known = issuers[id] { return known }
        guard !der.isEmpty, let issuer = try? OCSPIssuer(der: der) else { return nil }
        if issuers.count < Self.issuersMax { issuers[id] = issuer }
        return issuer
    }

    private func ask(
        _ subject: OCSPSubject, _ key: Key, _ issuer: OCSPIssuer, _ choices: [OCSPResponderChoice],
        _ bundle: OCSPSettings.Bundle
    ) async -> OCSPStanding {
        var details: [String] = []
        for choice in choices {
            let place = OCSPResponderTable.Place(address: choice.address, bundle: key.bundle)
            if let refusal = await turn(at: place, bundle) {
                details.append("\(choice.address): \(refusal)")
                continue
            }
            let exchange = OCSPExchange(
                issuer: issuer, certificate: key.certificate, choice: choice, bundle: bundle,
                clockSkew: settings.clockSkew, trust: trust)
            let start = clock.elapsed()
            let result = await Self.run(exchange, transport, clock)
            finished(place, result, after: clock.elapsed() - start)
            switch result {
            case .success(let answer):
                underWay[key] = nil
                return keep(answer, on: subject, from: choice.address, for: key, bundle)
            case .failure(let failure):
                details.append("\(choice.address): \(failure.code): \(failure.detail)")
            }
        }
        underWay[key] = nil
        postpone(key)
        return .unavailable(detail: details.joined(separator: "; "))
    }

    /// Off the actor: others' questions do not wait for a signature.
    private nonisolated static func run(
        _ exchange: OCSPExchange, _ transport: OCSPTransport, _ clock: OCSPClock
    ) async -> Result<OCSPAnswer, OCSPExchange.Failure> {
        do throws(OCSPExchange.Failure) {
            return .success(try await exchange.run(transport, wall: clock.wall))
        } catch {
            return .failure(error)
        }
    }

    /// Waits for one's turn at a responder, at most as long as an answer may take. Nil: it has come.
    private func turn(at place: OCSPResponderTable.Place, _ bundle: OCSPSettings.Bundle) async -> String? {
        switch responders.wants(place, concurrency: bundle.concurrency) {
        case .ask: return nil
        case .refused(let reason): return reason
        case .wait(let id):
            let timer = Task { [clock] in
                await clock.sleep(bundle.timeout)
                if !Task.isCancelled { self.gaveUp(id, at: place) }
            }
            defer { timer.cancel() }
            return await withCheckedContinuation { responders.waits(id, at: place, $0) }
        }
    }

    private func gaveUp(_ id: UInt64, at place: OCSPResponderTable.Place) { responders.gaveUp(id, at: place) }

    private func finished(
        _ place: OCSPResponderTable.Place, _ result: Result<OCSPAnswer, OCSPExchange.Failure>, after time: Duration
    ) {
        let wasBroken = responders.isBroken(place)
        switch result {
        case .success:
            responders.finished(place, .answered)
            metrics.requested(time, failure: nil)
        case .failure(let failure):
            responders.finished(
                place, failure.isResponders ? .failed("\(failure.code): \(failure.detail)") : .answered)
            metrics.requested(time, failure: failure.code)
        }
        OCSPHealthLog(logger: logger).tell(place, result, wasBroken: wasBroken, isBroken: responders.isBroken(place))
        metrics.brokenResponders(responders.brokenCount)
    }

    private func keep(
        _ answer: OCSPAnswer, on subject: OCSPSubject, from responder: String, for key: Key,
        _ bundle: OCSPSettings.Bundle
    ) -> OCSPStanding {
        let now = clock.wall()
        var usableUntil = answer.usableUntil
        let standing: OCSPStanding
        switch answer.status {
        case .good: standing = .good
        case .unknown:
            standing = .unknown
            usableUntil = min(usableUntil, now + Self.unknownAgeMax)
        case .revoked(let revokedAt, let reason):
            standing = .revoked(
                Revocation(
                    source: .ocsp, reason: RevocationReason(rawValue: reason) ?? .unspecified, revokedAt: revokedAt))
        }
        let life = max(0, usableUntil - now)
        let entry = OCSPAnswerCache.Entry(
            standing: standing, usableUntil: usableUntil,
            refreshAt: now + life * Int64(Int.random(in: Self.refreshRange)) / 1000, responder: responder)
        // The settings may have changed while the responder thought about it.
        if settings.bundles[key.bundle] == bundle {
            cache.insert(entry, for: key)
            metrics.cached(cache.count)
        }
        memory.answered(responder, for: key.certificate.issuer, bundle: key.bundle)
        report(standing, subject)
        return standing
    }

    private func report(_ standing: OCSPStanding, _ subject: OCSPSubject) {
        switch standing {
        case .revoked(let revocation):
            if revocation.reason == .certificateHold, holds.count < Self.holdsMax {
                holds[subject.certificate] = subject
            } else {
                holds[subject.certificate] = nil
            }
            found(.revoked(subject.certificate, revocation))
        case .good:
            if holds.removeValue(forKey: subject.certificate) != nil { found(.reinstated(subject.certificate)) }
        case .unknown, .unavailable: break
        }
    }

    /// There was no answer: what is kept counts to its end, and the next question for a live session is not the next
    /// look at it.
    private func postpone(_ key: Key) {
        let last = cache.entry(key)
        cache.insert(
            OCSPAnswerCache.Entry(
                standing: last?.standing ?? .unavailable(detail: ""), usableUntil: last?.usableUntil ?? 0,
                refreshAt: clock.wall() + Self.retryInterval, responder: last?.responder),
            for: key)
    }

    private func found(_ finding: OCSPFinding) {
        switch findingsIn.yield(finding) {
        case .enqueued, .terminated: break
        case .dropped: metrics.droppedFinding()
        @unknown default: break
        }
    }
}

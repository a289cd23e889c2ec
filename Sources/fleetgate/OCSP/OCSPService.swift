import FleetPolicy
import Gateway
import Logging
import ServiceLifecycle

/// Keeps OCSP's answers fresh for sessions that live, and hands on what has been revoked.
///
/// An answer is asked for again when three quarters of its time are over, so that a revocation is heard of while the
/// session lives. A responder that gives no answer ends no session: devices are judged by it when they come next.
struct OCSPService: Service {
    let client: OCSPClient
    /// The sessions that live now.
    let sessions: @Sendable () async -> [LiveSession]
    /// A certificate was revoked: the snapshot has to refuse it, and its sessions have to end.
    let onRevoked: @Sendable (CertificateID, Revocation) async -> Void
    /// A certificate that was on hold is good again.
    let onReinstated: @Sendable (CertificateID) async -> Void
    let logger: Logger
    let clock: OCSPClock
    let metrics: OCSPMetrics

    /// Between two looks at the live sessions: as soon as the first answer wants it, within these.
    static let lookAgainMin: Duration = .seconds(2)
    static let lookAgainMax: Duration = .seconds(30)
    /// Questions about live sessions at a time: devices that connect come first.
    private static let concurrency = 8

    init(
        client: OCSPClient, sessions: @escaping @Sendable () async -> [LiveSession],
        onRevoked: @escaping @Sendable (CertificateID, Revocation) async -> Void,
        onReinstated: @escaping @Sendable (CertificateID) async -> Void, logger: Logger,
        clock: OCSPClock = .system, metrics: OCSPMetrics = OCSPMetrics()
    ) {
        self.client = client
        self.sessions = sessions
        self.onRevoked = onRevoked
        self.onReinstated = onReinstated
        self.logger = logger
        self.clock = clock
        self.metrics = metrics
    }

    func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.handOn() }
            group.addTask { await self.keepFresh() }
            // The error is the shutdown itself.
            try? await gracefulShutdown()
            await client.close()
            group.cancelAll()
        }
    }

    private func handOn() async {
        for await finding in client.findings {
            switch finding {
            case .revoked(let certificate, let revocation):
                logger.log(
                    .warning, "certificate revoked, says its OCSP responder",
                    fields: [
                        .serial: "\(HexadecimalText.text(certificate.serialNumber))",
                        .issuer: "\(HexadecimalText.text(certificate.issuer.bytes))",
                        .reason: "\(revocation.reason)",
                    ])
                await onRevoked(certificate, revocation)
            case .reinstated(let certificate):
                logger.log(
                    .notice, "certificate no longer on hold, says its OCSP responder",
                    fields: [
                        .serial: "\(HexadecimalText.text(certificate.serialNumber))",
                        .issuer: "\(HexadecimalText.text(certificate.issuer.bytes))",
                    ])
                await onReinstated(certificate)
            }
        }
    }

    private func keepFresh() async {
        while !Task.isCancelled {
            let due = await lookOnce()
            // Answers are due after 90 % of their time at the latest: what is left covers a session begun meanwhile.
            let tenth = await client.shortestMaxAge.map { $0 / 10 } ?? Self.lookAgainMax
            let wait = due.map { Duration.seconds(max(0, $0 - clock.wall())) } ?? Self.lookAgainMax
            await clock.sleep(max(Self.lookAgainMin, min(wait, tenth, Self.lookAgainMax)))
        }
    }

    /// Asks about the certificates of all live sessions, and of those on hold, whose answers end soon: each once.
    ///
    /// - Returns: When the first answer has to be asked for again, in seconds since 1970-01-01T00:00:00Z; nil: never.
    func lookOnce() async -> Int64? {
        var subjects: [CertificateID: OCSPSubject] = [:]
        for subject in await client.onHold { subjects[subject.certificate] = subject }
        // To list the sessions of a large gateway costs its event loops something.
        for session in await client.shortestMaxAge == nil ? [] : sessions() {
            guard let subject = OCSPSubject(session) else { continue }
            // One of its sessions may have been resumed, and another not.
            if subjects[subject.certificate]?.der.isEmpty ?? true { subjects[subject.certificate] = subject }
        }
        return await withTaskGroup(of: Int64?.self) { group in
            var due: Int64?
            var running = 0
            for subject in subjects.values {
                if running == Self.concurrency, let refreshAt = await group.next() {
                    due = Self.earlier(due, refreshAt)
                    running -= 1
                }
                if Task.isCancelled { break }
                running += 1
                group.addTask {
                    if let standing = await client.refreshed(subject) { metrics.rechecked(standing) }
                    return await client.refreshTime(of: subject)
                }
            }
            for await refreshAt in group { due = Self.earlier(due, refreshAt) }
            return due
        }
    }

    private static func earlier(_ one: Int64?, _ other: Int64?) -> Int64? {
        guard let one, let other else { return one ?? other }
        return min(one, other)
    }
}

internal import FleetPolicy
internal import NIOCore
internal import NIOMbedTLS

/// A change of the registry, looked through once for all event loops.
struct DirectoryChange: Sendable {
    let directory: DeviceDirectory
    let keys: Set<DeviceKey>
    /// Every pin that a changed device has now: a session of another device with such a certificate is affected too.
    let pins: Set<SHA256Value>

    init(_ directory: DeviceDirectory, changed: [DeviceKey]) {
        self.directory = directory
        self.keys = Set(changed)
        var pins: Set<SHA256Value> = []
        for key in self.keys {
            for pin in directory.entry(key)?.pins ?? [] {
                if let value = SHA256Value(pin.sha256) { pins.insert(value) }
            }
        }
        self.pins = pins
    }
}

/// New rules on one event loop.
extension LoopShard {
    /// Sessions judged again, or ended, in one tick: at some tens of microseconds each, devices notice nothing.
    private static let sessionsPerTick = 256
    /// Sessions that are only looked up among the revoked in one tick: a microsecond each.
    private static let sessionsLookedUpPerTick = 4_096

    /// New profiles, certificates, devices and trust, validated as a whole: new connections use them, live sessions are
    /// judged again. The future completes when all of them have been.
    func adopt(_ policy: PolicySnapshot, _ contexts: ListenerContexts) -> EventLoopFuture<Int> {
        self.use(contexts)
        self.policy.replace(
            policy, listeners: Self.listeners(self.listenerNames, contexts, known: self.policy.anchors))
        return self.judgeAgain(Array(self.sessions.keys))
    }

    /// New contexts that differ in nothing that sessions are judged by: new connections are handshaken with them.
    func use(_ contexts: ListenerContexts) {
        self.tlsContexts = contexts.all
        self.authorities.replace(contexts.authorities)
    }

    /// The policy's view of listeners.
    static func listeners(
        _ names: [String], _ contexts: ListenerContexts, known: [[UInt8]: PolicyAnchor] = [:]
    ) -> [LoopPolicy.Listener] {
        var known = known
        return zip(names, contexts.all).map { name, context in
            let listener = LoopPolicy.Listener(
                name, anchors: context.trustAnchors, clockSkew: contexts.clockSkew[name] ?? 0, known: known)
            known.merge(listener.anchors) { first, _ in first }
            return listener
        }
    }

    /// The registry has changed: only the sessions of the devices concerned are judged again. Those whose handshake is
    /// not finished find the new revision at its end.
    func adopt(_ change: DirectoryChange) -> EventLoopFuture<Int> {
        self.policy.replace(change.directory)
        var affected = self.index.devices.sessions(of: change.keys)
        if !change.pins.isEmpty { affected += self.sessions(presentingAny: change.pins) }
        return self.judgeAgain(affected)
    }

    private func sessions(presentingAny pins: Set<SHA256Value>) -> [UInt64] {
        self.sessions.values.compactMap { session in
            guard let credential = session.credential else { return nil }
            let isPinned =
                pins.contains(credential.fingerprint) || credential.publicKey.map(pins.contains) ?? false
            return isPinned ? session.id : nil
        }
    }

    /// What is known about certificates has changed: only the sessions concerned are judged again. Those whose handshake
    /// is not finished find the new revision at its end. The future has how many sessions were ended.
    func adopt(_ trust: TrustSnapshot, affecting change: TrustChange) -> EventLoopFuture<Int> {
        self.policy.replace(trust)
        switch change {
        case .everything: return self.judgeAgain(Array(self.sessions.keys))
        case .authorities(let authorities):
            // A new list of a CA with thousands of devices names few of them, or none: whoever is not revoked is not
            // read and matched again for that.
            let now = UnixClock.seconds()
            return self.inSlices(
                self.index.sessions(under: authorities), of: Self.sessionsLookedUpPerTick
            ) { session in
                guard let credential = session.credential, !self.policy.isGood(credential, now: now) else { return }
                session.judgeAgain(now: now)
            }
        case .certificates(let certificates):
            return self.judgeAgain(self.sessions(presenting: certificates))
        case .fingerprints(let fingerprints):
            return self.judgeAgain(self.sessions(presenting: Set(fingerprints.compactMap { SHA256Value($0) })))
        }
    }

    private func sessions(presenting certificates: Set<CertificateID>) -> [UInt64] {
        self.index.candidates(presenting: certificates).filter { number in
            guard let credential = self.sessions[number]?.credential else { return false }
            return !certificates.isDisjoint(with: credential.chain)
        }
    }

    private func sessions(presenting fingerprints: Set<SHA256Value>) -> [UInt64] {
        self.index.candidates(presenting: fingerprints).filter { number in
            self.sessions[number]?.credential.map { fingerprints.contains($0.fingerprint) } ?? false
        }
    }

    private func judgeAgain(_ sessions: [UInt64]) -> EventLoopFuture<Int> {
        let now = UnixClock.seconds()
        return self.inSlices(sessions, of: Self.sessionsPerTick) { $0.judgeAgain(now: now) }
    }

    /// Does something with sessions, some in each tick of the loop. The future has how many of them it has ended.
    private func inSlices(
        _ sessions: [UInt64], of size: Int, _ body: @escaping (DeviceSession) -> Void
    ) -> EventLoopFuture<Int> {
        let done = self.eventLoop.makePromise(of: Int.self)
        self.slice(sessions[...], size, ended: 0, done, body)
        return done.futureResult
    }

    private func slice(
        _ sessions: ArraySlice<UInt64>, _ size: Int, ended: Int, _ done: EventLoopPromise<Int>,
        _ body: @escaping (DeviceSession) -> Void
    ) {
        var ended = ended
        for number in sessions.prefix(size) {
            // Sessions that came meanwhile were judged by the new rules; those that went are not found.
            guard let session = self.sessions[number], session.isLive else { continue }
            body(session)
            if !session.isLive { ended += 1 }
        }
        let rest = sessions.dropFirst(size)
        guard !rest.isEmpty else { return done.succeed(ended) }
        let soFar = ended
        self.eventLoop.assumeIsolated().execute { self.slice(rest, size, ended: soFar, done, body) }
    }

    // MARK: What there is

    /// The numbers of the sessions selected, for `live(_:)`; nil selects every connection.
    func numbers(_ selection: SessionSelection?) -> [UInt64] {
        switch selection {
        case nil: Array(self.sessions.keys)
        case .device(let key): self.index.devices[key]
        case .certificate(let certificate):
            self.index.candidates(presenting: [certificate]).filter {
                self.sessions[$0]?.credential?.certificateID == certificate
            }
        case .fingerprint(let fingerprint):
            SHA256Value(fingerprint).map { self.sessions(presenting: [$0]) } ?? []
        case .authority(let authority): self.index.sessions(under: [authority])
        case .trustAnchor(let fingerprint): self.index.sessions(underAnchor: fingerprint)
        case .tenant(let tenant): self.index.sessions(ofTenant: tenant)
        case .profile(let profile): self.index.sessions(ofProfile: profile)
        }
    }

    /// The sessions of these numbers that there still are and that have a grant.
    func live(_ numbers: some Sequence<UInt64>) -> [LiveSession] { numbers.compactMap { self.sessions[$0]?.live } }

    /// Ends the sessions selected. The future has how many there were.
    func endSessions(_ selection: SessionSelection, with end: SessionEnd) -> EventLoopFuture<Int> {
        self.inSlices(self.numbers(selection), of: Self.sessionsPerTick) { $0.end(end) }
    }
}

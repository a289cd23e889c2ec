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
    /// Sessions judged again in one tick: at some tens of microseconds each, devices notice nothing.
    private static let sessionsPerTick = 256

    /// New profiles, certificates and devices, validated as a whole: new connections use them, live sessions are judged
    /// again. The future completes when all of them have been.
    func adopt(_ policy: PolicySnapshot, tlsContext: TLSContext) -> EventLoopFuture<Void> {
        self.tlsContext = tlsContext
        self.policy.replace(policy, anchors: tlsContext.trustAnchors)
        return self.judgeAgain(Array(self.sessions.keys))
    }

    /// The registry has changed: only the sessions of the devices concerned are judged again. Those whose handshake is
    /// not finished find the new revision at its end.
    func adopt(_ change: DirectoryChange) -> EventLoopFuture<Void> {
        self.policy.replace(change.directory)
        var affected = self.devices.sessions(of: change.keys)
        if !change.pins.isEmpty { affected += self.sessions(presentingAny: change.pins) }
        return self.judgeAgain(affected)
    }

    private func sessions(presentingAny pins: Set<SHA256Value>) -> [UInt64] {
        self.sessions.values.compactMap { session in
            guard let credential = session.credential else { return nil }
            let isPinned =
                credential.fingerprint.map(pins.contains) ?? false || credential.publicKey.map(pins.contains) ?? false
            return isPinned ? session.id : nil
        }
    }

    private func judgeAgain(_ sessions: [UInt64]) -> EventLoopFuture<Void> {
        let done = self.eventLoop.makePromise(of: Void.self)
        self.judgeAgain(sessions[...], done)
        return done.futureResult
    }

    private func judgeAgain(_ sessions: ArraySlice<UInt64>, _ done: EventLoopPromise<Void>) {
        let now = UnixClock.seconds()
        for session in sessions.prefix(Self.sessionsPerTick) { self.sessions[session]?.judgeAgain(now: now) }
        let rest = sessions.dropFirst(Self.sessionsPerTick)
        guard !rest.isEmpty else { return done.succeed() }
        // Sessions that came meanwhile were judged by the new rules; those that went are not found.
        self.eventLoop.assumeIsolated().execute { self.judgeAgain(rest, done) }
    }

    // MARK: What there is

    /// The numbers of all connections, for `live(_:)`.
    var sessionNumbers: [UInt64] { Array(self.sessions.keys) }

    /// The sessions of these numbers that there still are and that have a grant.
    func live(_ numbers: some Sequence<UInt64>) -> [LiveSession] { numbers.compactMap { self.sessions[$0]?.live } }

    /// Ends the sessions of a device. Returns how many there were.
    func endSessions(of key: DeviceKey, with end: SessionEnd) -> Int {
        let sessions = self.devices[key].compactMap { self.sessions[$0] }
        for session in sessions { session.end(end) }
        return sessions.count
    }
}

internal import FleetPolicy
internal import MQTTCodec
internal import NIOCore
internal import NIOMbedTLS
internal import Synchronization

/// One event loop's part of the gateway: its TLS contexts, its view of the policy, its sessions and its counters.
///
/// Nothing in it is shared with another loop but the gateway-wide counts, which are atomics; what loops have to tell each
/// other goes through `ConnectionOwnership`. Confined to its loop.
final class LoopShard {
    let eventLoop: any EventLoop
    let limits: GatewayLimits
    let codecLimits: MQTTLimits
    let upstreams: UpstreamConnectors
    let counts: ConnectionCounts
    let metrics = GatewayMetrics()
    /// So that a storm of new devices does not starve those that are in.
    let handshakeTurns: TLSHandshakeTurns
    /// Which connections the devices have that this loop owns, and the way to ask about all others.
    private(set) lazy var ownership = ConnectionOwnership(index: self.number, host: self)

    /// What the listeners are called, in the order of the configuration, which is that of the next one.
    let listenerNames: [String]
    /// What new connections are handshaken with, for each listener.
    var tlsContexts: [TLSContext]
    /// What certificates are judged by.
    var policy: LoopPolicy
    /// Every connection, from accept to close.
    private(set) var sessions: [UInt64: DeviceSession] = [:]
    /// Those with a grant, by what they can be ended by.
    private(set) var index = LiveSessionIndex()
    /// The CAs that the loop has the certificates of.
    var authorities: LoopAuthorities
    /// Nothing is due before this time, in Unix seconds.
    var nextDue = Int64.max

    private let number: Int
    private let events: EventSink
    private let connectionIDs: ConnectionIDs
    private let authority: (any AdmissionAuthority)?
    private let gate: AdmissionGate
    private let closesGateOnLostEvents: Bool
    private let admissionsMax: Int
    private lazy var requests = self.makeRequests()
    private var admission: AdmissionControl
    private var passwordAttempts: TokenBucketTable<DeviceKey>
    private var registrationEvents: TokenBucketTable<DeviceKey>
    private var isShuttingDown = false
    private var refusalsToReport: [String: Int] = [:]
    /// Events that were not handed up yet.
    private var unsentEvents: [GatewayEvent] = []
    private var eventsSentAt = NIODeadline.uptimeNanoseconds(0)

    /// Devices for which the last time of a `registrationWanted` is remembered; all others share one bucket.
    private static let registrationEventsTracked = 4_096

    /// The longest that an event waits for others: to wake whoever consumes them costs more than most of them. One that
    /// nothing came before for so long waits for nobody.
    static let eventDelay = TimeAmount.milliseconds(10)
    /// Events that are handed up at once, however young they are.
    private static let eventsPerBatch = 64

    /// - Parameter index: the loop's number, from 0.
    init(
        index: Int, eventLoop: any EventLoop, configuration: GatewayConfiguration, contexts: LoopContexts,
        policy: PolicySnapshot, counts: ConnectionCounts, events: EventSink, connectionIDs: ConnectionIDs
    ) {
        let limits = configuration.limits
        let loops = configuration.eventLoops
        let now = NIODeadline.now()
        self.number = index
        self.eventLoop = eventLoop
        self.handshakeTurns = TLSHandshakeTurns(eventLoop: eventLoop)
        self.limits = limits
        self.codecLimits = MQTTLimits(packetBytesMax: limits.packetBytesMax)
        self.upstreams = UpstreamConnectors(
            standard: UpstreamConnector(
                configuration: configuration.upstream, tlsContext: contexts.standard, limits: limits),
            named: configuration.upstreams.reduce(into: [:]) { connectors, upstream in
                connectors[upstream.key] = UpstreamConnector(
                    configuration: upstream.value, tlsContext: contexts.named[upstream.key], limits: limits)
            })
        self.counts = counts
        self.events = events
        self.connectionIDs = connectionIDs
        self.authority = configuration.authority
        self.gate = configuration.gate
        self.closesGateOnLostEvents = configuration.closesGateOnLostEvents
        self.admissionsMax = limits.admissionsInFlightMax / loops
        self.admission = AdmissionControl(limits: limits, eventLoops: loops, now: now)
        self.passwordAttempts = TokenBucketTable(
            rate: limits.wrongPasswordsPerMinute / 60 / Double(loops),
            burst: max(1, limits.wrongPasswordsBurst / Double(loops)),
            countMax: limits.devicesTrackedMax / loops, now: now)
        self.registrationEvents = TokenBucketTable(
            rate: 1 / 60, burst: 1, countMax: Self.registrationEventsTracked, now: now)
        self.listenerNames = configuration.listeners.map(\.name)
        self.tlsContexts = contexts.listeners.all
        self.authorities = LoopAuthorities(contexts.listeners.authorities)
        self.policy = LoopPolicy(policy, listeners: Self.listeners(self.listenerNames, contexts.listeners))
        self.handshakeTurns.waitingChanged = { [metrics] in metrics.handshakesWaitingChanged(by: $0) }
    }

    // MARK: Connections

    /// A listener accepted a connection: admits it and makes its pipeline, or throws the reason to close it.
    func accepted(_ channel: any Channel, by listener: Int) throws {
        if let refusal = self.refusal(of: channel) {
            self.metrics.connectionRefused(reason: refusal.rawValue)
            self.refusalsToReport[refusal.rawValue, default: 0] += 1
            throw ConnectionRefused(reason: refusal)
        }
        // In one go: as options of the bootstrap each would be a future.
        try channel.syncOptions?.setOption(.writeBufferWaterMark, value: self.limits.waterMark)
        try channel.syncOptions?.setOption(.recvAllocator, value: ReceiveBuffer.ofDevice)
        let session = DeviceSession(id: self.connectionIDs.next(), channel: channel, listener: listener, shard: self)
        try session.addHandlers()
        self.counts.opened()
        self.admission.handshakeBegan(session.address)
        self.sessions[session.id] = session
        // And not channelInactive: a channel that fails before it is active never tells of it.
        channel.closeFuture.assumeIsolated().whenComplete { _ in session.channelClosed() }
    }

    private func refusal(of channel: any Channel) -> AdmissionRefusal? {
        if self.isShuttingDown { return .shuttingDown }
        if self.gate.isClosed || self.closesGateOnLostEvents && self.events.hasLost { return .auditUnavailable }
        return self.admission.judge(SourceAddress(channel.remoteAddress), counts: self.counts, now: .now())
    }

    func sessionClosed(_ session: DeviceSession) {
        guard self.sessions.removeValue(forKey: session.id) != nil else { return }
        self.counts.closed()
    }

    /// A session's handshake is over, however it ended.
    func handshakeEnded(_ session: DeviceSession) {
        self.counts.handshakeEnded()
        self.admission.handshakeEnded(session.address)
    }

    /// A session has a grant.
    func sessionBegan(_ session: DeviceSession, _ entry: LiveSessionIndex.Entry) {
        self.index.add(session.id, entry)
    }

    /// A session that had a grant is over.
    func sessionEnded(_ session: DeviceSession, _ entry: LiveSessionIndex.Entry) {
        self.index.remove(session.id, entry)
    }

    /// Hands an event up to the control plane, with those of the same moment.
    func send(_ event: GatewayEvent) {
        self.unsentEvents.append(event)
        let due = self.eventsSentAt + Self.eventDelay
        if self.unsentEvents.count >= Self.eventsPerBatch || due <= .now() {
            self.sendEvents()
        } else if self.unsentEvents.count == 1 {
            self.eventLoop.assumeIsolated().scheduleTask(deadline: due) { self.sendEvents() }
        }
    }

    /// Hands up what waits for more.
    func sendEvents() {
        guard !self.unsentEvents.isEmpty else { return }
        self.eventsSentAt = .now()
        let dropped = self.events.send(self.unsentEvents)
        if dropped > 0 { self.metrics.eventsDropped(dropped) }
        self.unsentEvents = []
    }

    /// Hands up what there is to be said, when nobody will ask any more: no tick comes, and timers end with their loop.
    func sendLastEvents() {
        self.reportRefusals()
        self.sendEvents()
    }

    /// A device belongs into the queue of those to be approved. It will knock again and again: once in a minute is told.
    func registrationWanted(_ need: RegistrationNeed, _ certificate: PeerCertificate, by session: DeviceSession) {
        guard self.registrationEvents.take(need.key, now: .now()) else { return }
        self.metrics.registrationWanted()
        self.send(.registrationWanted(connection: session.connection, need: need, certificate: certificate))
    }

    // MARK: Questions to the authority

    private func makeRequests() -> AdmissionRequests {
        AdmissionRequests(
            eventLoop: self.eventLoop, authority: self.authority, runningMax: self.admissionsMax
        ) { [weak self] session, request, verdict, duration in
            self?.answered(session, request, verdict, after: duration)
        }
    }

    /// Asks for a session; it gets the answer, at once where nobody is there to be asked.
    func ask(_ request: AdmissionRequest, for session: DeviceSession) {
        // Taken before the answer, so that no number of connections at a time can guess faster.
        if request.secondFactor != nil, !self.passwordAttempts.take(request.device, now: .now()) {
            session.admissionAnswered(
                .refused(
                    code: SessionEnd.Code.passwordAttemptsExceeded.rawValue,
                    detail: "more wrong passwords of the device than are looked at"))
            return
        }
        self.requests.ask(request, for: session.id)
    }

    func withdrawQuestion(of session: DeviceSession) { self.requests.withdraw(session.id) }

    private func answered(
        _ session: UInt64, _ request: AdmissionRequest, _ verdict: AdmissionVerdict, after duration: TimeAmount
    ) {
        self.metrics.admissionAnswered(verdict, isRegistration: request.registration != nil, after: duration)
        if request.secondFactor != nil, !verdict.isWrongPassword { self.passwordAttempts.giveBack(request.device) }
        self.sessions[session]?.admissionAnswered(verdict)
    }

    // MARK: Time

    /// A session of this loop has something to do at this time, in Unix seconds.
    func sessionDue(at time: Int64) { self.nextDue = min(self.nextDue, time) }

    /// Called every second: has sessions do what is due, and reports refused connections in sum.
    func tick(unixSeconds: Int64) {
        self.reportRefusals()
        self.tryEvents()
        guard unixSeconds >= self.nextDue else { return }
        // What becomes due while sessions are looked at counts too.
        self.nextDue = .max
        for session in Array(self.sessions.values) {
            if session.dueAt <= unixSeconds { session.timePassed(unixSeconds) }
            self.sessionDue(at: session.dueAt)
        }
    }

    private func reportRefusals() {
        for (reason, count) in self.refusalsToReport {
            self.send(.connectionsRefused(reason: reason, count: count))
        }
        self.refusalsToReport.removeAll(keepingCapacity: true)
    }

    /// After a loss, whether there is room for events again can only be seen by sending one: where nothing else happens,
    /// because nobody is let in, it is this one.
    private func tryEvents() {
        guard self.closesGateOnLostEvents, self.events.hasLost else { return }
        self.send(.connectionsRefused(reason: AdmissionRefusal.auditUnavailable.rawValue, count: 0))
    }

    // MARK: The end

    /// Ends every session with `end` and admits no further connection.
    func shutDown() {
        self.isShuttingDown = true
        for session in Array(self.sessions.values) { session.end(.shuttingDown()) }
    }

    /// Closes what is left, without waiting for anything to be written.
    func abort() {
        self.ownership.leave()
        for session in Array(self.sessions.values) { session.abort() }
    }
}

@available(*, unavailable) extension LoopShard: Sendable {}

extension LoopShard: ConnectionHost {
    func placeAnswered(_ answer: ConnectionClaim.Answer, to connection: UInt64) {
        self.sessions[connection]?.placeAnswered(answer)
    }

    func takenOver(_ connection: UInt64) {
        self.sessions[connection]?.end(
            SessionEnd(
                .sessionTakenOver, .none, answer: .sessionTakenOver, "another connection of the device took its place")
        )
    }
}

extension AdmissionVerdict {
    /// Whether a password was looked at and is not the device's.
    fileprivate var isWrongPassword: Bool {
        switch self {
        case .refused(let code, _): code == SessionEnd.Code.badPassword.rawValue
        case .admitted, .unavailable: false
        }
    }
}

/// Closes an accepted connection whose admission was refused; never logged by itself, as refusals are counted.
private struct ConnectionRefused: Error {
    let reason: AdmissionRefusal
}

/// Numbers connections across all event loops.
final class ConnectionIDs: Sendable {
    private let last = Atomic<UInt64>(0)

    func next() -> UInt64 { self.last.add(1, ordering: .relaxed).newValue }
}

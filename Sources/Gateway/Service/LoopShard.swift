internal import FleetPolicy
internal import MQTTCodec
internal import NIOCore
internal import NIOMbedTLS
internal import Synchronization

/// One event loop's part of the gateway: its TLS context, its view of the profiles, its sessions and its counters.
///
/// Nothing in it is shared with another loop but the gateway-wide counts, which are atomics. Confined to its loop.
final class LoopShard {
    let eventLoop: any EventLoop
    let limits: GatewayLimits
    let codecLimits: MQTTLimits
    let upstream: UpstreamConnector
    let counts: ConnectionCounts
    let metrics = GatewayMetrics()

    /// What new connections are handshaken with.
    private(set) var tlsContext: TLSContext
    /// What certificates are judged by.
    private(set) var profiles: ProfileSet

    private let events: EventSink
    private let connectionIDs: ConnectionIDs
    private var admission: AdmissionControl
    private var sessions: [UInt64: DeviceSession] = [:]
    private var isShuttingDown = false
    /// No session of this loop expires before this time, in Unix seconds.
    private var nextExpiry = Int64.max
    private var refusalsToReport: [String: Int] = [:]

    /// Sessions judged again in one tick when profiles change: at some microseconds each, devices notice nothing.
    private static let sessionsPerTick = 256

    init(
        eventLoop: any EventLoop, limits: GatewayLimits, eventLoops: Int, upstream: UpstreamConnector,
        counts: ConnectionCounts, events: EventSink, connectionIDs: ConnectionIDs, tlsContext: TLSContext,
        profiles: ProfileSet
    ) {
        self.eventLoop = eventLoop
        self.limits = limits
        self.codecLimits = MQTTLimits(packetBytesMax: limits.packetBytesMax)
        self.upstream = upstream
        self.counts = counts
        self.events = events
        self.connectionIDs = connectionIDs
        self.admission = AdmissionControl(limits: limits, eventLoops: eventLoops, now: .now())
        self.tlsContext = tlsContext
        self.profiles = profiles
    }

    // MARK: Connections

    /// A connection was accepted: admits it and makes its pipeline, or throws the reason to close it.
    func accepted(_ channel: any Channel) throws {
        if let refusal = self.refusal(of: channel) {
            self.metrics.connectionRefused(reason: refusal.rawValue)
            self.refusalsToReport[refusal.rawValue, default: 0] += 1
            throw ConnectionRefused(reason: refusal)
        }
        let session = DeviceSession(id: self.connectionIDs.next(), channel: channel, shard: self)
        try session.addHandlers()
        self.counts.opened()
        self.admission.handshakeBegan(session.address)
        self.sessions[session.id] = session
        // And not channelInactive: a channel that fails before it is active never tells of it.
        channel.closeFuture.assumeIsolated().whenComplete { _ in session.channelClosed() }
    }

    private func refusal(of channel: any Channel) -> AdmissionRefusal? {
        if self.isShuttingDown { return .shuttingDown }
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

    /// Hands an event up to the control plane.
    func send(_ event: GatewayEvent) {
        if !self.events.send(event) { self.metrics.eventDropped() }
    }

    // MARK: Time

    /// A session of this loop expires at this time, in Unix seconds.
    func sessionExpires(at notAfter: Int64) {
        self.nextExpiry = min(self.nextExpiry, notAfter)
    }

    /// Called every second: ends sessions whose certificate has expired, and reports refused connections in sum.
    func tick(unixSeconds: Int64) {
        for (reason, count) in self.refusalsToReport {
            self.send(.connectionsRefused(reason: reason, count: count))
        }
        self.refusalsToReport.removeAll(keepingCapacity: true)
        guard unixSeconds > self.nextExpiry else { return }
        var next = Int64.max
        for session in Array(self.sessions.values) {
            if let notAfter = session.expire(at: unixSeconds) { next = min(next, notAfter) }
        }
        self.nextExpiry = next
    }

    // MARK: Change

    /// New profiles and certificates, validated as a whole: new connections use them, live sessions are judged again.
    func adopt(profiles: ProfileSet, tlsContext: TLSContext) {
        self.profiles = profiles
        self.tlsContext = tlsContext
        self.judgeAgain(Array(self.sessions.values)[...])
    }

    private func judgeAgain(_ sessions: ArraySlice<DeviceSession>) {
        for session in sessions.prefix(Self.sessionsPerTick) { session.profilesChanged() }
        let rest = sessions.dropFirst(Self.sessionsPerTick)
        guard !rest.isEmpty else { return }
        // Sessions that came meanwhile were judged by the new profiles; those that went ignore the call.
        self.eventLoop.assumeIsolated().execute { self.judgeAgain(rest) }
    }

    /// Ends every session with `end` and admits no further connection.
    func shutDown() {
        self.isShuttingDown = true
        for session in Array(self.sessions.values) { session.end(.shuttingDown()) }
    }

    /// Closes what is left, without waiting for anything to be written.
    func abort() {
        for session in Array(self.sessions.values) { session.abort() }
    }
}

@available(*, unavailable) extension LoopShard: Sendable {}

/// Closes an accepted connection whose admission was refused; never logged by itself, as refusals are counted.
private struct ConnectionRefused: Error {
    let reason: AdmissionRefusal
}

/// Numbers connections across all event loops.
final class ConnectionIDs: Sendable {
    private let last = Atomic<UInt64>(0)

    func next() -> UInt64 { self.last.add(1, ordering: .relaxed).newValue }
}

internal import FleetPolicy
internal import MQTTCodec
internal import NIOCore
internal import NIOMbedTLS

/// One device's connection on its event loop: runs what `SessionStateMachine` says on the two channels, and keeps what
/// must be known of the connection as a whole.
///
/// Confined to the loop of its `LoopShard`. It is alive for as long as one of its two handlers is in a pipeline. How its
/// certificate is judged, and how actions are run, is in the extensions.
final class DeviceSession {
    let id: UInt64
    let channel: any Channel
    /// What the peer counts as for admission.
    let address: SourceAddress
    /// The number of the listener that it came to.
    let listener: Int
    unowned let shard: LoopShard
    let acceptedAt: NIODeadline

    var machine: SessionStateMachine
    var deviceHandler: PacketHandler?
    var brokerHandler: PacketHandler?
    var deadline: Scheduled<Void>?
    var throttle: Scheduled<Void>?
    /// Denials worth an event: a burst to see what is wrong, then one in ten seconds as a reminder.
    var denialEvents: TokenBucket
    var isHandshaking = true
    var isAnnounced = false
    var isEnded = false

    /// Known from the end of the handshake on.
    var device: DeviceDescription?
    /// What the device presented, for judging it again.
    var credential: SessionCredential?
    /// The same, as it was read in the handshake; until the broker has answered.
    var presented: PresentedCertificate?
    /// What the handshake's authorization decided, and by which revision of the policy; until the handshake is finished.
    var decision: (outcome: PolicyDecision, revision: UInt64)?
    /// Whether the certificate's notAfter had passed at the handshake.
    var wasExpired = false
    /// Whether the handshake resumed an earlier session.
    var isResumed = false
    /// When it is judged again although nothing has changed but the time, in Unix seconds.
    var judgedAgainAt = Int64.max
    /// When the session has something to do, in Unix seconds: for the loop to pass over those that have not.
    var dueAt = Int64.max
    /// When the handshake was finished, in Unix seconds.
    var since: Int64 = 0
    /// What the broker knows the session by; from the claim of a place on, which is to be released then.
    var clientIdentifier: String?
    /// Whether the authority has a question of this session.
    var isAsking = false

    init(id: UInt64, channel: any Channel, listener: Int, shard: LoopShard) {
        self.id = id
        self.listener = listener
        self.channel = channel
        self.address = SourceAddress(channel.remoteAddress)
        self.shard = shard
        self.acceptedAt = .now()
        self.denialEvents = TokenBucket(rate: 0.1, burst: 10, now: self.acceptedAt)
        self.machine = SessionStateMachine(limits: shard.limits, upstreams: shard.upstreams.credentials)
    }

    /// Makes the device's end of the pipeline: TLS, then packets.
    func addHandlers() throws {
        let tls = TLSHandler(
            context: self.shard.tlsContexts[self.listener], turns: self.shard.handshakeTurns
        ) { [unowned self] peer in
            self.authorize(peer)
        }
        let packets = PacketHandler(side: .device, session: self, limits: self.shard.codecLimits)
        self.deviceHandler = packets
        try self.channel.pipeline.syncOperations.addHandlers([tls, packets])
    }

    var connection: ConnectionDescription {
        ConnectionDescription(
            id: self.id, remoteAddress: self.channel.remoteAddress?.hostAndPort ?? "unknown",
            listener: self.shard.listenerNames[self.listener])
    }

    /// Whether it has a grant: from the end of the handshake to the end of the session.
    var isLive: Bool { self.machine.grant != nil }

    var key: DeviceKey? { self.device.map { DeviceKey(tenant: $0.tenant, deviceID: $0.deviceID) } }

    /// The session as it is now; nil before its handshake is finished and after its end.
    var live: LiveSession? {
        guard let grant = self.machine.grant, let credential = self.credential else { return nil }
        return LiveSession(
            key: grant.key, profile: grant.profileName, connectionID: self.id,
            remoteAddress: self.connection.remoteAddress, since: self.since, clientID: self.clientIdentifier,
            certificate: self.presented?.certificate.der ?? [], certificateSHA256: credential.fingerprint.bytes,
            quarantine: grant.quarantine, isEstablished: self.machine.isEstablished,
            certificateID: credential.certificateID, trustAnchorSHA256: credential.trustAnchorSHA256,
            listener: self.shard.listenerNames[self.listener], isResumed: self.isResumed,
            certificateIdentity: credential.identity
        )
    }

    /// How the device proved who it is; nil before its handshake is finished.
    var handshake: HandshakeDescription? {
        guard !self.isHandshaking, self.device != nil, let credential = self.credential else { return nil }
        return HandshakeDescription(
            version: credential.tlsVersion, serverName: credential.serverName, isResumed: self.isResumed,
            certificateSHA256: credential.fingerprint.bytes, certificate: credential.certificateID,
            trustAnchorSHA256: credential.trustAnchorSHA256, finishedAt: self.since)
    }

    // MARK: What the handlers tell

    func received(byteCount: Int, from side: Side) {
        self.shard.metrics.received(byteCount: byteCount, from: side)
    }

    func passing(prefixOf bytes: ByteBuffer, packetBytesMax: Int, now: NIODeadline) -> (bytes: Int, packets: Int) {
        guard
            let passing = self.machine.carried?.passing(prefixOf: bytes, packetBytesMax: packetBytesMax, now: now),
            let packets = bytes.getSlice(at: bytes.readerIndex, length: passing.byteCount), passing.packetCount > 0
        else { return (0, 0) }
        self.brokerHandler?.send(packets)
        if let delay = passing.delay { self.throttleDevice(for: delay) }
        return (passing.byteCount, passing.packetCount)
    }

    func received(packetCount: Int, from side: Side) {
        self.shard.metrics.received(packetCount: packetCount, from: side)
    }

    func received(_ frame: MQTTFrame, from side: Side, now: NIODeadline) {
        switch side {
        case .device:
            let (action, delay) = self.machine.receivedFromDevice(frame, now: now)
            if let delay { self.throttleDevice(for: delay) }
            self.run(action, from: .device)
        case .broker:
            self.run(self.machine.receivedFromBroker(frame, now: now), from: .broker)
        }
    }

    /// One side's read is worked off: what it led to goes on the wire at once.
    func readCompleted() {
        self.brokerHandler?.flush()
        self.deviceHandler?.flush()
    }

    func writabilityChanged() { self.updateHolds() }

    func malformed(_ side: Side, _ error: MQTTProtocolError) {
        switch side {
        case .device: self.end(SessionEnd(deviceError: error))
        case .broker: self.end(SessionEnd(upstreamError: error))
        }
    }

    func failed(_ side: Side, _ error: any Error) {
        switch side {
        case .device: self.deviceFailed(error)
        case .broker:
            self.end(
                SessionEnd(.upstreamClosed, .upstream, answer: .serverBusy, "the connection to the broker failed")
            )
        }
    }

    private func deviceFailed(_ error: any Error) {
        guard let error = error as? TLSError else {
            self.end(SessionEnd(.deviceTransport, .network, answer: nil, "the connection to the device failed"))
            return
        }
        if self.isHandshaking {
            self.handshakeFailed(error)
        } else {
            // A device that closes without close_notify has said what it said: its last packets, and its DISCONNECT,
            // may still be held.
            if error.code == .truncated { self.deviceHandler?.drainAtEnd() }
            self.end(SessionEnd(tlsError: error))
        }
    }

    func closed(_ side: Side) {
        switch side {
        case .device:
            self.end(.deviceClosed())
            self.deviceHandler = nil
            self.throttle?.cancel()
        case .broker:
            self.end(.upstreamClosed())
            self.brokerHandler = nil
        }
    }

    /// The device's channel is closed, whether or not it ever was active.
    func channelClosed() {
        self.closed(.device)
        self.shard.sessionClosed(self)
    }

    func handshakeEnded() {
        guard self.isHandshaking else { return }
        self.isHandshaking = false
        self.shard.handshakeEnded(self)
    }

    // MARK: What the shard asks for

    /// Ends the session, telling the device why as far as its protocol can.
    func end(_ end: SessionEnd) {
        self.run(self.machine.end(end))
    }

    /// Closes without a word of MQTT: the shutdown deadline is over. TLS may still say good-bye.
    func abort() {
        self.channel.close(mode: .all, promise: nil)
    }

    /// The authority has answered.
    func admissionAnswered(_ verdict: AdmissionVerdict) {
        self.isAsking = false
        self.run(self.machine.admissionAnswered(verdict))
    }

    /// The owner of the device's connections has answered.
    func placeAnswered(_ answer: ConnectionClaim.Answer) {
        self.run(self.machine.placeAnswered(answer))
    }
}

@available(*, unavailable) extension DeviceSession: Sendable {}

extension SessionEnd {
    /// The TLS layer's failure, with its own code.
    init(tlsError error: TLSError) {
        let fault: Fault =
            switch error.fault {
            case .peer: .device
            case .transport: .network
            case .local: .gateway
            case .operator: .operator
            }
        self.init(Code(rawValue: error.code.rawValue), fault, answer: nil, "the TLS layer: \(error.code.rawValue)")
    }
}

internal import FleetPolicy
internal import Logging
internal import MQTTCodec
internal import NIOCore
internal import NIOMbedTLS

/// One device's connection on its event loop: runs what `SessionStateMachine` says on the two channels, and keeps what
/// must be known of the connection as a whole.
///
/// Confined to the loop of its `LoopShard`. It is alive for as long as one of its two handlers is in a pipeline.
final class DeviceSession {
    /// How long a closed session's last bytes may take: about three retransmissions on a slow link.
    private static let flushTimeout = TimeAmount.seconds(10)

    let id: UInt64
    let channel: any Channel
    /// What the peer counts as for admission.
    let address: SourceAddress
    private(set) var device: DeviceDescription?
    /// The verified certificate's attributes, for judging it again when profiles change.
    private(set) var certificate: CertificateAttributes?

    private unowned let shard: LoopShard
    private var machine: SessionStateMachine
    private var deviceHandler: PacketHandler?
    private var brokerHandler: PacketHandler?
    private var deadline: Scheduled<Void>?
    private var throttle: Scheduled<Void>?
    private let acceptedAt: NIODeadline
    /// Denials worth an event: a burst to see what is wrong, then one in ten seconds as a reminder.
    private var denialEvents: TokenBucket
    private var isHandshaking = true
    private var isAnnounced = false
    private var isEnded = false

    /// What the verify callback decided; handed to the machine when the handshake is finished.
    private var decision: PolicyDecision?

    init(id: UInt64, channel: any Channel, shard: LoopShard) {
        self.id = id
        self.channel = channel
        self.address = SourceAddress(channel.remoteAddress)
        self.shard = shard
        self.acceptedAt = .now()
        self.denialEvents = TokenBucket(rate: 0.1, burst: 10, now: self.acceptedAt)
        self.machine = SessionStateMachine(limits: shard.limits, credentials: shard.upstream.credentials)
    }

    /// Makes the device's end of the pipeline: TLS, then packets.
    func addHandlers() throws {
        let tls = TLSHandler(context: self.shard.tlsContext) { [unowned self] certificate in
            self.authorize(certificate)
        }
        let packets = PacketHandler(side: .device, session: self, limits: self.shard.codecLimits)
        self.deviceHandler = packets
        try self.channel.pipeline.syncOperations.addHandlers([tls, packets])
    }

    var connection: ConnectionDescription {
        ConnectionDescription(id: self.id, remoteAddress: self.channel.remoteAddress?.hostAndPort ?? "unknown")
    }

    // MARK: Identity

    /// Judges the certificate within the handshake, so that a refusal reaches the device as the right alert.
    private func authorize(_ certificate: PeerCertificate) -> TLSVerdict {
        let attributes = CertificateAttributes(certificate)
        let decision = self.shard.profiles.decide(attributes)
        self.decision = decision
        self.certificate = attributes
        switch decision {
        case .granted: return .allowed
        case .denied(let denial): return .denied(code: denial.code.rawValue, alert: .accessDenied)
        }
    }

    /// An event of the device's pipeline: the end of its handshake is the one that matters.
    func deviceEvent(_ event: Any) {
        guard event is TLSHandshakeCompleted else { return }
        self.handshakeEnded()
        switch self.decision {
        case .granted(let grant):
            self.decision = nil
            self.device = DeviceDescription(
                deviceID: grant.deviceID, tenant: grant.tenant, profile: grant.profileName
            )
            self.shard.metrics.handshakeAccepted(after: .now() - self.acceptedAt)
            if let notAfter = self.certificate?.notAfter { self.shard.sessionExpires(at: notAfter) }
            self.run(self.machine.authenticated(grant))
        case .denied(let denial):
            // New profiles came between the verify callback and the end of the handshake.
            self.end(Self.grantLost(denial))
        case .none:
            // The TLS layer reports no handshake without an allowed verdict; without one, nothing is carried.
            self.end(
                SessionEnd(.internalError, .gateway, answer: nil, "a handshake was reported without a verdict")
            )
        }
    }

    /// New profiles: the same certificate is judged again.
    func profilesChanged() {
        guard let certificate = self.certificate else { return }
        let decision = self.shard.profiles.decide(certificate)
        guard let held = self.machine.grant else {
            if self.isHandshaking { self.decision = decision }
            return
        }
        switch decision {
        case .denied(let denial):
            self.end(Self.grantLost(denial))
        case .granted(let grant):
            if grant == held { return }
            guard grant.sameIdentity(as: held), grant.profileName == held.profileName else {
                self.end(
                    SessionEnd(
                        .profileChanged, .operator, answer: .administrativeAction,
                        "the new profiles give this certificate another identity or profile"
                    )
                )
                return
            }
            self.run(self.machine.regranted(grant, now: .now()))
        }
    }

    private static func grantLost(_ denial: PolicyDenial) -> SessionEnd {
        SessionEnd(
            SessionEnd.Code(rawValue: denial.code.rawValue), .operator, answer: .notAuthorized,
            "the new profiles grant this certificate nothing"
        )
    }

    /// The certificate's notAfter, if it has passed at `unixSeconds`, ends the session.
    ///
    /// - Returns: the notAfter if it is still to come.
    func expire(at unixSeconds: Int64) -> Int64? {
        guard let notAfter = self.certificate?.notAfter else { return nil }
        guard notAfter < unixSeconds else { return notAfter }
        self.end(
            SessionEnd(
                .certificateExpired, .device, answer: .notAuthorized, "the device's certificate reached its notAfter"
            )
        )
        return nil
    }

    // MARK: What the handlers tell

    func received(byteCount: Int, from side: Side) {
        self.shard.metrics.received(byteCount: byteCount, from: side)
    }

    func received(_ frame: MQTTFrame, from side: Side) {
        self.shard.metrics.receivedPacket(from: side)
        switch side {
        case .device:
            let (action, delay) = self.machine.receivedFromDevice(frame, now: .now())
            if let delay { self.throttleDevice(for: delay) }
            self.run(action, from: .device)
        case .broker:
            self.run(self.machine.receivedFromBroker(frame, now: .now()), from: .broker)
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
            self.handshakeEnded()
            // A policy's refusal is counted by the policy's own code, as it is logged.
            self.shard.metrics.handshakeRefused(reason: error.deniedCode ?? error.code.rawValue)
            if case .denied(let denial) = self.decision, let certificate = error.peerCertificate {
                self.shard.send(
                    .policyDenied(
                        connection: self.connection, certificate: certificate, reason: denial.code.rawValue,
                        detail: denial.detail
                    )
                )
            } else {
                self.shard.send(.handshakeFailed(connection: self.connection, error: error))
            }
            self.isEnded = true
            _ = self.machine.end(SessionEnd(tlsError: error))
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

    private func handshakeEnded() {
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

    // MARK: Running actions

    private func run(_ action: SessionStateMachine.PacketAction, from side: Side) {
        switch action {
        case .lifecycle(let actions): self.run(actions)
        case .carried(let outcome): self.run(outcome, from: side)
        }
    }

    private func run(_ outcome: CarriedSession.Outcome, from side: Side) {
        let (sender, receiver) =
            switch side {
            case .device: (self.deviceHandler, self.brokerHandler)
            case .broker: (self.brokerHandler, self.deviceHandler)
            }
        switch outcome {
        case .forward(let bytes, let denial):
            receiver?.send(bytes)
            if let denial { self.denied(denial) }
        case .forwardParts(let head, let payload):
            receiver?.send(head)
            receiver?.send(payload)
        case .absorb(let answer, let probe, let denial):
            if let answer { sender?.send(answer) }
            if let probe { self.brokerHandler?.send(probe) }
            if let denial { self.denied(denial) }
        case .forwardAndEnd(let bytes, let end):
            receiver?.send(bytes)
            self.end(end)
        case .end(let end):
            self.end(end)
        }
    }

    private func denied(_ reason: String) {
        self.shard.metrics.denied(reason: reason)
        // Every denial is counted; a device that does nothing else must not fill the log and push others out of it.
        guard let device = self.device, self.denialEvents.take(now: .now()) else { return }
        self.shard.send(.packetDenied(connection: self.connection, device: device, reason: reason))
    }

    private func run(_ actions: [SessionStateMachine.Action]) {
        for action in actions {
            switch action {
            case .armDeadline(let deadline): self.arm(deadline)
            case .cancelDeadline: self.deadline?.cancel()
            case .dial: self.dial()
            case .sendToDevice(let bytes): self.deviceHandler?.send(bytes)
            case .sendToBroker(let bytes): self.brokerHandler?.send(bytes)
            case .settleFraming(let version, let devicePacketBytesMax):
                self.deviceHandler?.settleFraming(version, packetBytesMax: devicePacketBytesMax)
                self.brokerHandler?.settleFraming(version, packetBytesMax: self.shard.limits.packetBytesMax)
            case .announceEstablished: self.announceEstablished()
            case .end(let end): self.finish(end)
            }
        }
        guard !actions.isEmpty else { return }
        self.readCompleted()
        self.updateHolds()
    }

    private func arm(_ deadline: SessionStateMachine.Deadline) {
        self.deadline?.cancel()
        let timeout =
            switch deadline {
            case .connect: self.shard.limits.connectTimeout
            case .connack: self.shard.limits.upstreamConnackTimeout
            }
        self.deadline = self.channel.eventLoop.assumeIsolated().scheduleTask(in: timeout) { [weak self] in
            guard let self else { return }
            self.run(self.machine.deadlinePassed(deadline))
        }
    }

    private func announceEstablished() {
        guard let device = self.device else { return }
        self.isAnnounced = true
        self.shard.metrics.connected(after: .now() - self.acceptedAt)
        self.shard.metrics.sessionsChanged(profile: device.profile, by: 1)
        self.shard.send(.sessionEstablished(connection: self.connection, device: device))
    }

    private func finish(_ end: SessionEnd) {
        self.deadline?.cancel()
        self.throttle?.cancel()
        if !self.isEnded, self.isHandshaking {
            // A connection that was reset, or a shutdown, before there was a session to end.
            self.isEnded = true
            self.handshakeEnded()
            self.shard.metrics.handshakeRefused(reason: end.code.rawValue)
            self.shard.send(.sessionEnded(connection: self.connection, device: nil, end: end))
        }
        if !self.isEnded {
            self.isEnded = true
            if self.isAnnounced, let device = self.device {
                self.shard.metrics.sessionsChanged(profile: device.profile, by: -1)
            }
            self.shard.metrics.sessionEnded(end)
            if let denial = end.denial { self.shard.metrics.denied(reason: denial) }
            self.shard.send(.sessionEnded(connection: self.connection, device: self.device, end: end))
        }
        // Both after what was written to them: the device's last packet says why, the broker's is the device's own.
        self.deviceHandler?.closeAfterFlush(flushTimeout: Self.flushTimeout)
        self.brokerHandler?.closeAfterFlush(flushTimeout: Self.flushTimeout)
    }

    // MARK: The broker's side

    private func dial() {
        let handler = PacketHandler(side: .broker, session: self, limits: self.shard.codecLimits)
        self.shard.upstream.connect(on: self.channel.eventLoop, handler: handler)
            .assumeIsolated().whenComplete { result in
                switch result {
                case .success(let broker):
                    guard !self.isEnded else {
                        broker.close(mode: .all, promise: nil)
                        return
                    }
                    self.brokerHandler = handler
                    self.run(self.machine.upstreamConnected())
                case .failure:
                    self.run(self.machine.upstreamFailed("the broker cannot be reached"))
                }
            }
    }

    // MARK: Back-pressure

    /// A side is read only while the session can take its packets and both sides take what they lead to: the device's
    /// packets go to the broker and their refusals back to the device, and the other way round.
    private func updateHolds() {
        let isWritable = (self.deviceHandler?.isWritable ?? true) && (self.brokerHandler?.isWritable ?? true)
        self.deviceHandler?.setHeld(!isWritable || self.machine.holdsDevice || self.throttle != nil)
        self.brokerHandler?.setHeld(!isWritable)
    }

    private func throttleDevice(for delay: TimeAmount) {
        guard self.throttle == nil else { return }
        self.throttle = self.channel.eventLoop.assumeIsolated().scheduleTask(in: delay) { [weak self] in
            guard let self else { return }
            self.throttle = nil
            self.updateHolds()
        }
        self.updateHolds()
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

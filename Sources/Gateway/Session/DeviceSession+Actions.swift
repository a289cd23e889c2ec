internal import FleetPolicy
internal import MQTTCodec
internal import NIOCore
internal import NIOMbedTLS

/// Runs the state machine's actions.
extension DeviceSession {
    /// How long a closed session's last bytes may take: about three retransmissions on a slow link.
    private static let flushTimeout = TimeAmount.seconds(10)

    func run(_ action: SessionStateMachine.PacketAction, from side: Side) {
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

    func run(_ actions: [SessionStateMachine.Action]) {
        for action in actions {
            switch action {
            case .armDeadline(let deadline): self.arm(deadline)
            case .cancelDeadline: self.deadline?.cancel()
            case .askAuthority(let question): self.ask(question)
            case .claimPlace(let claim): self.claim(claim)
            case .dial(let upstream): self.dial(upstream)
            case .sendToDevice(let bytes): self.deviceHandler?.send(bytes)
            case .sendToBroker(let bytes): self.brokerHandler?.send(bytes)
            case .settleFraming(let version, let devicePacketBytesMax):
                self.deviceHandler?.settleFraming(version, packetBytesMax: devicePacketBytesMax)
                self.brokerHandler?.settleFraming(version, packetBytesMax: self.shard.limits.packetBytesMax)
            case .countDenial(let reason): self.denied(reason)
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
            case .admission: self.shard.limits.admissionTimeout
            case .connack: self.shard.limits.upstreamConnackTimeout
            }
        self.deadline = self.channel.eventLoop.assumeIsolated().scheduleTask(in: timeout) { [weak self] in
            guard let self else { return }
            self.run(self.machine.deadlinePassed(deadline))
        }
    }

    private func ask(_ question: AdmissionQuestion) {
        guard let key = self.key, let presented = self.presented else {
            self.end(SessionStateMachine.outOfTurn("a device was to be admitted before it was known"))
            return
        }
        let revocation = self.revocationQuestion(question.revocation)
        if question.revocation == .hardFail, revocation == nil {
            self.end(.revocationUnknown("the certificate of the device's issuer is not known"))
            return
        }
        self.isAsking = true
        self.shard.ask(
            AdmissionRequest(
                device: key, registration: question.registration, secondFactor: question.secondFactor,
                password: question.password, certificate: presented.certificate,
                remoteAddress: self.connection.remoteAddress, revocation: revocation
            ),
            for: self
        )
    }

    private func claim(_ claim: ConnectionClaim) {
        self.clientIdentifier = claim.clientIdentifier
        self.shard.ownership.claim(claim, by: self.id)
    }

    private func announceEstablished() {
        guard let device = self.device, let presented = self.presented, let handshake = self.handshake else { return }
        self.isAnnounced = true
        self.presented = nil
        self.shard.metrics.connected(after: .now() - self.acceptedAt)
        self.shard.metrics.sessionsChanged(device, by: 1)
        self.shard.send(
            .sessionEstablished(
                connection: self.connection, device: device, certificate: presented.certificate,
                clientID: self.clientIdentifier ?? "", handshake: handshake
            )
        )
    }

    private func finish(_ end: SessionEnd) {
        self.deadline?.cancel()
        self.throttle?.cancel()
        self.presented = nil
        if !self.isEnded, self.isHandshaking {
            // A connection that was reset, or a shutdown, before there was a session to end.
            self.isEnded = true
            self.handshakeEnded()
            self.shard.metrics.handshakeRefused(reason: end.code.rawValue)
            self.shard.send(.sessionEnded(connection: self.connection, device: nil, handshake: nil, end: end))
        }
        if !self.isEnded {
            self.isEnded = true
            if self.isAnnounced, let device = self.device {
                self.shard.metrics.sessionsChanged(device, by: -1)
            }
            self.shard.metrics.sessionEnded(end)
            if let denial = end.denial { self.shard.metrics.denied(reason: denial) }
            self.shard.send(
                .sessionEnded(
                    connection: self.connection, device: self.device, handshake: self.handshake, end: end))
        }
        // Both after what was written to them: the device's last packet says why, the broker's is the device's own.
        self.deviceHandler?.closeAfterFlush(flushTimeout: Self.flushTimeout)
        self.brokerHandler?.closeAfterFlush(flushTimeout: Self.flushTimeout)
        self.giveBack()
    }

    /// Gives back what the session holds elsewhere. Another session may go on because of it, at once.
    private func giveBack() {
        if self.isAsking {
            self.isAsking = false
            self.shard.withdrawQuestion(of: self)
        }
        guard let key = self.key else { return }
        if let entry = self.indexEntry { self.shard.sessionEnded(self, entry) }
        if self.clientIdentifier != nil {
            self.clientIdentifier = nil
            self.shard.ownership.release(self.id, of: key)
        }
    }

    // MARK: The broker's side

    private func dial(_ upstream: String?) {
        guard let connector = self.shard.upstreams[upstream] else {
            self.end(SessionStateMachine.outOfTurn("an upstream is gone that was there"))
            return
        }
        let handler = PacketHandler(side: .broker, session: self, limits: self.shard.codecLimits)
        connector.connect(on: self.channel.eventLoop, handler: handler)
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
    func updateHolds() {
        let isWritable = (self.deviceHandler?.isWritable ?? true) && (self.brokerHandler?.isWritable ?? true)
        self.deviceHandler?.setHeld(!isWritable || self.machine.holdsDevice || self.throttle != nil)
        self.brokerHandler?.setHeld(!isWritable)
    }

    func throttleDevice(for delay: TimeAmount) {
        guard self.throttle == nil else { return }
        self.throttle = self.channel.eventLoop.assumeIsolated().scheduleTask(in: delay) { [weak self] in
            guard let self else { return }
            self.throttle = nil
            self.updateHolds()
        }
        self.updateHolds()
    }
}

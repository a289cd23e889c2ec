import NIOCore

/// The life of one simulated device as a value: facts go in, actions come out. It knows no channel, no clock and no
/// other device; ``DeviceRunner`` runs the actions.
struct DeviceSession: Sendable {
    var state: State = .idle
    var history = DeviceHistory()
    let settings: DeviceSettings
    var generator: SeededGenerator
    /// Failures since the server last accepted it.
    var failuresInRow = 0
    var isLinkUp = true
    /// What is under way while it is connected or draining.
    var traffic = Traffic()
    /// When the next new certificate is due; nil before the first connection.
    var rotationDue: NIODeadline?
    var isRenewing = false

    init(settings: DeviceSettings, generator: SeededGenerator) {
        self.settings = settings
        self.generator = generator
        self.history.deedFollowsConnack = settings.conduct.conduct.deedFollowsConnack
    }

    /// Whether it has a connection that the server accepted.
    var isConnected: Bool {
        switch state {
        case .connected, .draining: true
        case .idle, .booting, .connecting, .handshaking, .misbehaving, .awaitingClose, .awaitingConnack, .leaving,
            .asleep, .backingOff, .closed:
            false
        }
    }

    /// Since when; nil if it is not.
    var connectedSince: NIODeadline? { isConnected ? traffic.since : nil }

    /// Whether an attempt waits for its TCP connection.
    var isConnecting: Bool {
        if case .connecting = state { return true }
        return false
    }

    /// Whether it has nothing under way, so that it can be started.
    var isStartable: Bool { state == .idle || state == .closed }

    // MARK: The attempt

    /// The timetable says: power.
    ///
    /// - Parameters:
    ///   - intended: When it said so.
    ///   - possible: When that could be done at the earliest, if that is later.
    ///   - now: When the generator got round to it.
    mutating func startDue(intended: NIODeadline, possible: NIODeadline? = nil, now: NIODeadline) -> [Action] {
        guard isStartable else { return [] }
        let boot = settings.firmware.boot
        guard boot.upperBound > .zero else {
            return beginAttempt(intended: intended, possible: possible, now: now)
        }
        let nanoseconds = Int64.random(
            in: boot.lowerBound.nanoseconds...boot.upperBound.nanoseconds, using: &generator)
        let due = intended + .nanoseconds(nanoseconds)
        state = .booting(until: due)
        return [.arm(.state, at: due)]
    }

    mutating func beginAttempt(intended: NIODeadline, possible: NIODeadline? = nil, now: NIODeadline) -> [Action] {
        guard isLinkUp else {
            // No failure of the target's, and no attempt that could have reached it.
            return [.attemptDecided] + backOff(now: now)
        }
        let delay = max(.zero, now - max(intended, possible ?? intended))
        state = .connecting(Attempt(intendedStart: intended, phaseStart: now, generatorDelay: delay))
        history.attempts += 1
        // Armed first: opening may fail before it returns, and the timer must then be the back-off's.
        return [.record(.attempt), .arm(.state, at: now + settings.connectTimeout), .openConnection]
    }

    /// The generator has what the attempt needs, and makes the connection.
    mutating func connectBegins(now: NIODeadline) -> [Action] {
        guard case .connecting(var attempt) = state, !attempt.hasBegun else { return [] }
        attempt.hasBegun = true
        state = .connecting(attempt)
        return [.record(.startDelay(attempt.generatorDelay + (now - attempt.phaseStart)))]
    }

    /// Whether the attempt is to offer a session, if there is one. Asked once for each attempt.
    mutating func offersSession() -> Bool {
        switch settings.resumption {
        case .never: false
        case .byClass: settings.deviceClass.resumes
        case .always: true
        case .share(let share): Double.random(in: 0..<1, using: &generator) < share
        }
    }

    mutating func connectionOpened(now: NIODeadline) -> [Action] {
        guard case .connecting(var attempt) = state else { return [] }
        attempt.phaseStart = now
        let opened = Action.record(.latency(.tcp, now - attempt.intendedStart))
        switch settings.conduct.conduct {
        case .honest, .topicViolation, .oversizedPacket, .clientIDTheft:
            state = .handshaking(attempt)
            return [opened]
        case .halfOpen:
            state = .misbehaving(attempt)
            return [opened]
        case .garbage:
            state = .misbehaving(attempt)
            return [opened, .sendGarbage(seed: generator.next())]
        case .slowLoris:
            state = .misbehaving(attempt)
            traffic.helloBytesSent = 0
            return [opened] + trickle(now: now)
        }
    }

    /// - Parameter bytes: TLS bytes both ways so far.
    mutating func handshakeCompleted(
        isTLS13: Bool = false, isResumed: Bool = false, bytes: Int = 0, now: NIODeadline
    ) -> [Action] {
        guard case .handshaking(var attempt) = state else { return [] }
        let duration = now - attempt.phaseStart
        attempt.phaseStart = now
        history.handshakes += 1
        history.resumedHandshakes += isResumed ? 1 : 0
        let completed: [Action] = [
            .record(.latency(.tls, duration)), .record(.handshake(resumed: isResumed, bytes: bytes)),
        ]
        switch settings.leaves {
        case .never, .afterConnack:
            state = .awaitingConnack(attempt)
            return completed + [.sendConnect]
        case .afterHandshake where isTLS13:
            state = .awaitingClose(attempt)
            return completed + [.closeConnection]
        case .afterHandshake:
            accepted()
            return completed + [.cancelTimers] + leave(.finish, now: now)
        }
    }

    mutating func accepted() {
        history.connects += 1
        history.isShutOut = false
        failuresInRow = 0
    }

    /// - Parameters:
    ///   - code: 0 for accepted, otherwise the return code of MQTT 3.1.1 or the reason code of MQTT 5.0.
    ///   - serverKeepAlive: What an MQTT 5.0 server asks for instead of ours.
    ///   - receiveMaximum: What an MQTT 5.0 server takes at once.
    mutating func connackReceived(
        code: UInt8, serverKeepAlive: TimeAmount? = nil, receiveMaximum: Int? = nil, now: NIODeadline
    ) -> [Action] {
        guard case .awaitingConnack(let attempt) = state else {
            return connectionFailed("protocol-error", now: now)
        }
        guard code == 0 else {
            return [.record(.connack("connack-\(code)"))] + connectionFailed("connack-\(code)", now: now)
        }
        accepted()
        var actions: [Action] = [
            .record(.connack("accepted")),
            .record(.latency(.connack, now - attempt.phaseStart)),
            .record(.latency(.connected, now - attempt.intendedStart)),
            .cancelTimers,
        ]
        if settings.leaves == .afterConnack {
            actions += leave(.finish, now: now)
            return actions
        }
        state = .connected
        actions.append(.attemptDecided)
        actions += beginTraffic(
            keepAlive: serverKeepAlive ?? settings.keepAlive, receiveMaximum: receiveMaximum, now: now)
        return actions
    }

    // MARK: Failures

    /// The attempt or the connection is over by a failure other than its plain end.
    mutating func connectionFailed(_ code: String, now: NIODeadline) -> [Action] {
        let phase: FailureReason.Phase
        var actions: [Action] = [.cancelTimers]
        switch state {
        case .connecting:
            phase = .tcp
            // One that never got as far as a connection tells of the generator too.
            actions += connectBegins(now: now)
        case .handshaking, .misbehaving: phase = .tls
        case .awaitingClose:
            // The handshake stood, and the server ended the connection without objecting.
            guard code != "eof", code != "tcp-reset" else { return handshakeStood(now: now) }
            phase = .tls
        case .awaitingConnack: phase = .connack
        case .connected, .draining:
            phase = .session
            actions += loseTraffic()
        case .leaving(let departure):
            // The device had its way; how the server takes its leave is no failure of the device's.
            return actions + [.abandonConnection] + left(departure, now: now)
        case .idle, .booting, .asleep, .backingOff, .closed:
            return []
        }
        actions.append(fail(FailureReason(phase, code)))
        actions.append(.abandonConnection)
        if phase != .session {
            history.isShutOut = true
            actions.append(.attemptDecided)
        }
        if case .draining(.finish) = state {
            return actions + finish()
        }
        return actions + backOff(now: now)
    }

    /// The connection ended without an error.
    mutating func connectionClosed(now: NIODeadline) -> [Action] {
        connectionFailed("eof", now: now)
    }

    /// Notes a failure, of whatever kind.
    mutating func fail(_ reason: FailureReason) -> Action {
        history.note(reason)
        return .record(.failure(reason))
    }

    /// Waits by the firmware's policy, or ends.
    mutating func backOff(now: NIODeadline) -> [Action] {
        failuresInRow += 1
        guard var delay = settings.firmware.backoff.delay(afterFailures: failuresInRow, using: &generator) else {
            return finish()
        }
        if !isLinkUp {
            delay = max(delay, SimulatorLimits.linkDownDelayMin)
        }
        state = .backingOff(until: now + delay)
        return [.arm(.state, at: now + delay)]
    }

    mutating func finish() -> [Action] {
        state = .closed
        return [.finished]
    }
}

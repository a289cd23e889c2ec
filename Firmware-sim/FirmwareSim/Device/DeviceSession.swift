import NIOCore

/// The life of one simulated device as a value: facts go in, actions come out. It knows no channel, no clock and no
/// other device; ``DeviceRunner`` runs the actions.
struct DeviceSession: Sendable {
    private(set) var state: State = .idle
    private(set) var history = DeviceHistory()
    private let settings: DeviceSettings
    private var generator: SeededGenerator
    private var failuresInRow = 0
    private var keepAlive: KeepAlive

    init(settings: DeviceSettings, generator: SeededGenerator) {
        self.settings = settings
        self.generator = generator
        self.keepAlive = KeepAlive(interval: settings.keepAlive)
    }

    /// Whether it has a connection that the server accepted.
    var isConnected: Bool {
        switch state {
        case .connected, .draining: true
        case .idle, .connecting, .handshaking, .awaitingConnack, .leaving, .backingOff, .closed: false
        }
    }

    // MARK: The attempt

    /// The timetable says: now. `intended` is when it said so, `now` when the generator got round to it.
    mutating func startDue(intended: NIODeadline, now: NIODeadline) -> [Action] {
        switch state {
        case .idle, .closed:
            return [.record(.startDelay(now - intended))] + beginAttempt(intended: intended, now: now)
        case .connecting, .handshaking, .awaitingConnack, .connected, .draining, .leaving, .backingOff:
            return []
        }
    }

    private mutating func beginAttempt(intended: NIODeadline, now: NIODeadline) -> [Action] {
        state = .connecting(Attempt(intendedStart: intended, phaseStart: now))
        history.attempts += 1
        // Armed first: opening may fail before it returns, and the timer must then be the back-off's.
        return [.record(.attempt), .arm(.state, at: now + settings.connectTimeout), .openConnection]
    }

    mutating func connectionOpened(now: NIODeadline) -> [Action] {
        guard case .connecting(var attempt) = state else { return [] }
        attempt.phaseStart = now
        state = .handshaking(attempt)
        return [.record(.latency(.tcp, now - attempt.intendedStart))]
    }

    mutating func handshakeCompleted(now: NIODeadline) -> [Action] {
        guard case .handshaking(var attempt) = state else { return [] }
        let duration = now - attempt.phaseStart
        attempt.phaseStart = now
        state = .awaitingConnack(attempt)
        return [.record(.latency(.tls, duration)), .sendConnect]
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
        history.connects += 1
        failuresInRow = 0
        var actions: [Action] = [
            .record(.connack("accepted")),
            .record(.latency(.connack, now - attempt.phaseStart)),
            .record(.latency(.connected, now - attempt.intendedStart)),
            .cancelTimers,
        ]
        if settings.leavesAfterConnack {
            actions += leave(now: now)
            return actions
        }
        actions.append(.attemptDecided)
        keepAlive = KeepAlive(interval: serverKeepAlive ?? settings.keepAlive)
        var window = PublishWindow(limit: min(receiveMaximum ?? .max, SimulatorLimits.publishesInFlightMax))
        if settings.publishing.period > .zero {
            // Each device has its own place in the period, or all of them would publish at once for ever.
            let share = Int64.random(in: 0..<settings.publishing.period.nanoseconds, using: &generator)
            window.nextDue = now + .nanoseconds(share)
            actions.append(.arm(.publish, at: window.nextDue))
        }
        state = .connected(window)
        if let due = keepAlive.sent(now: now) {
            actions.append(.arm(.keepAlive, at: due))
        }
        return actions
    }

    // MARK: Failures

    /// The attempt or the connection is over by a failure other than its plain end.
    mutating func connectionFailed(_ code: String, now: NIODeadline) -> [Action] {
        let phase: FailureReason.Phase
        var actions: [Action] = [.cancelTimers]
        switch state {
        case .connecting: phase = .tcp
        case .handshaking: phase = .tls
        case .awaitingConnack: phase = .connack
        case .connected(let window), .draining(let window):
            phase = .session
            actions += lose(window)
        case .leaving:
            // The device had its way; how the server takes its leave is no failure of the device's.
            return finish(actions + [.abandonConnection])
        case .idle, .backingOff, .closed:
            return []
        }
        let reason = FailureReason(phase, code)
        history.lastFailure = reason
        failuresInRow += 1
        actions.append(.record(.failure(reason)))
        actions.append(.abandonConnection)
        if phase != .session {
            actions.append(.attemptDecided)
        }
        if case .draining = state {
            return finish(actions)
        }
        guard let delay = settings.backoff.delay(afterFailures: failuresInRow, using: &generator) else {
            return finish(actions)
        }
        state = .backingOff
        actions.append(.arm(.state, at: now + delay))
        return actions
    }

    /// The connection ended without an error.
    mutating func connectionClosed(now: NIODeadline) -> [Action] {
        connectionFailed("eof", now: now)
    }

    private mutating func lose(_ window: PublishWindow) -> [Action] {
        guard window.outstanding > 0 else { return [] }
        history.unacknowledged += window.outstanding
        return [.record(.publishesLost(window.outstanding))]
    }

    private mutating func finish(_ actions: [Action]) -> [Action] {
        state = .closed
        return actions + [.finished]
    }

    private mutating func leave(now: NIODeadline) -> [Action] {
        state = .leaving
        // Armed first: closing may be over before it returns, and the device be started anew.
        return [.arm(.state, at: now + SimulatorLimits.closeTime), .sendDisconnect, .closeConnection]
    }

    // MARK: Timers

    mutating func timerFired(_ timer: Timer, now: NIODeadline) -> [Action] {
        switch timer {
        case .state: stateTimerFired(now: now)
        case .publish: publishDue(now: now)
        case .keepAlive: keepAliveDue(now: now)
        }
    }

    private mutating func stateTimerFired(now: NIODeadline) -> [Action] {
        switch state {
        case .connecting, .handshaking, .awaitingConnack:
            return connectionFailed("timeout", now: now)
        case .draining:
            return connectionFailed("puback-missing", now: now)
        case .leaving:
            return finish([.cancelTimers, .abandonConnection])
        case .backingOff:
            return beginAttempt(intended: now, now: now)
        case .idle, .connected, .closed:
            return []
        }
    }

    private mutating func publishDue(now: NIODeadline) -> [Action] {
        guard case .connected(var window) = state else { return [] }
        let intended = window.nextDue
        window.nextDue = intended + settings.publishing.period
        var actions: [Action] = [.arm(.publish, at: window.nextDue)]
        switch settings.publishing.qos {
        case 0:
            history.published += 1
            actions += [
                .sendPublish(packetIdentifier: nil), .record(.published), .record(.latency(.send, now - intended)),
            ]
        default:
            if !window.enqueue(intended) {
                actions.append(.record(.publishSkipped))
            }
            actions += takeSendable(&window)
        }
        state = .connected(window)
        // The timer itself is left alone: moving it at each publish would cost more than letting it find out.
        keepAlive.sent(now: now)
        return actions
    }

    private mutating func takeSendable(_ window: inout PublishWindow) -> [Action] {
        var actions: [Action] = []
        while let identifier = window.takeNext() {
            history.published += 1
            actions += [.sendPublish(packetIdentifier: identifier), .record(.published)]
        }
        return actions
    }

    private mutating func keepAliveDue(now: NIODeadline) -> [Action] {
        guard isConnected else { return [] }
        switch keepAlive.due(now: now) {
        case .wait(let next): return [.arm(.keepAlive, at: next)]
        case .ping(let next): return [.sendPing, .arm(.keepAlive, at: next)]
        case .unanswered: return connectionFailed("ping-timeout", now: now)
        }
    }

    // MARK: The server's packets

    mutating func pingResponseReceived() {
        keepAlive.answered()
    }

    /// - Parameter code: 0 under MQTT 3.1.1, otherwise the reason code; below 128 it is a success.
    mutating func pubackReceived(packetIdentifier: UInt16, code: UInt8, now: NIODeadline) -> [Action] {
        switch state {
        case .connected(var window):
            guard let intended = window.acknowledge(packetIdentifier) else {
                return connectionFailed("protocol-error", now: now)
            }
            var actions = recordAcknowledgement(code: code, latency: now - intended)
            actions += takeSendable(&window)
            state = .connected(window)
            return actions
        case .draining(var window):
            guard let intended = window.acknowledge(packetIdentifier) else {
                return connectionFailed("protocol-error", now: now)
            }
            let actions = recordAcknowledgement(code: code, latency: now - intended)
            state = .draining(window)
            return window.outstanding == 0 ? actions + [.cancelTimers] + leave(now: now) : actions
        case .idle, .connecting, .handshaking, .awaitingConnack, .leaving, .backingOff, .closed:
            return []
        }
    }

    private mutating func recordAcknowledgement(code: UInt8, latency: TimeAmount) -> [Action] {
        guard code < 0x80 else {
            history.refusedPublishes += 1
            return [.record(.failure(FailureReason(.session, "puback-\(code)")))]
        }
        history.acknowledged += 1
        return [.record(.latency(.publish, latency))]
    }

    /// An MQTT 5.0 server said why it ends the connection.
    mutating func disconnectReceived(code: UInt8, now: NIODeadline) -> [Action] {
        connectionFailed("disconnect-\(code)", now: now)
    }

    // MARK: The end of the run

    /// The run is over: take leave, or give up what is not connected.
    mutating func stopRequested(now: NIODeadline) -> [Action] {
        switch state {
        case .idle, .backingOff:
            return finish([.cancelTimers])
        case .connecting, .handshaking, .awaitingConnack:
            return finish([.record(.attemptAbandoned), .cancelTimers, .abandonConnection, .attemptDecided])
        case .connected(var window):
            window.dropWaiting()
            guard window.outstanding > 0 else { return [.cancelTimers] + leave(now: now) }
            state = .draining(window)
            return [.cancelTimers, .arm(.state, at: now + SimulatorLimits.drainTime)]
        case .draining, .leaving, .closed:
            return []
        }
    }
}

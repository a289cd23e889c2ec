import NIOCore

/// How a device goes: of its own accord, by order, or because power or link are gone.
extension DeviceSession {
    /// Takes leave now.
    mutating func leave(_ departure: Departure, now: NIODeadline) -> [Action] {
        let saysGoodbye = isConnected || settings.leaves != .afterHandshake
        state = .leaving(departure)
        // Armed first: closing may be over before it returns, and the device be started anew.
        let armed = Action.arm(.state, at: now + SimulatorLimits.closeTime)
        return saysGoodbye ? [armed, .sendDisconnect, .closeConnection] : [armed, .closeConnection]
    }

    /// Takes leave as soon as what is outstanding is acknowledged.
    mutating func depart(_ departure: Departure, now: NIODeadline) -> [Action] {
        let skipped = skipWaiting()
        traffic.update = nil
        guard traffic.window.outstanding > 0 else { return skipped + [.cancelTimers] + leave(departure, now: now) }
        state = .draining(departure)
        return skipped + [.cancelTimers, .arm(.state, at: now + SimulatorLimits.drainTime)]
    }

    /// The connection that it left is over.
    mutating func left(_ departure: Departure, now: NIODeadline) -> [Action] {
        switch departure {
        case .finish:
            return finish()
        case .sleep(let time):
            state = .asleep(until: now + time)
            return [.arm(.state, at: now + time)]
        case .reconnect:
            return beginAttempt(intended: now, now: now)
        case .backOff:
            return backOff(now: now)
        }
    }

    /// A handshake that was all that was wanted has been taken by the server.
    mutating func handshakeStood(now: NIODeadline) -> [Action] {
        accepted()
        return [.cancelTimers, .abandonConnection] + finish()
    }

    // MARK: By order

    /// Take leave, or give up what is not connected.
    mutating func stopRequested(now: NIODeadline) -> [Action] {
        switch state {
        case .idle, .booting, .backingOff, .asleep:
            return [.cancelTimers] + finish()
        case .connecting, .handshaking, .misbehaving, .awaitingClose, .awaitingConnack:
            return abandonAttempt(now: now) + finish()
        case .connected:
            return depart(.finish, now: now)
        case .draining:
            state = .draining(.finish)
            return []
        case .leaving:
            state = .leaving(.finish)
            return []
        case .closed:
            return []
        }
    }

    private mutating func abandonAttempt(now: NIODeadline) -> [Action] {
        connectBegins(now: now) + [.record(.attemptAbandoned), .cancelTimers, .abandonConnection, .attemptDecided]
    }

    /// Power off: no word to the server. What was outstanding is not counted as lost, which would blame the server.
    mutating func powerLost(now: NIODeadline) -> [Action] {
        switch state {
        case .idle, .closed:
            return []
        case .booting, .backingOff, .asleep:
            return [.cancelTimers] + finish()
        case .connecting, .handshaking, .misbehaving, .awaitingClose, .awaitingConnack:
            return abandonAttempt(now: now) + finish()
        case .connected, .draining, .leaving:
            traffic = Traffic()
            return [.cancelTimers, .abandonConnection] + finish()
        }
    }

    // MARK: Link

    /// The link is gone: the connection with it, without a word and without blaming the server. (The kernel still ends
    /// the TCP connection towards the server: in one process there is no way to vanish altogether.)
    mutating func linkLost(now: NIODeadline) -> [Action] {
        isLinkUp = false
        switch state {
        case .idle, .booting, .backingOff, .asleep, .closed:
            return []
        case .connecting, .handshaking, .misbehaving, .awaitingClose, .awaitingConnack:
            return abandonAttempt(now: now) + backOff(now: now)
        case .connected, .draining(.sleep), .draining(.reconnect), .draining(.backOff):
            traffic = Traffic()
            return [.cancelTimers, .abandonConnection] + backOff(now: now)
        case .draining(.finish):
            traffic = Traffic()
            return [.cancelTimers, .abandonConnection] + finish()
        case .leaving(let departure):
            return [.cancelTimers, .abandonConnection] + left(departure, now: now)
        }
    }

    /// The link is back; the device comes back as its back-off has it.
    mutating func linkRestored() -> [Action] {
        isLinkUp = true
        return []
    }

    // MARK: Sleep and rotation

    mutating func sleepDue(now: NIODeadline) -> [Action] {
        guard case .connected = state, let sleep = settings.sleep else { return [] }
        return depart(.sleep(sleep.asleep), now: now)
    }

    /// Whether the connection under way is the last one with the present certificate.
    var isChangingIdentity: Bool {
        switch state {
        case .draining(.reconnect), .leaving(.reconnect): true
        case .idle, .booting, .connecting, .handshaking, .misbehaving, .awaitingClose, .awaitingConnack, .connected,
            .draining, .leaving, .asleep, .backingOff, .closed:
            isRenewing
        }
    }

    mutating func rotationDue(now: NIODeadline) -> [Action] {
        guard case .connected = state, let rotation = settings.firmware.rotation, !isRenewing else { return [] }
        isRenewing = true
        let next = now + rotation
        rotationDue = next
        return [.renewCredential, .arm(.rotation, at: next)]
    }

    /// The host made a new key and certificate, or could not.
    mutating func credentialRenewed(succeeded: Bool, now: NIODeadline) -> [Action] {
        guard isRenewing else { return [] }
        isRenewing = false
        guard succeeded else {
            return isConnected ? [fail(FailureReason(.session, "renewal-failed"))] : []
        }
        // A device that is away or on its way connects with the new one anyway, the next time.
        guard case .connected = state else { return [] }
        return depart(.reconnect, now: now)
    }
}

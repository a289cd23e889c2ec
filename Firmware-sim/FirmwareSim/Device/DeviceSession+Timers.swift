import NIOCore

/// What a device does when a time has come.
extension DeviceSession {
    mutating func timerFired(_ timer: Timer, now: NIODeadline) -> [Action] {
        switch timer {
        case .state: stateTimerFired(now: now)
        case .keepAlive: keepAliveDue(now: now)
        case .telemetry(let stream): telemetryDue(stream, now: now)
        case .command: commandDue(now: now)
        case .commandTimeout: commandTimedOut(now: now)
        case .update: updateDue(now: now)
        case .updateChunk: continueUpdate(now: now)
        case .sleep: sleepDue(now: now)
        case .rotation: rotationDue(now: now)
        case .trickle: trickle(now: now)
        }
    }

    private mutating func stateTimerFired(now: NIODeadline) -> [Action] {
        switch state {
        case .booting(let due), .backingOff(let due), .asleep(let due):
            return beginAttempt(intended: due, now: now)
        case .connecting, .handshaking, .awaitingClose, .awaitingConnack:
            return connectionFailed("timeout", now: now)
        case .misbehaving:
            return connectionFailed("still-open", now: now)
        case .connected where history.deedFollowsConnack:
            return connectionFailed("puback-missing", now: now)
        case .draining:
            return connectionFailed("puback-missing", now: now)
        case .leaving(let departure):
            return [.cancelTimers, .abandonConnection] + left(departure, now: now)
        case .idle, .connected, .closed:
            return []
        }
    }

    private mutating func keepAliveDue(now: NIODeadline) -> [Action] {
        guard isConnected else { return [] }
        switch traffic.keepAlive.due(now: now) {
        case .wait(let next): return [.arm(.keepAlive, at: next)]
        case .ping(let next): return [.sendPing, .arm(.keepAlive, at: next)]
        case .unanswered: return connectionFailed("ping-timeout", now: now)
        }
    }

    /// A few more bytes of a ClientHello whose last one never comes.
    mutating func trickle(now: NIODeadline) -> [Action] {
        guard case .misbehaving = state else { return [] }
        let from = traffic.helloBytesSent
        let to = min(from + SimulatorLimits.trickleBytes, MisdeedBytes.helloBytes - 1)
        guard from < to else { return [] }
        traffic.helloBytesSent = to
        return [.sendHello(from..<to), .arm(.trickle, at: now + SimulatorLimits.trickleInterval)]
    }
}

import NIOCore

/// The plain counts, small enough to be looked at while the run goes on.
struct RunCounters: Sendable, Equatable {
    var attempts = 0
    /// Attempts under way when the run ended.
    var abandoned = 0
    /// TLS handshakes finished on the client's side, full and resumed.
    var handshakes = 0
    /// Of those.
    var resumedHandshakes = 0
    /// TLS bytes of the full ones, both ways.
    var fullHandshakeBytes = 0
    var resumedHandshakeBytes = 0
    /// Connections the server accepted with CONNACK.
    var connects = 0
    var failures = 0
    var published = 0
    var acknowledged = 0
    var publishesLost = 0
    var publishesSkipped = 0
    /// Publishes from the server.
    var received = 0
    var receivedBytes = 0
    var commandsSent = 0
    var commandsAnswered = 0
    var commandsUnanswered = 0

    var fullHandshakes: Int { handshakes - resumedHandshakes }

    mutating func record(_ observation: Observation) {
        switch observation {
        case .attempt:
            attempts += 1
        case .attemptAbandoned:
            abandoned += 1
        case .handshake(let resumed, let bytes):
            handshakes += 1
            if resumed {
                resumedHandshakes += 1
                resumedHandshakeBytes += bytes
            } else {
                fullHandshakeBytes += bytes
            }
        case .latency(let kind, _):
            switch kind {
            case .connected: connects += 1
            case .publish: acknowledged += 1
            case .command: commandsAnswered += 1
            case .tcp, .tls, .connack, .send, .established: break
            }
        case .failure:
            failures += 1
        case .published:
            published += 1
        case .publishesLost(let count):
            publishesLost += count
        case .publishSkipped:
            publishesSkipped += 1
        case .received(let bytes):
            received += 1
            receivedBytes += bytes
        case .commandSent:
            commandsSent += 1
        case .commandUnanswered:
            commandsUnanswered += 1
        case .startDelay, .connack:
            break
        }
    }

    mutating func merge(_ other: RunCounters) {
        attempts += other.attempts
        abandoned += other.abandoned
        handshakes += other.handshakes
        resumedHandshakes += other.resumedHandshakes
        fullHandshakeBytes += other.fullHandshakeBytes
        resumedHandshakeBytes += other.resumedHandshakeBytes
        connects += other.connects
        failures += other.failures
        published += other.published
        acknowledged += other.acknowledged
        publishesLost += other.publishesLost
        publishesSkipped += other.publishesSkipped
        received += other.received
        receivedBytes += other.receivedBytes
        commandsSent += other.commandsSent
        commandsAnswered += other.commandsAnswered
        commandsUnanswered += other.commandsUnanswered
    }

    /// What happened since `earlier`, which was taken from the same counts.
    func since(_ earlier: RunCounters) -> RunCounters {
        var difference = RunCounters()
        difference.attempts = attempts - earlier.attempts
        difference.abandoned = abandoned - earlier.abandoned
        difference.handshakes = handshakes - earlier.handshakes
        difference.resumedHandshakes = resumedHandshakes - earlier.resumedHandshakes
        difference.fullHandshakeBytes = fullHandshakeBytes - earlier.fullHandshakeBytes
        difference.resumedHandshakeBytes = resumedHandshakeBytes - earlier.resumedHandshakeBytes
        difference.connects = connects - earlier.connects
        difference.failures = failures - earlier.failures
        difference.published = published - earlier.published
        difference.acknowledged = acknowledged - earlier.acknowledged
        difference.publishesLost = publishesLost - earlier.publishesLost
        difference.publishesSkipped = publishesSkipped - earlier.publishesSkipped
        difference.received = received - earlier.received
        difference.receivedBytes = receivedBytes - earlier.receivedBytes
        difference.commandsSent = commandsSent - earlier.commandsSent
        difference.commandsAnswered = commandsAnswered - earlier.commandsAnswered
        difference.commandsUnanswered = commandsUnanswered - earlier.commandsUnanswered
        return difference
    }
}

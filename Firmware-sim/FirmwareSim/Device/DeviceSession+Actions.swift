import NIOCore

extension DeviceSession {
    enum State: Sendable, Equatable {
        /// Waits for its intended start. Can transition to: booting, connecting, backingOff, closed.
        case idle
        /// Has power, and does not connect yet. Can transition to: connecting, backingOff, closed.
        case booting(until: NIODeadline)
        /// The TCP connection is being made. Can transition to: handshaking, misbehaving, backingOff, closed.
        case connecting(Attempt)
        /// TCP stands, the TLS handshake runs. Can transition to: awaitingConnack, awaitingClose, leaving, backingOff,
        /// closed.
        case handshaking(Attempt)
        /// TCP stands, and instead of a handshake there is mischief, until the server ends it or the time is over. Can
        /// transition to: backingOff, closed.
        case misbehaving(Attempt)
        /// A TLS 1.3 handshake is over on this side and nothing more is wanted; close_notify is sent. Only the server's
        /// end of the connection tells that it did not refuse the certificate. Can transition to: backingOff, closed.
        case awaitingClose(Attempt)
        /// The handshake is over on this side, CONNECT is sent; whether the server takes the certificate is not known
        /// yet (TLS 1.3). Can transition to: connected, leaving, backingOff, closed.
        case awaitingConnack(Attempt)
        /// The server accepted the device. Can transition to: draining, leaving, backingOff, closed.
        case connected
        /// Wants to go, waits for outstanding acknowledgements. Can transition to: leaving, backingOff, closed.
        case draining(Departure)
        /// DISCONNECT is sent, the connection is ending by our will. Can transition to: asleep, connecting, backingOff,
        /// closed.
        case leaving(Departure)
        /// Away by its sleep cycle. Can transition to: connecting, backingOff, closed.
        case asleep(until: NIODeadline)
        /// Waits before the next attempt. Can transition to: connecting, closed.
        case backingOff(until: NIODeadline)
        /// Has no connection and wants none. Can transition to: booting, connecting, backingOff (only when told to start
        /// again).
        case closed
    }

    struct Attempt: Sendable, Equatable {
        /// When the device meant to begin it: all its latencies count from here or from the end of the phase before.
        var intendedStart: NIODeadline
        /// When the present phase began.
        var phaseStart: NIODeadline
        /// How much later than it could the generator got round to it.
        var generatorDelay: TimeAmount = .zero
        /// Whether the connection is being made: until then the generator makes what the attempt needs.
        var hasBegun = false
    }

    /// What a device does after it has left of its own accord.
    enum Departure: Sendable, Equatable {
        /// Nothing more.
        case finish
        /// Comes back after this time.
        case sleep(TimeAmount)
        /// Comes back at once, with its new certificate.
        case reconnect
        /// Comes back as after a failure: its misdeed is done.
        case backOff
    }

    enum Timer: Sendable, Equatable {
        /// The one deadline of the present state: of booting, the attempt, the back-off, draining, leaving or sleep.
        case state
        case keepAlive
        /// By its place in ``Firmware/telemetry``.
        case telemetry(Int)
        case command
        /// Of the command that waits longest.
        case commandTimeout
        case update
        /// More of the update under way.
        case updateChunk
        /// The end of the time awake.
        case sleep
        case rotation
        /// The next few bytes of a handshake that is meant never to end.
        case trickle
    }

    /// What a publish is about; its topic and payload are made when it is sent.
    enum Message: Sendable, Equatable {
        /// By its place in ``Firmware/telemetry``.
        case telemetry(Int)
        /// - Parameter turn: How many came before it, which settles whom it is for.
        case command(identifier: UInt32, turn: Int)
        case answer(CommandAnswer)
        case updateChunk(turn: Int, bytes: Int)
        case misdeed
    }

    enum Action: Sendable, Equatable {
        case openConnection
        case sendConnect
        case sendSubscribe(packetIdentifier: UInt16)
        /// A packet identifier for QoS 1, none for QoS 0.
        case sendPublish(Message, packetIdentifier: UInt16?)
        case sendPuback(packetIdentifier: UInt16)
        case sendPing
        case sendDisconnect
        /// Bytes that are no TLS, drawn from this seed.
        case sendGarbage(seed: UInt64)
        /// A piece of a ClientHello.
        case sendHello(Range<Int>)
        /// TLS close_notify, then the end of the connection.
        case closeConnection
        /// At once, without a word.
        case abandonConnection
        /// Have the host make a new key and certificate.
        case renewCredential
        /// Replaces the timer of the same name.
        case arm(Timer, at: NIODeadline)
        case cancelTimers
        case record(Observation)
        /// The attempt is decided: whoever counts attempts under way may begin another.
        case attemptDecided
        /// There is no connection and none to come; nothing is left to do.
        case finished
    }
}

import NIOCore

extension DeviceSession {
    enum State: Sendable, Equatable {
        /// Waits for its intended start. Can transition to: connecting, closed.
        case idle
        /// The TCP connection is being made. Can transition to: handshaking, backingOff, closed.
        case connecting(Attempt)
        /// TCP stands, the TLS handshake runs. Can transition to: awaitingConnack, backingOff, closed.
        case handshaking(Attempt)
        /// The handshake is over on this side, CONNECT is sent; whether the server takes the certificate is not known
        /// yet (TLS 1.3). Can transition to: connected, leaving, backingOff, closed.
        case awaitingConnack(Attempt)
        /// The server accepted the device. Can transition to: draining, leaving, backingOff, closed.
        case connected(PublishWindow)
        /// Told to stop, waits for outstanding acknowledgements. Can transition to: leaving, closed.
        case draining(PublishWindow)
        /// DISCONNECT is sent, the connection is ending by our will. Can transition to: closed.
        case leaving
        /// Waits before the next attempt. Can transition to: connecting, closed.
        case backingOff
        /// Has no connection and wants none. Can transition to: connecting (only when told to start again).
        case closed
    }

    struct Attempt: Sendable, Equatable {
        /// When the device meant to begin it: all its latencies count from here or from the end of the phase before.
        var intendedStart: NIODeadline
        /// When the present phase began.
        var phaseStart: NIODeadline
    }

    enum Timer: Sendable, Equatable {
        /// The one deadline of the present state: of the attempt, of the back-off, of draining or of leaving.
        case state
        case publish
        case keepAlive
    }

    enum Action: Sendable, Equatable {
        case openConnection
        case sendConnect
        /// A packet identifier for QoS 1, none for QoS 0.
        case sendPublish(packetIdentifier: UInt16?)
        case sendPing
        case sendDisconnect
        /// TLS close_notify, then the end of the connection.
        case closeConnection
        /// At once, without a word.
        case abandonConnection
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

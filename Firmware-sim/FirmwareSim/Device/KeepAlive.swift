import NIOCore

/// When to send PINGREQ, and when its answer is overdue (MQTT 5.0 section 3.1.2.10).
struct KeepAlive: Sendable, Equatable {
    enum Verdict: Equatable {
        /// Something was sent meanwhile: look again then.
        case wait(until: NIODeadline)
        case ping(next: NIODeadline)
        /// The last PINGREQ had no answer.
        case unanswered
    }

    private let interval: TimeAmount
    private var lastSent: NIODeadline = .uptimeNanoseconds(0)
    private var isAwaitingAnswer = false

    init(interval: TimeAmount) {
        self.interval = interval
    }

    /// Three quarters of the interval: a server may end the connection after one and a half, and a device keeps clear.
    private var pause: TimeAmount { .nanoseconds(interval.nanoseconds / 4 * 3) }

    /// A packet was sent. When to look again, or nil if keep-alive is off.
    @discardableResult
    mutating func sent(now: NIODeadline) -> NIODeadline? {
        guard interval > .zero else { return nil }
        lastSent = now
        return now + pause
    }

    mutating func answered() {
        isAwaitingAnswer = false
    }

    mutating func due(now: NIODeadline) -> Verdict {
        if isAwaitingAnswer { return .unanswered }
        guard lastSent + pause <= now else { return .wait(until: lastSent + pause) }
        isAwaitingAnswer = true
        lastSent = now
        return .ping(next: now + pause)
    }
}

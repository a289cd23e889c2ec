public import NIOCore

/// Shares out an event loop's time between handshakes and everything else.
///
/// A full handshake is some 0.3 ms of arithmetic, which nothing interrupts. When a thousand devices come together, an event
/// loop that did what each of them sent as it comes would do a thousand of these in a row before it looks at any other
/// connection. With this, it spends no more than the budget between two looks at its sockets; what is beyond it waits, in
/// the order in which it came, and the sockets are looked at after every turn. Without a storm nothing ever waits.
///
/// Those who wait are bounded by whoever admits connections: each handshake waits at most once. Confined to its event loop,
/// as are the handlers that share it.
public final class TLSHandshakeTurns {
    private struct Waiting {
        let handler: TLSHandler
        let context: ChannelHandlerContext
    }

    private let eventLoop: any EventLoop
    private let budget: TimeAmount
    private var waiting = CircularBuffer<Waiting>()
    /// Since the sockets were last looked at.
    private var spent = TimeAmount.nanoseconds(0)
    private var isEndOfTurnComing = false

    /// What one turn may take by default. A message and its acknowledgement wait for a turn each.
    public static let budget = TimeAmount.microseconds(250)
    /// A task that is due at once would be run before the sockets are looked at.
    private static let pause = TimeAmount.microseconds(20)

    /// - Parameters:
    ///   - eventLoop: of all handlers that share this.
    ///   - budget: what handshakes may take between two looks at the sockets; one step is done whatever it takes.
    public init(eventLoop: any EventLoop, budget: TimeAmount = TLSHandshakeTurns.budget) {
        self.eventLoop = eventLoop
        self.budget = budget
    }

    /// How many handshakes wait.
    public var waitingCount: Int { self.waiting.count }
    /// Called when one more waits (1), and when one does not any more (-1).
    public var waitingChanged: (_ change: Int) -> Void = { _ in }

    /// Runs a step of a handshake now, if there is time and nobody else waits.
    ///
    /// - Returns: false when it has to wait; then ``TLSHandler/takeTurn(_:)`` is called when its turn has come.
    func step(_ handler: TLSHandler, _ context: ChannelHandlerContext, _ body: () -> Void) -> Bool {
        defer { self.expectEndOfTurn() }
        guard self.waiting.isEmpty, self.spent < self.budget else {
            self.waiting.append(Waiting(handler: handler, context: context))
            self.waitingChanged(1)
            return false
        }
        self.measure(body)
        return true
    }

    private func measure(_ body: () -> Void) {
        let began = NIODeadline.now()
        body()
        self.spent = self.spent + (NIODeadline.now() - began)
    }

    /// Tasks are run when everything that the sockets brought has been seen to, in the order in which they were given: so
    /// this comes after all that the handshakes of a turn have left to do.
    private func expectEndOfTurn() {
        guard !self.isEndOfTurnComing else { return }
        self.isEndOfTurnComing = true
        self.eventLoop.assumeIsolated().execute {
            self.endTurn()
        }
    }

    private func endTurn() {
        self.isEndOfTurnComing = false
        self.spent = .nanoseconds(0)
        guard !self.waiting.isEmpty else { return }
        self.isEndOfTurnComing = true
        self.eventLoop.assumeIsolated().scheduleTask(in: Self.pause) {
            self.takeTurns()
        }
    }

    /// Some of those who wait; the sockets were looked at before this.
    private func takeTurns() {
        while let next = self.waiting.popFirst() {
            self.waitingChanged(-1)
            self.measure { next.handler.takeTurn(next.context) }
            if self.spent >= self.budget { break }
        }
        self.isEndOfTurnComing = false
        self.expectEndOfTurn()
    }
}

@available(*, unavailable)
extension TLSHandshakeTurns: Sendable {}

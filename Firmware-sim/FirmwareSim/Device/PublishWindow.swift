import NIOCore

/// The publishes of one connection that are due or under way. Each remembers when it was meant to be sent, so that one
/// held up by its predecessors counts its waiting.
struct PublishWindow: Sendable, Equatable {
    /// When the next publish of the timetable is due.
    var nextDue: NIODeadline = .uptimeNanoseconds(0)
    private let limit: Int
    private var inFlight: [(identifier: UInt16, intended: NIODeadline)] = []
    private var waiting: [NIODeadline] = []
    private var lastIdentifier: UInt16 = 0

    /// - Parameter limit: QoS 1 publishes that may be unacknowledged at once; at least 1.
    init(limit: Int) {
        self.limit = max(1, limit)
    }

    /// Publishes sent and not acknowledged.
    var outstanding: Int { inFlight.count }

    /// Notes that one is due. False: too many are waiting already, and it is not remembered.
    mutating func enqueue(_ intended: NIODeadline) -> Bool {
        guard waiting.count < SimulatorLimits.publishesWaitingMax else { return false }
        waiting.append(intended)
        return true
    }

    /// The packet identifier of the next publish that may be sent now.
    mutating func takeNext() -> UInt16? {
        guard inFlight.count < limit, !waiting.isEmpty else { return nil }
        let intended = waiting.removeFirst()
        // There are more identifiers than the window has places, so one is always free.
        repeat {
            lastIdentifier = lastIdentifier == .max ? 1 : lastIdentifier + 1
        } while inFlight.contains { $0.identifier == lastIdentifier }
        inFlight.append((lastIdentifier, intended))
        return lastIdentifier
    }

    /// When the acknowledged publish was meant to be sent; nil if the server acknowledged what was never sent.
    mutating func acknowledge(_ identifier: UInt16) -> NIODeadline? {
        guard let index = inFlight.firstIndex(where: { $0.identifier == identifier }) else { return nil }
        return inFlight.remove(at: index).intended
    }

    mutating func dropWaiting() {
        waiting.removeAll()
    }

    static func == (lhs: PublishWindow, rhs: PublishWindow) -> Bool {
        lhs.nextDue == rhs.nextDue && lhs.limit == rhs.limit && lhs.waiting == rhs.waiting
            && lhs.lastIdentifier == rhs.lastIdentifier
            && lhs.inFlight.elementsEqual(rhs.inFlight) { $0 == $1 }
    }
}

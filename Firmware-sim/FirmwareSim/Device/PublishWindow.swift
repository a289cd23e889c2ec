import NIOCore

/// The publishes of one connection that are due or under way. Each remembers when it was meant to be sent, so that one
/// held up by its predecessors counts its waiting.
struct PublishWindow: Sendable, Equatable {
    struct Entry: Sendable, Equatable {
        var message: DeviceSession.Message
        var intended: NIODeadline
    }

    private struct InFlight: Sendable, Equatable {
        var identifier: UInt16
        var entry: Entry
    }

    private let limit: Int
    private var inFlight: [InFlight] = []
    private var waiting: [Entry] = []
    private var lastIdentifier: UInt16 = 0

    /// - Parameter limit: QoS 1 publishes that may be unacknowledged at once; at least 1.
    init(limit: Int) {
        self.limit = max(1, limit)
    }

    /// Publishes sent and not acknowledged.
    var outstanding: Int { inFlight.count }
    /// Whether a publish that became due now would be sent now.
    var hasRoom: Bool { waiting.isEmpty && inFlight.count < limit }

    /// Notes that one is due. False: too many are waiting already, and it is not remembered.
    mutating func enqueue(_ entry: Entry) -> Bool {
        guard waiting.count < SimulatorLimits.publishesWaitingMax else { return false }
        waiting.append(entry)
        return true
    }

    /// The next publish that may be sent now, and its packet identifier.
    mutating func takeNext() -> (identifier: UInt16, message: DeviceSession.Message)? {
        guard inFlight.count < limit, !waiting.isEmpty else { return nil }
        let entry = waiting.removeFirst()
        let identifier = nextIdentifier()
        inFlight.append(InFlight(identifier: identifier, entry: entry))
        return (identifier, entry.message)
    }

    /// A packet identifier that no publish under way has.
    mutating func nextIdentifier() -> UInt16 {
        // There are more identifiers than the window has places, so one is always free.
        repeat {
            lastIdentifier = lastIdentifier == .max ? 1 : lastIdentifier + 1
        } while inFlight.contains { $0.identifier == lastIdentifier }
        return lastIdentifier
    }

    /// The publish that was acknowledged; nil if the server acknowledged what was never sent.
    mutating func acknowledge(_ identifier: UInt16) -> Entry? {
        guard let index = inFlight.firstIndex(where: { $0.identifier == identifier }) else { return nil }
        return inFlight.remove(at: index).entry
    }

    /// - Returns: How many were waiting.
    mutating func dropWaiting() -> Int {
        defer { waiting.removeAll() }
        return waiting.count
    }
}

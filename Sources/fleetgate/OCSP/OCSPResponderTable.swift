/// The responders that are asked, each with who waits for a turn there. Owned by ``OCSPClient``.
struct OCSPResponderTable {
    /// Bundles with settings of their own do not share a responder's turns.
    struct Place: Sendable, Hashable {
        let address: String
        let bundle: String
    }

    enum Turn: Sendable, Hashable {
        case ask
        /// Wait with ``waits(_:at:_:)``.
        case wait(UInt64)
        case refused(String)
    }

    /// Nil: the turn has come. A text: it will not, and why.
    typealias Waiter = CheckedContinuation<String?, Never>

    private struct Responder {
        var state: OCSPResponderState
        var waiters: [UInt64: Waiter] = [:]
    }

    /// Certificates name them, so that their number is somebody else's. Beyond it those that rest are forgotten.
    private static let respondersMax = 256

    private let clock: OCSPClock
    private var responders: [Place: Responder] = [:]
    private var nextID: UInt64 = 0

    init(clock: OCSPClock) { self.clock = clock }

    var brokenCount: Int { responders.values.count { $0.state.isBroken } }

    func isBroken(_ place: Place) -> Bool { responders[place]?.state.isBroken ?? false }

    /// Forgets the responders that rest: they are tried again, with the new settings.
    mutating func adopt(_ settings: OCSPSettings) { responders = responders.filter { !$0.value.state.isIdle } }

    mutating func wants(_ place: Place, concurrency: Int) -> Turn {
        if responders[place] == nil {
            if responders.count >= Self.respondersMax { responders = responders.filter { !$0.value.state.isIdle } }
            guard responders.count < Self.respondersMax else {
                return .refused("more than \(Self.respondersMax) responders are being asked")
            }
        }
        var responder = responders[place] ?? Responder(state: OCSPResponderState(concurrency: concurrency))
        nextID &+= 1
        let turn = responder.state.wants(nextID, now: clock.elapsed())
        responders[place] = responder
        switch turn {
        case .ask: return .ask
        case .wait: return .wait(nextID)
        case .refused(let reason): return .refused(reason)
        }
    }

    mutating func waits(_ id: UInt64, at place: Place, _ waiter: Waiter) {
        guard responders[place] != nil else { return waiter.resume(returning: Self.closed) }
        responders[place]?.waiters[id] = waiter
    }

    mutating func gaveUp(_ id: UInt64, at place: Place) {
        guard responders[place]?.state.gaveUp(id) ?? false else { return }
        responders[place]?.waiters.removeValue(forKey: id)?.resume(
            returning: "the responder had no time for the question")
    }

    mutating func finished(_ place: Place, _ outcome: OCSPResponderState.Outcome) {
        guard let release = responders[place]?.state.finished(outcome, now: clock.elapsed()) else { return }
        for id in release.asking { responders[place]?.waiters.removeValue(forKey: id)?.resume(returning: nil) }
        for id in release.refused {
            responders[place]?.waiters.removeValue(forKey: id)?.resume(returning: release.reason)
        }
    }

    mutating func close() {
        for responder in responders.values {
            for waiter in responder.waiters.values { waiter.resume(returning: Self.closed) }
        }
        responders = [:]
    }

    private static let closed = "the gateway stops"
}

/// Whose turn it is at one responder, and whether it is asked at all. A value that says what to do.
///
/// So many questions are in flight; others wait, in order. After several failures in a row nobody asks for a while, which
/// doubles with each further failure; then one question tries, and the others go on with it or not.
struct OCSPResponderState: Sendable {
    enum Turn: Sendable, Hashable {
        /// Ask, and say with ``finished(_:now:)`` how it went.
        case ask
        /// Wait: ``finished(_:now:)`` of others says when.
        case wait
        /// Do not ask. The reason is for the operator.
        case refused(String)
    }

    enum Outcome: Sendable, Hashable {
        /// The responder does its work, whatever it said.
        case answered
        /// It did not, and would not have for another question either.
        case failed(String)
    }

    /// Who waited, and what becomes of them.
    struct Release: Sendable, Hashable {
        var asking: [UInt64] = []
        var refused: [UInt64] = []
        var reason = ""
    }

    private enum Health: Sendable, Hashable {
        /// Can transition to: working, broken.
        case working(failures: Int)
        /// Nobody asks before `until`. Can transition to: trying.
        case broken(until: Duration, pause: Duration, reason: String)
        /// One question is out to see whether it answers again. Can transition to: working, broken.
        case trying(pause: Duration, reason: String)
    }

    /// In a row; then nobody asks for a while. A single lost packet is not a responder that is down.
    static let failuresMax = 5
    /// The first pause, and the longest.
    static let pauseMin: Duration = .seconds(5)
    static let pauseMax: Duration = .seconds(300)
    /// Questions that wait. More would wait longer than a device does.
    static let waitingMax = 1024

    private let concurrency: Int
    private var health = Health.working(failures: 0)
    private var inFlight = 0
    private var waiting: [UInt64] = []

    init(concurrency: Int) { self.concurrency = max(1, concurrency) }

    var isIdle: Bool { inFlight == 0 && waiting.isEmpty }
    /// Whether questions are refused after failures.
    var isBroken: Bool {
        switch health {
        case .working: false
        case .broken, .trying: true
        }
    }

    /// Somebody wants to ask.
    mutating func wants(_ id: UInt64, now: Duration) -> Turn {
        switch health {
        case .working:
            if inFlight < concurrency {
                inFlight += 1
                return .ask
            }
            guard waiting.count < Self.waitingMax else { return .refused("too many questions wait for the responder") }
            waiting.append(id)
            return .wait
        case .broken(let until, let pause, let reason):
            guard now >= until else { return .refused(Self.pausing(reason)) }
            health = .trying(pause: pause, reason: reason)
            inFlight += 1
            return .ask
        case .trying(_, let reason): return .refused(Self.pausing(reason))
        }
    }

    /// A question that was in flight has ended.
    mutating func finished(_ outcome: Outcome, now: Duration) -> Release {
        inFlight = max(0, inFlight - 1)
        switch outcome {
        case .answered:
            health = .working(failures: 0)
        case .failed(let reason):
            switch health {
            case .working(let failures):
                guard failures + 1 >= Self.failuresMax else {
                    health = .working(failures: failures + 1)
                    break
                }
                return pause(Self.pauseMin, reason, now)
            case .trying(let pause, _):
                return self.pause(min(pause * 2, Self.pauseMax), reason, now)
            case .broken:
                // One of those that were under way when it broke.
                break
            }
        }
        guard case .working = health else { return Release() }
        var release = Release()
        while inFlight < concurrency, !waiting.isEmpty {
            inFlight += 1
            release.asking.append(waiting.removeFirst())
        }
        return release
    }

    /// Somebody waits no longer. False: it does not wait, because its turn has come.
    mutating func gaveUp(_ id: UInt64) -> Bool {
        guard let place = waiting.firstIndex(of: id) else { return false }
        waiting.remove(at: place)
        return true
    }

    private mutating func pause(_ pause: Duration, _ reason: String, _ now: Duration) -> Release {
        health = .broken(until: now + pause, pause: pause, reason: reason)
        defer { waiting = [] }
        return Release(refused: waiting, reason: Self.pausing(reason))
    }

    private static func pausing(_ reason: String) -> String {
        "the responder is not asked for a while, because it failed: \(reason)"
    }
}

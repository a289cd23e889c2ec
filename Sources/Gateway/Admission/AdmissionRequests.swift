internal import FleetPolicy
internal import NIOCore

/// One event loop's questions to the admission authority: so many at a time, the others in the order in which they
/// came. Confined to its loop; the authority works elsewhere.
///
/// Waiting questions are bounded by the connections there are, each of which has one at most, and by the session's
/// deadline. An authority that never answers keeps its places, so that later questions time out: nobody is let in.
final class AdmissionRequests {
    private struct Waiting {
        let request: AdmissionRequest
        let askedAt: NIODeadline
    }

    private let eventLoop: any EventLoop
    private let authority: (any AdmissionAuthority)?
    private let runningMax: Int
    /// What the answers go to: the session's number, its question, and how long it took.
    private let answered: (UInt64, AdmissionRequest, AdmissionVerdict, TimeAmount) -> Void
    private var waiting: [UInt64: Waiting] = [:]
    /// May name questions that were withdrawn.
    private var order = CircularBuffer<UInt64>()
    private var running: [UInt64: Task<Void, Never>] = [:]

    /// - Parameters:
    ///   - runningMax: questions at a time; at least 1.
    ///   - answered: called on the loop, once for each question that was not withdrawn; at once where there is no
    ///     authority.
    init(
        eventLoop: any EventLoop, authority: (any AdmissionAuthority)?, runningMax: Int,
        answered: @escaping (UInt64, AdmissionRequest, AdmissionVerdict, TimeAmount) -> Void
    ) {
        self.eventLoop = eventLoop
        self.authority = authority
        self.runningMax = max(1, runningMax)
        self.answered = answered
    }

    var waitingCount: Int { self.waiting.count }
    var runningCount: Int { self.running.count }
    /// Entries of the queue, those of withdrawn questions too.
    var orderCount: Int { self.order.count }

    /// Asks for a session. One question at a time for each.
    func ask(_ request: AdmissionRequest, for session: UInt64) {
        let now = NIODeadline.now()
        guard self.authority != nil else {
            return self.answered(session, request, request.verdictWithoutAuthority, .zero)
        }
        guard self.waiting[session] == nil, self.running[session] == nil else { return }
        self.waiting[session] = Waiting(request: request, askedAt: now)
        self.order.append(session)
        self.startNext()
    }

    /// The session is over: its question is not asked, or its answer not waited for.
    func withdraw(_ session: UInt64) {
        self.running[session]?.cancel()
        guard self.waiting.removeValue(forKey: session) != nil else { return }
        if self.order.count > 2 * self.waiting.count + 64 {
            self.order = CircularBuffer(self.order.filter { self.waiting[$0] != nil })
        }
    }

    private func startNext() {
        guard let authority = self.authority else { return }
        while self.running.count < self.runningMax, let session = self.order.popFirst() {
            guard let next = self.waiting.removeValue(forKey: session) else { continue }
            let requests = NIOLoopBound(self, eventLoop: self.eventLoop)
            let eventLoop = self.eventLoop
            self.running[session] = Task {
                let verdict = await authority.admit(next.request)
                let isCancelled = Task.isCancelled
                eventLoop.execute {
                    requests.value.finished(session, next, isCancelled ? nil : verdict)
                }
            }
        }
    }

    private func finished(_ session: UInt64, _ question: Waiting, _ verdict: AdmissionVerdict?) {
        self.running[session] = nil
        if let verdict { self.answered(session, question.request, verdict, .now() - question.askedAt) }
        self.startNext()
    }
}

@available(*, unavailable) extension AdmissionRequests: Sendable {}

internal import Synchronization

/// What happens on the data plane, some events at a time: each event loop's in the order in which they happened, handed up
/// 10 ms after it at the latest.
///
/// To be consumed by one task. What it does not take in time is bounded in number, and lost and counted beyond that.
public struct GatewayEvents: AsyncSequence, Sendable {
    public typealias Element = [GatewayEvent]

    fileprivate let batches: AsyncStream<[GatewayEvent]>
    fileprivate let sink: EventSink

    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate var batches: AsyncStream<[GatewayEvent]>.Iterator
        fileprivate let sink: EventSink

        /// The next events, at least one; nil when the gateway has ended.
        public mutating func next() async -> [GatewayEvent]? {
            guard let batch = await self.batches.next() else { return nil }
            self.sink.taken(batch.count)
            return batch
        }
    }

    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(batches: self.batches.makeAsyncIterator(), sink: self.sink)
    }
}

/// The bounded way up from the event loops: events for which there is no room are counted and dropped, because a slow
/// log must never slow a device. Any thread.
final class EventSink: Sendable {
    /// Events waiting for the control plane, at about 300 bytes each: some seconds' worth in a storm.
    static let eventsMax = 16_384

    private let batches: AsyncStream<[GatewayEvent]>
    /// Without a bound of its own, which would be one of batches.
    private let continuation: AsyncStream<[GatewayEvent]>.Continuation
    private let eventsMax: Int
    private let waiting = Atomic<Int>(0)
    private let isLosing = Atomic<Bool>(false)
    private let lost = Atomic<Int>(0)

    /// - Parameter eventsMax: how many may wait.
    init(eventsMax: Int = EventSink.eventsMax) {
        (self.batches, self.continuation) = AsyncStream.makeStream(bufferingPolicy: .unbounded)
        self.eventsMax = eventsMax
    }

    /// What was sent.
    var events: GatewayEvents { GatewayEvents(batches: self.batches, sink: self) }

    /// Whether an event was lost, and not a quarter of the room was free again since: what comes after the first free
    /// place would be lost as well.
    var hasLost: Bool { self.isLosing.load(ordering: .relaxed) }

    /// Events that were dropped since the start.
    var lostCount: Int { self.lost.load(ordering: .relaxed) }

    /// Hands events up, the first ones where there is not room for all.
    ///
    /// - Returns: How many were dropped.
    func send(_ events: [GatewayEvent]) -> Int {
        guard !events.isEmpty else { return 0 }
        let before = self.waiting.add(events.count, ordering: .relaxed).oldValue
        let fitting = max(0, min(events.count, self.eventsMax - before))
        let dropped = events.count - fitting
        if dropped > 0 {
            self.isLosing.store(true, ordering: .relaxed)
            self.lost.wrappingAdd(dropped, ordering: .relaxed)
            self.taken(dropped)
        }
        if fitting > 0 {
            switch self.continuation.yield(dropped == 0 ? events : Array(events.prefix(fitting))) {
            case .enqueued:
                if dropped == 0, self.hasLost, self.eventsMax - before - fitting >= self.eventsMax / 4 {
                    self.isLosing.store(false, ordering: .relaxed)
                }
            case .dropped, .terminated: return self.refused(fitting) + dropped
            @unknown default: return self.refused(fitting) + dropped
            }
        }
        return dropped
    }

    /// Nobody takes events any more.
    private func refused(_ count: Int) -> Int {
        self.isLosing.store(true, ordering: .relaxed)
        self.taken(count)
        self.lost.wrappingAdd(count, ordering: .relaxed)
        return count
    }

    /// Nothing more will be sent.
    func finish() { self.continuation.finish() }

    fileprivate func taken(_ count: Int) { self.waiting.wrappingSubtract(count, ordering: .relaxed) }
}

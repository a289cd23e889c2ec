public import FleetPolicy
internal import Synchronization

/// A newer directory, and which devices are different in it.
public struct DirectoryUpdate: Sendable {
    public let directory: DeviceDirectory
    /// Since the update before; each once, in no order.
    public let changed: [DeviceKey]

    public init(directory: DeviceDirectory, changed: [DeviceKey]) {
        self.directory = directory
        self.changed = changed
    }
}

/// Hands directories to one consumer. While the consumer is busy, updates become one: the newest directory and every
/// device that changed since the consumer took the last. So nothing is lost and nothing piles up.
final class DirectoryUpdates: Sendable {
    private struct State {
        var directory: DeviceDirectory?
        var changed: Set<DeviceKey> = []
        var consumer: CheckedContinuation<DirectoryUpdate?, Never>?
        var isCancelled = false
    }

    private let state = Mutex(State())

    /// Ends for good when the consuming task is cancelled.
    var stream: AsyncStream<DirectoryUpdate> {
        AsyncStream {
            await self.next()
        } onCancel: {
            self.cancel()
        }
    }

    func publish(_ directory: DeviceDirectory, changed: some Sequence<DeviceKey>) {
        let (consumer, update) = state.withLock {
            state -> (CheckedContinuation<DirectoryUpdate?, Never>?, DirectoryUpdate?) in
            guard !state.isCancelled else { return (nil, nil) }
            state.directory = directory
            state.changed.formUnion(changed)
            guard let consumer = state.consumer else { return (nil, nil) }
            state.consumer = nil
            return (consumer, Self.take(&state))
        }
        consumer?.resume(returning: update)
    }

    private func next() async -> DirectoryUpdate? {
        await withCheckedContinuation { continuation in
            let (resumed, update) = state.withLock {
                state -> ([CheckedContinuation<DirectoryUpdate?, Never>], DirectoryUpdate?) in
                if state.isCancelled { return ([continuation], nil) }
                if let update = Self.take(&state) { return ([continuation], update) }
                // There is one consumer; a second ends the first.
                defer { state.consumer = continuation }
                return (state.consumer.map { [$0] } ?? [], nil)
            }
            for continuation in resumed { continuation.resume(returning: update) }
        }
    }

    private func cancel() {
        let consumer = state.withLock { state in
            state.isCancelled = true
            state.directory = nil
            state.changed = []
            defer { state.consumer = nil }
            return state.consumer
        }
        consumer?.resume(returning: nil)
    }

    private static func take(_ state: inout State) -> DirectoryUpdate? {
        guard let directory = state.directory else { return nil }
        defer {
            state.directory = nil
            state.changed = []
        }
        return DirectoryUpdate(directory: directory, changed: Array(state.changed))
    }
}

internal import FleetPolicy
internal import NIOCore
internal import NIOPosix
internal import Testing

@testable internal import Gateway

/// A loop's sessions, as far as ownership sees them: ends what is taken over, and tells of everything in order.
private final class RecordingHost: ConnectionHost {
    enum Told: Sendable, Hashable {
        case answered(UInt64, ConnectionClaim.Answer)
        case takenOver(UInt64)
    }

    lazy var ownership = ConnectionOwnership(index: self.index, host: self)
    private let index: Int
    private let told: AsyncStream<Told>.Continuation
    var keys: [UInt64: DeviceKey] = [:]

    init(index: Int, told: AsyncStream<Told>.Continuation) {
        self.index = index
        self.told = told
    }

    func placeAnswered(_ answer: ConnectionClaim.Answer, to connection: UInt64) {
        self.told.yield(.answered(connection, answer))
    }

    func takenOver(_ connection: UInt64) {
        self.told.yield(.takenOver(connection))
        self.end(connection)
    }

    func end(_ connection: UInt64) {
        guard let key = self.keys.removeValue(forKey: connection) else { return }
        self.ownership.release(connection, of: key)
    }
}

@Suite("ConnectionOwnership: on real event loops")
struct ConnectionOwnershipTests {
    /// For the whole run of the tests.
    private static let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)

    private let loops: [any EventLoop]
    private let hosts: [NIOLoopBound<RecordingHost>]
    private let told: AsyncStream<RecordingHost.Told>

    init() async throws {
        let loops = Array(Self.group.makeIterator())
        let (told, continuation) = AsyncStream.makeStream(of: RecordingHost.Told.self)
        var hosts: [NIOLoopBound<RecordingHost>] = []
        for (index, loop) in loops.enumerated() {
            hosts.append(
                try await loop.submit {
                    NIOLoopBound(RecordingHost(index: index, told: continuation), eventLoop: loop)
                }.get())
        }
        self.loops = loops
        self.hosts = hosts
        self.told = told
        var owners: [NIOLoopBound<ConnectionOwnership>] = []
        for (loop, host) in zip(self.loops, hosts) {
            owners.append(try await loop.submit { NIOLoopBound(host.value.ownership, eventLoop: loop) }.get())
        }
        let all = owners
        for (loop, host) in zip(self.loops, hosts) { try await loop.submit { host.value.ownership.join(all) }.get() }
    }

    private func claim(
        _ connection: UInt64, of key: DeviceKey, on loop: Int, _ onExceeded: ConnectionLimit.ExceededAction = .takeOver
    ) async throws {
        let host = self.hosts[loop]
        let claim = ConnectionClaim(
            key: key, clientIdentifier: key.description, maximum: 1, onExceeded: onExceeded, takesOverOwnName: false)
        try await self.loops[loop].submit {
            host.value.keys[connection] = key
            host.value.ownership.claim(claim, by: connection)
        }.get()
    }

    private func end(_ connection: UInt64, on loop: Int) async throws {
        let host = self.hosts[loop]
        try await self.loops[loop].submit { host.value.end(connection) }.get()
    }

    private func next(_ count: Int) async -> [RecordingHost.Told] {
        var events: [RecordingHost.Told] = []
        var iterator = self.told.makeAsyncIterator()
        while events.count < count, let event = await iterator.next() { events.append(event) }
        return events
    }

    /// Devices owned by either loop, after every message that was sent has been worked off.
    private func owned() async throws -> Int {
        var count = 0
        // A message has led to another at most twice by then: claim, end, release.
        for _ in 0..<4 {
            count = 0
            for (loop, host) in zip(self.loops, self.hosts) {
                count += try await loop.submit { host.value.ownership.deviceCount }.get()
            }
        }
        return count
    }

    @Test("wherever owner, old and new connection live, the old one ends before the new one comes in")
    func takeOver() async throws {
        for number in 0..<32 {
            let key = DeviceKey(tenant: "t", deviceID: "device-\(number)")
            for (old, new) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                try await self.claim(1, of: key, on: old)
                #expect(await self.next(1) == [.answered(1, .granted)])
                try await self.claim(2, of: key, on: new)
                #expect(await self.next(2) == [.takenOver(1), .answered(2, .granted)])
                try await self.end(2, on: new)
            }
        }
        #expect(try await self.owned() == 0)
    }

    @Test("refused across loops, and let in once the other one is gone")
    func refuse() async throws {
        for number in 0..<16 {
            let key = DeviceKey(tenant: "t", deviceID: "device-\(number)")
            try await self.claim(1, of: key, on: 0, .refuse)
            #expect(await self.next(1) == [.answered(1, .granted)])
            try await self.claim(2, of: key, on: 1, .refuse)
            #expect(await self.next(1) == [.answered(2, .refused)])
            try await self.end(2, on: 1)
            try await self.end(1, on: 0)
            _ = try await self.owned()
            try await self.claim(3, of: key, on: 1, .refuse)
            #expect(await self.next(1) == [.answered(3, .granted)])
            try await self.end(3, on: 1)
        }
        #expect(try await self.owned() == 0)
    }

    @Test("a session that ends while it asks leaves nothing behind")
    func endsWhileAsking() async throws {
        for number in 0..<200 {
            let key = DeviceKey(tenant: "t", deviceID: "device-\(number)")
            let loop = number % 2
            let host = self.hosts[loop]
            let claim = ConnectionClaim(
                key: key, clientIdentifier: "d", maximum: 1, onExceeded: .takeOver, takesOverOwnName: false)
            try await self.loops[loop].submit {
                host.value.keys[1] = key
                host.value.ownership.claim(claim, by: 1)
                host.value.end(1)
            }.get()
        }
        #expect(try await self.owned() == 0)
    }
}

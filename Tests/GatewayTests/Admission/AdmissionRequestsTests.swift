internal import FleetPolicy
internal import NIOCore
internal import NIOMbedTLS
internal import NIOPosix
internal import Testing

@testable internal import Gateway

/// Answers when it is told to.
private actor HeldAuthority: AdmissionAuthority {
    private var waiting: [CheckedContinuation<AdmissionVerdict, Never>] = []
    private(set) var asked = 0
    private var arrivals: [(Int, CheckedContinuation<Void, Never>)] = []

    func admit(_ request: AdmissionRequest) async -> AdmissionVerdict {
        self.asked += 1
        return await withCheckedContinuation { continuation in
            self.waiting.append(continuation)
            for (count, arrival) in self.arrivals where count <= self.asked { arrival.resume() }
            self.arrivals.removeAll { $0.0 <= self.asked }
        }
    }

    /// Returns once so many have been asked in all.
    func asked(_ count: Int) async {
        guard self.asked < count else { return }
        await withCheckedContinuation { self.arrivals.append((count, $0)) }
    }

    func answer(_ verdict: AdmissionVerdict) {
        let waiting = self.waiting
        self.waiting = []
        for continuation in waiting { continuation.resume(returning: verdict) }
    }
}

@Suite("AdmissionRequests")
struct AdmissionRequestsTests {
    private struct Answer: Sendable, Equatable {
        let session: UInt64
        let verdict: AdmissionVerdict
    }

    /// Nothing but its being a certificate matters here.
    private static func request(_ number: Int = 1) throws -> AdmissionRequest {
        AdmissionRequest(
            device: DeviceKey(tenant: "t", deviceID: "d\(number)"), registration: nil,
            secondFactor: SecondFactor(passwordHash: "h"), password: [1],
            certificate: try PeerCertificate(parsing: TestCertificate.der), remoteAddress: "test")
    }

    private let loop: any EventLoop = MultiThreadedEventLoopGroup.singleton.any()

    private func make(
        _ authority: (any AdmissionAuthority)?, max: Int
    ) async throws -> (NIOLoopBound<AdmissionRequests>, AsyncStream<Answer>) {
        let (answers, continuation) = AsyncStream.makeStream(of: Answer.self)
        let loop = self.loop
        let requests = try await loop.submit {
            NIOLoopBound(
                AdmissionRequests(eventLoop: loop, authority: authority, runningMax: max) { session, _, verdict, _ in
                    continuation.yield(Answer(session: session, verdict: verdict))
                }, eventLoop: loop)
        }.get()
        return (requests, answers)
    }

    private func on<Value: Sendable>(
        _ requests: NIOLoopBound<AdmissionRequests>, _ body: @escaping @Sendable (AdmissionRequests) -> Value
    ) async throws -> Value {
        try await self.loop.submit { body(requests.value) }.get()
    }

    @Test("nobody to ask: no answer can be had, at once")
    func noAuthority() async throws {
        let (requests, answers) = try await self.make(nil, max: 4)
        let request = try Self.request()
        try await self.on(requests) { $0.ask(request, for: 7) }
        var iterator = answers.makeAsyncIterator()
        let answer = try #require(await iterator.next())
        #expect(answer.session == 7)
        guard case .unavailable = answer.verdict else {
            Issue.record("\(answer)")
            return
        }
    }

    @Test("no more than so many are asked at a time, and those that wait get their turn")
    func bounded() async throws {
        let authority = HeldAuthority()
        let (requests, answers) = try await self.make(authority, max: 2)
        let request = try Self.request()
        try await self.on(requests) { for id in UInt64(1)...5 { $0.ask(request, for: id) } }
        #expect(try await self.on(requests) { $0.runningCount } == 2)
        #expect(try await self.on(requests) { $0.waitingCount } == 3)
        var iterator = answers.makeAsyncIterator()
        var seen: Set<UInt64> = []
        for round in [2, 4, 5] {
            await authority.asked(round)
            await authority.answer(.admitted)
            while seen.count < round, let answer = await iterator.next() {
                #expect(answer.verdict == .admitted)
                seen.insert(answer.session)
            }
        }
        #expect(seen == [1, 2, 3, 4, 5])
        #expect(try await self.on(requests) { $0.runningCount + $0.waitingCount } == 0)
    }

    @Test("a question that is withdrawn is not asked, and one that was asked not answered")
    func withdrawn() async throws {
        let authority = HeldAuthority()
        let (requests, answers) = try await self.make(authority, max: 1)
        let request = try Self.request()
        try await self.on(requests) { for id in UInt64(1)...3 { $0.ask(request, for: id) } }
        await authority.asked(1)
        try await self.on(requests) {
            $0.withdraw(1)
            $0.withdraw(2)
            $0.withdraw(9)
        }
        #expect(try await self.on(requests) { $0.waitingCount } == 1)
        await authority.answer(.admitted)
        await authority.asked(2)
        await authority.answer(.refused(code: "bad-password", detail: ""))
        var iterator = answers.makeAsyncIterator()
        #expect(
            await iterator.next() == Answer(session: 3, verdict: .refused(code: "bad-password", detail: "")))
        #expect(await authority.asked == 2)
    }

    @Test("an authority that never answers does not make the queue grow with those that gave up")
    func stuck() async throws {
        let authority = HeldAuthority()
        let (requests, _) = try await self.make(authority, max: 1)
        let request = try Self.request()
        try await self.on(requests) { requests in
            requests.ask(request, for: 0)
            for id in UInt64(1)...10_000 {
                requests.ask(request, for: id)
                requests.withdraw(id)
            }
        }
        #expect(try await self.on(requests) { $0.waitingCount } == 0)
        #expect(try await self.on(requests) { $0.orderCount } < 100)
        await authority.asked(1)
        await authority.answer(.admitted)
    }
}

internal import NIOCore
internal import NIOEmbedded
internal import Testing

@testable internal import Gateway

@Suite("event batches")
struct EventBatchTests {
    /// How long an event waits for others at most.
    private static let delay = TimeAmount.milliseconds(10)
    /// So many go up without waiting.
    private static let full = 64

    /// A loop's part of the gateway, whose timers run when the test says so, and the way up from it.
    private struct Bench {
        let loop = EmbeddedEventLoop()
        let sink: EventSink
        let shard: LoopShard
        /// Before everything that the shard was sent.
        let began: NIODeadline

        init(eventsMax: Int) throws {
            let listener = ListenerConfiguration(
                name: "default", address: try SocketAddress(ipAddress: "127.0.0.1", port: 0))
            let configuration = GatewayConfiguration(
                listeners: [listener],
                upstream: UpstreamConfiguration(address: UpstreamAddress(.tcp(host: "127.0.0.1", port: 1))),
                eventLoops: 1)
            let contexts = try ListenerContexts(
                configuration.listeners, ["default": TestAuthorities.get().serverTLS()], ticketKeys: nil)
            self.sink = EventSink(eventsMax: eventsMax)
            self.shard = LoopShard(
                index: 0, eventLoop: self.loop, configuration: configuration,
                contexts: try LoopContexts(contexts, configuration), policy: try GatewayBench.policy(),
                counts: ConnectionCounts(), events: self.sink, connectionIDs: ConnectionIDs())
            self.began = .now()
        }

        func send(_ names: String...) {
            for name in names { self.shard.send(EventBatchTests.event(name)) }
        }

        func send(_ numbers: Range<Int>) {
            for number in numbers { self.shard.send(EventBatchTests.event("\(number)")) }
        }

        /// Marks the moment, among what is handed up, with a batch of its own.
        func mark(_ moment: String) { #expect(self.sink.send([EventBatchTests.event(moment)]) == 0) }

        /// The loop's time is as late as it can be when what was sent has waited for long enough.
        func passDelay() { self.loop.advanceTime(to: .now() + EventBatchTests.delay) }
    }

    private static func event(_ name: String) -> GatewayEvent { .connectionsRefused(reason: name, count: 1) }

    /// Uses a new shard. Not async, because an embedded loop stays on the thread that made it.
    private func use(
        eventsMax: Int = EventSink.eventsMax, _ body: (Bench) throws -> Void
    ) throws -> (sink: EventSink, duration: TimeAmount) {
        let bench = try Bench(eventsMax: eventsMax)
        try body(bench)
        let duration = NIODeadline.now() - bench.began
        // Timers that are still there have nothing more to hand up; if they had, it would be seen.
        bench.loop.advanceTime(to: .distantFuture)
        bench.sink.finish()
        return (bench.sink, duration)
    }

    /// The same, within the time that an event waits: the shard reads the system's clock and not the loop's, so what a
    /// machine that paused has done says nothing, and is done again.
    private func useAtOnce(
        eventsMax: Int = EventSink.eventsMax, _ body: (Bench) throws -> Void
    ) throws -> EventSink {
        for _ in 0..<1_000 {
            let (sink, duration) = try self.use(eventsMax: eventsMax, body)
            if duration < Self.delay { return sink }
        }
        throw MachineTooSlow()
    }

    private struct MachineTooSlow: Error {}

    /// What was handed up, batch by batch.
    private func batches(_ sink: EventSink) async -> [[String]] {
        var batches: [[String]] = []
        for await batch in sink.events {
            batches.append(
                batch.map { event in
                    guard case .connectionsRefused(let name, _) = event else { return "\(event)" }
                    return name
                })
        }
        return batches
    }

    @Test("an event that nothing came before goes up at once")
    func first() async throws {
        let (sink, _) = try self.use { bench in
            bench.send("a")
            bench.mark("no timer has run")
        }
        #expect(await self.batches(sink) == [["a"], ["no timer has run"]])
    }

    @Test("and so does one that nothing came before for 10 ms")
    func afterQuiet() async throws {
        let (sink, _) = try self.use { bench in
            bench.send("a")
            // The shard reads the system's clock, so that one has to pass; however long it takes, "b" goes at once.
            let quiet = NIODeadline.now() + Self.delay
            while NIODeadline.now() < quiet {}
            bench.send("b")
            bench.mark("no timer has run")
        }
        #expect(await self.batches(sink) == [["a"], ["b"], ["no timer has run"]])
    }

    @Test("those that come soon after go up together, in their order, 10 ms later and no later")
    func together() async throws {
        let sink = try self.useAtOnce { bench in
            bench.send("a")
            bench.send("b", "c", "d")
            bench.mark("sent")
            bench.loop.advanceTime(to: bench.began + Self.delay - .nanoseconds(1))
            bench.mark("less than 10 ms")
            bench.passDelay()
            bench.mark("10 ms")
        }
        #expect(await self.batches(sink) == [["a"], ["sent"], ["less than 10 ms"], ["b", "c", "d"], ["10 ms"]])
    }

    @Test("what comes after a batch that had waited waits again")
    func again() async throws {
        let sink = try self.useAtOnce { bench in
            for pair in [["a", "b"], ["c", "d"], ["e", "f"]] {
                for name in pair { bench.send(name) }
                bench.mark("waiting")
                bench.passDelay()
            }
        }
        #expect(
            await self.batches(sink) == [
                ["a"], ["waiting"], ["b"], ["waiting"], ["c", "d"], ["waiting"], ["e", "f"],
            ])
    }

    @Test("many go up without waiting, each once and in order, and the rest of them after 10 ms")
    func many() async throws {
        let count = 1 + 3 * Self.full
        let sink = try self.useAtOnce { bench in
            bench.send(0..<count - 1)
            bench.mark("one less")
            bench.send(count - 1..<count + 7)
            bench.mark("sent")
            bench.passDelay()
            bench.mark("10 ms")
        }
        let batches = await self.batches(sink)
        #expect(batches.map(\.count) == [1, Self.full, Self.full, 1, Self.full, 1, 7, 1])
        let marks: Set = ["one less", "sent", "10 ms"]
        #expect(batches.joined().filter { !marks.contains($0) } == (0..<count + 7).map { "\($0)" })
    }

    @Test("of a batch that there is not room for, the first events go up, and the others are counted as lost")
    func lost() async throws {
        var counts: [Int] = []
        let sink = try self.useAtOnce(eventsMax: 4) { bench in
            counts = []
            bench.send(0..<7)
            // What only waits for its time has not been lost yet.
            counts.append(bench.sink.lostCount)
            bench.passDelay()
            counts.append(bench.sink.lostCount)
            bench.send("too late")
            bench.passDelay()
        }
        #expect(counts == [0, 3])
        #expect(sink.hasLost)
        #expect(await self.batches(sink) == [["0"], ["1", "2", "3"]])
        #expect(sink.lostCount == 4)
    }

    @Test("before its loop ends, a shard hands up what still waits, once")
    func end() async throws {
        let sink = try self.useAtOnce { bench in
            bench.send("a", "b", "c")
            bench.mark("waiting")
            bench.shard.sendEvents()
            bench.mark("handed up")
            bench.shard.sendEvents()
            try bench.loop.syncShutdownGracefully()
            bench.mark("ended")
        }
        #expect(await self.batches(sink) == [["a"], ["waiting"], ["b", "c"], ["handed up"], ["ended"]])
        #expect(sink.lostCount == 0)
    }

    @Test("the timer of a batch that was handed up before its time hands up nothing")
    func lateTimer() async throws {
        let sink = try self.useAtOnce { bench in
            bench.send("a", "b")
            bench.shard.sendEvents()
            bench.passDelay()
            bench.mark("10 ms")
        }
        #expect(await self.batches(sink) == [["a"], ["b"], ["10 ms"]])
    }

    @Test("a gateway that ends has handed up every loop's last events, in their order")
    func gatewayEnds() async throws {
        let (events, loops) = try await GatewayBench.with(eventLoops: 2) { bench in
            for (loop, shard) in bench.gateway.shards.enumerated() {
                try await shard.eventLoop.submit {
                    // All but the first wait, mostly for a timer that the loop does not live to run.
                    for number in 0..<10 {
                        shard.value.send(.connectionsRefused(reason: "loop \(loop)", count: number))
                    }
                }.get()
            }
            return (bench.gateway.events, bench.gateway.shards.count)
        }
        var numbers: [String: [Int]] = [:]
        for await batch in events {
            for case .connectionsRefused(let loop, let number) in batch { numbers[loop, default: []].append(number) }
        }
        #expect(loops == 2)
        #expect(numbers == ["loop 0": Array(0..<10), "loop 1": Array(0..<10)])
    }
}

internal import Testing

@testable internal import Gateway

@Suite("the gate")
struct AdmissionGateTests {
    @Test("closed, nobody gets as far as the handshake; sessions go on; open, everybody may come")
    func gate() async throws {
        let gate = AdmissionGate()
        try await GatewayBench.with(gate: gate) { bench in
            _ = try await bench.establish(bench.authorities.device(1))
            gate.close()
            let refused = try await bench.connect(bench.authorities.device(2))
            let events = await refused.rest()
            #expect(!events.contains(.handshaken(isResumed: false)))
            #expect(await bench.live == ["meter-1"])
            gate.open()
            _ = try await bench.establish(bench.authorities.device(2))
        }
    }

    @Test("who was refused in the gateway's last moments is told of too")
    func lastRefusals() async throws {
        let gate = AdmissionGate()
        gate.close()
        let events = try await GatewayBench.with(gate: gate) { bench in
            for number in 1...3 { _ = await (try await bench.connect(bench.authorities.device(number))).rest() }
            return bench.gateway.events
        }
        var refused = 0
        for await batch in events {
            for case .connectionsRefused(AdmissionRefusal.auditUnavailable.rawValue, let count) in batch {
                refused += count
            }
        }
        #expect(refused == 3)
    }

    @Test("events that are lost close the way until a quarter of the room is free")
    func lostEvents() async throws {
        let event = GatewayEvent.connectionsRefused(reason: "test", count: 1)
        let sink = EventSink(eventsMax: 8)
        var events = sink.events.makeAsyncIterator()
        for _ in 0..<4 { #expect(sink.send([event]) == 0) }
        #expect(sink.send([event, event, event]) == 0)
        #expect(!sink.hasLost)
        // One of them still fits.
        #expect(sink.send([event, event, event]) == 2)
        #expect(sink.hasLost)
        #expect(sink.lostCount == 2)
        #expect(await events.next()?.count == 1)
        #expect(sink.send([event]) == 0)
        #expect(sink.hasLost)
        for _ in 0..<3 { #expect(await events.next()?.count == 1) }
        #expect(sink.send([event]) == 0)
        #expect(!sink.hasLost)
        #expect(sink.send([]) == 0)
        sink.finish()
        #expect(sink.send([event]) == 1, "nobody takes it any more")
        #expect(sink.hasLost)
        var rest = 0
        while let batch = await events.next() { rest += batch.count }
        #expect(rest == 6)
    }
}

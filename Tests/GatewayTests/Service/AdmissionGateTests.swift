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

    @Test("events that are lost close the way until a quarter of the stream is free")
    func lostEvents() async throws {
        let event = GatewayEvent.connectionsRefused(reason: "test", count: 1)
        let (stream, continuation) = AsyncStream.makeStream(
            of: GatewayEvent.self, bufferingPolicy: .bufferingOldest(8))
        let sink = EventSink(continuation, eventsMax: 8)
        var events = stream.makeAsyncIterator()
        for _ in 0..<8 { #expect(sink.send(event)) }
        #expect(!sink.hasLost)
        #expect(!sink.send(event))
        #expect(sink.hasLost)
        _ = await events.next()
        #expect(sink.send(event))
        #expect(sink.hasLost)
        for _ in 0..<3 { _ = await events.next() }
        #expect(sink.send(event))
        #expect(!sink.hasLost)
        continuation.finish()
        #expect(!sink.send(event))
        #expect(!sink.hasLost)
    }
}

import NIOCore
import NIOEmbedded
import Testing

@testable import FirmwareSim

@Suite struct HandshakePacingTests {
    struct Bench {
        let channel = EmbeddedChannel()
        let recorder = LinkEmulationTests.Recorder()

        /// A full handshake of 1,000 ms, a resumed one of 100 ms.
        init(offersSession: Bool = false) throws {
            let pacing = HandshakePacing(
                .init(
                    full: .seconds(1), resumed: .milliseconds(100),
                    shares: .init(hello: 0.1, answer: 0.7, finish: 0.2)), offersSession: offersSession)
            try channel.pipeline.syncOperations.addHandlers([pacing, recorder])
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        }

        func advance(_ milliseconds: Int64) {
            channel.embeddedEventLoop.advanceTime(by: .milliseconds(milliseconds))
        }

        func receive(_ bytes: [UInt8]) throws { try channel.writeInbound(ByteBuffer(bytes: bytes)) }

        var deliveries: Int { recorder.events.count - 1 }
        var isPaced: Bool {
            (try? channel.pipeline.syncOperations.handler(type: HandshakePacing.self)) != nil
        }
    }

    @Test(arguments: [(false, 100), (true, 10)])
    func theHelloTakesItsTime(offersSession: Bool, milliseconds: Int64) throws {
        let bench = try Bench(offersSession: offersSession)
        bench.advance(milliseconds - 1)
        #expect(bench.recorder.events.isEmpty)
        bench.advance(1)
        #expect(bench.recorder.events == ["active"])
    }

    @Test func aFullTLS12HandshakeIsPacedTwice() throws {
        let bench = try Bench()
        bench.advance(100)
        try bench.receive(FlightBytes.full12)
        bench.advance(699)
        #expect(bench.deliveries == 0)
        bench.advance(1)
        #expect(bench.deliveries == 1)
        try bench.receive(FlightBytes.changeCipherSpec)
        bench.advance(199)
        #expect(bench.deliveries == 1)
        bench.advance(1)
        #expect(bench.deliveries == 2)
        #expect(!bench.isPaced)
        try bench.receive([23, 3, 3, 0, 1, 0])
        #expect(bench.deliveries == 3)
    }

    @Test(
        arguments: [(FlightBytes.full13, 900), (FlightBytes.resumed13, 90), (FlightBytes.resumed12, 90)]
            as [([UInt8], Int64)])
    func othersAnswerAndFinishAtOnce(flight: [UInt8], milliseconds: Int64) throws {
        let bench = try Bench()
        bench.advance(100)
        try bench.receive(flight)
        bench.advance(milliseconds - 1)
        #expect(bench.deliveries == 0)
        bench.advance(1)
        #expect(bench.deliveries == 1)
        #expect(!bench.isPaced)
    }

    @Test func piecesAreComputedOnFromTheFirst() throws {
        let bench = try Bench()
        bench.advance(100)
        try bench.receive(Array(FlightBytes.full13.prefix(20)))
        bench.advance(400)
        try bench.receive(Array(FlightBytes.full13.dropFirst(20)))
        bench.advance(499)
        #expect(bench.deliveries == 0)
        bench.advance(1)
        #expect(bench.deliveries == 1)
    }

    @Test func aRetryIsAnsweredAtOnce() throws {
        let bench = try Bench()
        bench.advance(100)
        try bench.receive(FlightBytes.retry13)
        #expect(bench.deliveries == 1)
        #expect(bench.isPaced)
        try bench.receive(FlightBytes.full13)
        bench.advance(899)
        #expect(bench.deliveries == 1)
        bench.advance(1)
        #expect(bench.deliveries == 2)
    }

    @Test(arguments: [[21, 3, 3, 0, 2, 2, 40], Array("nonsense".utf8)] as [[UInt8]])
    func whatIsNoFlightIsNotHeldBack(bytes: [UInt8]) throws {
        let bench = try Bench()
        bench.advance(100)
        try bench.receive(bytes)
        #expect(bench.deliveries == 1)
        #expect(!bench.isPaced)
    }

    @Test func aServerThatSpeaksFirstIsHeardAfterTheHello() throws {
        let bench = try Bench()
        try bench.receive([21, 3, 3, 0, 2, 2, 40])
        #expect(bench.recorder.events.isEmpty)
        bench.advance(100)
        #expect(bench.deliveries == 1)
    }

    @Test func theLastWordOfAServerThatLeavesIsHeard() throws {
        let bench = try Bench()
        bench.advance(100)
        try bench.receive(FlightBytes.full12)
        bench.channel.close(promise: nil)
        #expect(bench.deliveries == 2)
        #expect(bench.recorder.events.last == "inactive")
        bench.advance(10_000)
    }
}

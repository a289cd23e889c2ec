import FleetPKI
import NIOCore
import NIOEmbedded
import NIOMbedTLS
import Testing

/// Handshakes of one event loop take turns, and nothing is lost while one waits.
@Suite("handshake turns")
struct TLSHandshakeTurnsTests {
    /// Counts what is asked of the network.
    private final class ReadCounter: ChannelOutboundHandler {
        typealias OutboundIn = ByteBuffer
        var reads = 0

        func read(context: ChannelHandlerContext) {
            self.reads += 1
            context.read()
        }
    }

    /// Notes the order in which reads and their ends reach the application.
    private final class EndOfReads: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        var events: [String] = []

        func channelRead(context: ChannelHandlerContext, data: NIOAny) { self.events.append("data") }
        func channelReadComplete(context: ChannelHandlerContext) { self.events.append("end") }
    }

    private struct Setting {
        let loop = EmbeddedEventLoop()
        let turns: TLSHandshakeTurns
        let server: TLSContext
        let client: TLSContext

        init(_ version: TLSVersion, budget: TimeAmount) throws {
            let credentials = try TLSTestCredentials.get()
            self.turns = TLSHandshakeTurns(eventLoop: self.loop, budget: budget)
            self.server = try TLSContext(credentials.serverConfiguration(version.only))
            self.client = try TLSContext(credentials.clientConfiguration(version.only))
        }

        func serverEnd(_ authorize: @escaping TLSAuthorize = { _ in .allowed }) throws -> TLSEnd {
            let end = try TLSEnd(
                TLSHandler(context: self.server, turns: self.turns, authorize: authorize), on: self.loop)
            try end.activate()
            return end
        }

        func clientEnd() throws -> TLSEnd {
            let end = try TLSEnd(TLSHandler(context: self.client, serverName: .verified("gateway.test")))
            try end.activate()
            return end
        }

        /// Everybody who waits has one turn.
        func passTurns() { self.loop.advanceTime(by: .milliseconds(1)) }
    }

    /// Moves what there is from one end to the other.
    private func move(_ from: TLSEnd, _ to: TLSEnd) throws {
        let bytes = try from.takeOutbound()
        if bytes.readableBytes > 0 { try to.receive(bytes, chunk: nil) }
    }

    /// Without any time of its own, every step waits for its turn.
    @Test(arguments: TLSVersion.testable)
    func aHandshakeThatAlwaysWaitsIsCompletedAllTheSame(_ version: TLSVersion) throws {
        let setting = try Setting(version, budget: .nanoseconds(0))
        let server = try setting.serverEnd()
        let client = try setting.clientEnd()
        for _ in 0..<10 where server.recorder.completed == nil || client.recorder.completed == nil {
            try self.move(client, server)
            setting.passTurns()
            try self.move(server, client)
        }
        #expect(server.recorder.completed != nil)
        #expect(client.recorder.completed != nil)
        #expect(setting.turns.waitingCount == 0)
        client.write("hello")
        try self.move(client, server)
        #expect(server.text == "hello", "an established connection waits for nobody")
    }

    /// With time there is nothing to wait for.
    @Test(arguments: TLSVersion.testable)
    func oneThatHasTimeIsDoneAtOnce(_ version: TLSVersion) throws {
        let setting = try Setting(version, budget: .hours(1))
        let server = try setting.serverEnd()
        let client = try setting.clientEnd()
        for _ in 0..<4 {
            try self.move(client, server)
            #expect(setting.turns.waitingCount == 0)
            try self.move(server, client)
        }
        #expect(server.recorder.completed != nil)
    }

    /// One that waits does no work and asks for no more bytes, so that what it holds is bounded by one read.
    @Test func whoWaitsReadsNothing() throws {
        let setting = try Setting(.v1_2, budget: .nanoseconds(0))
        let server = try setting.serverEnd()
        setting.passTurns()
        let counter = ReadCounter()
        try server.channel.pipeline.syncOperations.addHandler(counter, position: .first)
        let client = try setting.clientEnd()
        try self.move(client, server)
        #expect(setting.turns.waitingCount == 1)
        #expect(try server.takeOutbound().readableBytes == 0)
        // As a channel does by itself after each read (`autoRead`).
        server.channel.read()
        #expect(counter.reads == 0)
        setting.passTurns()
        #expect(try server.takeOutbound().readableBytes > 0)
        #expect(counter.reads == 1)
    }

    @Test func turnsAreTakenInTheOrderOfArrival() throws {
        let setting = try Setting(.v1_2, budget: .nanoseconds(0))
        var counted = 0
        setting.turns.waitingChanged = {
            counted += $0
            #expect(counted == setting.turns.waitingCount)
        }
        let servers = try (0..<3).map { _ in try setting.serverEnd() }
        setting.passTurns()
        for server in [servers[2], servers[0], servers[1]] { try self.move(setting.clientEnd(), server) }
        #expect(setting.turns.waitingCount == 3)
        var answered: [Int] = []
        // One turn, one step: then the sockets are looked at.
        // What the sockets brought has been seen to.
        setting.loop.run()
        #expect(setting.turns.waitingCount == 3)
        for left in [2, 1, 0] {
            setting.loop.advanceTime(by: .microseconds(20))
            for (index, server) in servers.enumerated() where try server.takeOutbound().readableBytes > 0 {
                answered.append(index)
            }
            #expect(setting.turns.waitingCount == left)
        }
        #expect(answered == [2, 0, 1])
    }

    /// What the last flight brings along is delivered in the turn, with the end of the read that the application waits for.
    @Test(.enabled(if: MbedTLSLibrary.supportsTLS13, "a client of TLS 1.2 has no plaintext to send so early"))
    func plaintextOfATurnIsFollowedByTheEndOfARead() throws {
        let setting = try Setting(.v1_3, budget: .nanoseconds(0))
        let server = try setting.serverEnd()
        let end = EndOfReads()
        try server.channel.pipeline.syncOperations.addHandler(end)
        let counter = ReadCounter()
        try server.channel.pipeline.syncOperations.addHandler(counter, position: .first)
        let client = try setting.clientEnd()
        try self.move(client, server)
        setting.passTurns()
        try self.move(server, client)
        client.write("with the last flight")
        try self.move(client, server)
        #expect(!server.recorder.events.contains(.completed))
        end.events = []
        counter.reads = 0
        server.channel.read()
        #expect(counter.reads == 0)
        setting.passTurns()
        #expect(server.text == "with the last flight")
        #expect(end.events.last == "end")
        #expect(
            counter.reads == 1, "a read that was asked for meanwhile is not lost, or nothing would be read any more")
        #expect(server.recorder.events.suffix(2) == [.completed, .data])
    }

    /// A client's alert says more than the end that follows it.
    @Test func anAlertThatWaitsIsHeardBeforeTheEnd() throws {
        let setting = try Setting(.v1_2, budget: .nanoseconds(0))
        let server = try setting.serverEnd()
        setting.passTurns()
        try self.move(setting.clientEnd(), server)
        setting.passTurns()
        // Fatal, unknown_ca (RFC 5246, 7.2).
        try server.receive(ByteBuffer(bytes: [21, 3, 3, 0, 2, 2, 48]), chunk: nil)
        #expect(setting.turns.waitingCount == 1)
        server.loseConnection()
        #expect(server.error?.code == .peerAlert)
        setting.passTurns()
        #expect(server.recorder.errors.count == 1)
    }

    /// A thousand devices that give up together are not a thousand handshakes for nobody.
    @Test func whatIsNoAlertIsNotLookedAtWhenTheConnectionEnds() throws {
        let setting = try Setting(.v1_2, budget: .nanoseconds(0))
        let server = try setting.serverEnd { _ in
            Issue.record("nobody is there to be asked about")
            return .allowed
        }
        let client = try setting.clientEnd()
        try self.move(client, server)
        setting.passTurns()
        try self.move(server, client)
        // Certificate, key exchange, proof and Finished.
        try self.move(client, server)
        #expect(setting.turns.waitingCount == 1)
        server.loseConnection()
        #expect(server.recorder.errors.map(\.code) == [.eofDuringHandshake])
        setting.passTurns()
        #expect(server.recorder.completed == nil)
        #expect(server.recorder.errors.count == 1)
    }

    @Test func whoIsGoneWhenItsTurnComesDoesNothing() throws {
        let setting = try Setting(.v1_2, budget: .nanoseconds(0))
        let gone = try setting.serverEnd { _ in
            Issue.record("nobody is there to be asked about")
            return .allowed
        }
        let other = try setting.serverEnd()
        setting.passTurns()
        try self.move(setting.clientEnd(), gone)
        try self.move(setting.clientEnd(), other)
        gone.loseConnection()
        let errors = gone.recorder.errors.count
        setting.passTurns()
        #expect(gone.recorder.errors.count == errors)
        #expect(try other.takeOutbound().readableBytes > 0, "the next one has its turn")
    }

    /// The time that a handshake may take goes on while it waits.
    @Test func theDeadlineCountsTheWaiting() throws {
        let credentials = try TLSTestCredentials.get()
        let loop = EmbeddedEventLoop()
        let turns = TLSHandshakeTurns(eventLoop: loop, budget: .nanoseconds(0))
        let context = try TLSContext(
            credentials.serverConfiguration { $0.handshakeTimeout = .microseconds(10) })
        let server = try TLSEnd(TLSHandler(context: context, turns: turns) { _ in .allowed }, on: loop)
        try server.activate()
        loop.advanceTime(by: .microseconds(10))
        #expect(server.error?.code == .handshakeTimeout)
        #expect(server.error?.fault == .local, "the peer has not kept anybody waiting")
        loop.advanceTime(by: .milliseconds(1))
        #expect(server.recorder.errors.count == 1)
    }
}

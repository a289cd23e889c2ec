import FleetPKI
import NIOCore
import NIOEmbedded
import NIOMbedTLS
import Testing

/// Peers that do not speak TLS, or stop, or send garbage: every connection ends with one error, and nothing else.
@Suite("hostile peers")
struct HostilePeerTests {
    private func server(_ change: (inout TLSConfiguration) -> Void = { _ in }) throws -> TLSEnd {
        let configuration = try TLSTestCredentials.get().serverConfiguration(
            .v1_2...TLSVersion.highestSupported, change)
        let end = try TLSEnd(TLSHandler(context: TLSContext(configuration)) { _ in .allowed })
        try end.activate()
        return end
    }

    @Test(arguments: [
        ("MQTT CONNECT", [0x10, 0x0C, 0x00, 0x04] + Array("MQTT".utf8) + [4, 2, 0, 60, 0, 0], "MQTT"),
        ("HTTP", Array("GET / HTTP/1.1\r\n\r\n".utf8), "HTTP"),
        ("SSH", Array("SSH-2.0-scan\r\n".utf8), "SSH"),
        ("PROXY", Array("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n".utf8), "PROXY"),
        ("SSL 2", [0x80, 0x2E, 0x01, 0x00, 0x02], "SSL 2"),
        ("an alert first", [0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x28], "not a TLS record"),
        ("a bad major version", [0x16, 0x02, 0x00, 0x00, 0x05], "not a TLS record"),
        ("a bad minor version", [0x16, 0x03, 0x09, 0x00, 0x05], "not a TLS record"),
        ("zeros", [0, 0, 0, 0, 0, 0], "not a TLS record"),
        ("a line", [0x0D, 0x0A], "not a TLS record"),
    ])
    func notTLS(_ name: String, _ bytes: [UInt8], _ detail: String) throws {
        for chunk in [nil, 1] {
            let end = try self.server()
            try end.receive(ByteBuffer(bytes: bytes), chunk: chunk)
            #expect(end.error?.code == .notTLS)
            #expect(end.error?.fault == .peer)
            if chunk == nil {
                #expect(end.error?.detail.contains(detail) == true, "\(String(describing: end.error))")
            }
            #expect(!end.isOpen)
            #expect(try end.takeOutbound().readableBytes == 0)
            #expect(end.recorder.errors.count == 1)
        }
    }

    @Test(arguments: [
        ("an empty handshake record", [0x16, 0x03, 0x01, 0x00, 0x00]),
        ("a record of 65535 bytes", [0x16, 0x03, 0x01, 0xFF, 0xFF]),
        ("a Finished first", [0x16, 0x03, 0x03, 0x00, 0x04, 0x14, 0x00, 0x00, 0x00]),
        (
            "a ClientHello of SSL 3",
            [0x16, 0x03, 0x00, 0x00, 0x2D, 0x01, 0x00, 0x00, 0x29, 0x03, 0x00]
                + [UInt8](repeating: 0, count: 39)
        ),
    ])
    func malformedFirstRecords(_ name: String, _ bytes: [UInt8]) throws {
        for chunk in [nil, 1] {
            let end = try self.server()
            try end.receive(ByteBuffer(bytes: bytes), chunk: chunk)
            let error = try #require(end.error)
            let codes: [TLSError.Code] = [.protocolError, .badRecord, .noSharedVersion, .noSharedCipher]
            #expect(codes.contains(error.code), "\(error)")
            #expect(error.fault == .peer)
            #expect(!end.isOpen)
        }
    }

    @Test func aClientOfAnOldVersion() throws {
        // A ClientHello of TLS 1.1 with one cipher suite and no extensions.
        let hello: [UInt8] =
            [0x16, 0x03, 0x02, 0x00, 0x2D, 0x01, 0x00, 0x00, 0x29, 0x03, 0x02] + [UInt8](repeating: 7, count: 32)
            + [0, 0, 2, 0xC0, 0x2B, 1, 0]
        let end = try self.server()
        try end.receive(ByteBuffer(bytes: hello), chunk: nil)
        #expect(end.error?.code == .noSharedVersion)
        #expect(end.error?.alertSent == .protocolVersion)
        #expect(try Array(end.takeOutbound().readableBytesView.suffix(2)) == [2, 70])
    }

    @Test func halfAConnectionIsNone() throws {
        let credentials = try TLSTestCredentials.get()
        let pair = try TLSPair(
            client: credentials.clientConfiguration(), server: credentials.serverConfiguration())
        try pair.handshake()
        pair.server.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        #expect(pair.server.error?.code == .truncated)
        #expect(!pair.server.isOpen)
        #expect(throws: ChannelError.self) { try pair.client.channel.close(mode: .output).wait() }
    }

    @Test func aPeerThatSaysNothing() throws {
        let end = try self.server { $0.handshakeTimeout = .seconds(10) }
        end.channel.embeddedEventLoop.advanceTime(by: .milliseconds(9_999))
        #expect(end.isOpen)
        end.channel.embeddedEventLoop.advanceTime(by: .milliseconds(1))
        #expect(end.error?.code == .handshakeTimeout)
        #expect(end.error?.fault == .peer)
        #expect(!end.isOpen)
    }

    @Test(arguments: TLSVersion.testable)
    func aPeerThatStopsInTheMiddle(_ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        for isTimeout in [true, false] {
            let end = try self.server()
            let client = try TLSEnd(
                TLSHandler(
                    context: TLSContext(try credentials.clientConfiguration(version.only)),
                    serverName: .verified("gateway.test")))
            try client.activate()
            try end.receive(client.takeOutbound(), chunk: nil)
            if isTimeout {
                end.channel.embeddedEventLoop.advanceTime(by: .seconds(30))
                #expect(end.error?.code == .handshakeTimeout)
            } else {
                end.loseConnection()
                #expect(end.error?.code == .eofDuringHandshake)
                #expect(end.error?.fault == .transport)
            }
            #expect(end.recorder.errors.count == 1)
        }
    }

    @Test func theDeadlineDoesNotOutliveTheHandshake() throws {
        let credentials = try TLSTestCredentials.get()
        let pair = try TLSPair(
            client: credentials.clientConfiguration(), server: credentials.serverConfiguration())
        try pair.handshake()
        pair.server.channel.embeddedEventLoop.advanceTime(by: .hours(1))
        #expect(pair.server.isOpen && pair.server.recorder.errors.isEmpty)
    }

    @Test func aHandshakeWithoutEnd() throws {
        // Alerts of the level "warning" that are ignored, for ever: a ClientHello has to come first.
        let credentials = try TLSTestCredentials.get()
        let end = try self.server { $0.limits.handshakeBytesInMax = 4_096 }
        let client = try TLSEnd(
            TLSHandler(
                context: TLSContext(try credentials.clientConfiguration(TLSVersion.v1_2.only)),
                serverName: .verified("gateway.test")))
        try client.activate()
        try end.receive(client.takeOutbound(), chunk: nil)
        let warning = ByteBuffer(bytes: [0x15, 0x03, 0x03, 0x00, 0x02, 0x01, 0x5A])
        for _ in 0..<1_000 where end.isOpen {
            try end.receive(warning, chunk: nil)
        }
        #expect(!end.isOpen)
        #expect([.handshakeTooLarge, .protocolError].contains(end.error?.code))
        #expect(end.recorder.errors.count == 1)
    }

    @Test(arguments: TLSVersion.testable)
    func writesBeforeTheHandshakeAreBounded(_ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        let client = try TLSEnd(
            TLSHandler(
                context: TLSContext(
                    try credentials.clientConfiguration(version.only) { $0.limits.plaintextHeldMax = 10 }),
                serverName: .verified("gateway.test")))
        let first = client.write("0123456789")
        let second = client.write("x")
        #expect(client.error?.code == .heldPlaintextTooLarge)
        #expect(client.error?.fault == .local)
        #expect(throws: TLSError.self) { try first.wait() }
        #expect(throws: TLSError.self) { try second.wait() }
    }

    @Test(arguments: TLSVersion.testable)
    func aRecordThatWasTamperedWith(_ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        let pair = try TLSPair(
            client: credentials.clientConfiguration(version.only), server: credentials.serverConfiguration())
        try pair.handshake()
        pair.client.write("good")
        pair.client.write("bad")
        try pair.interact { direction, bytes in
            var bytes = bytes
            if direction == .toServer, let last = bytes.readableBytesView.last {
                bytes.setInteger(last ^ 1, at: bytes.writerIndex - 1)
            }
            return bytes
        }
        // What came before the bad record is delivered.
        #expect(pair.server.text == "good")
        #expect(pair.server.error?.code == .badRecord)
        #expect(pair.server.error?.peerCertificate == nil)
        #expect(pair.client.error?.code == .peerAlert)
        #expect(!pair.server.isOpen && !pair.client.isOpen)
    }

    @Test(arguments: TLSVersion.testable)
    func garbageInAnEstablishedConnection(_ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        var random = SeededRandom(seed: 7)
        let client = try TLSContext(try credentials.clientConfiguration(version.only))
        let server = try TLSContext(try credentials.serverConfiguration())
        for _ in 0..<50 {
            let pair = try TLSPair(client, server)
            try pair.handshake()
            try pair.server.receive(random.bytes(count: 200), chunk: nil)
            try pair.server.receive(ByteBuffer(repeating: 0x17, count: 40_000), chunk: 1_000)
            #expect(!pair.server.isOpen)
            #expect(pair.server.recorder.errors.count == 1)
            #expect(pair.server.error?.fault == .peer)
        }
    }

    @Test func randomGarbageFromTheFirstByte() throws {
        var random = SeededRandom(seed: 42)
        let context = try TLSContext(try TLSTestCredentials.get().serverConfiguration())
        for round in 0..<300 {
            let end = try TLSEnd(TLSHandler(context: context) { _ in .allowed })
            try end.activate()
            var bytes = random.bytes(count: 1 + Int(random.next() % 600))
            if round % 2 == 0 {
                // Past the first look: a plausible record header.
                bytes.setBytes([0x16, 0x03, UInt8(round % 5), UInt8(random.next() % 3)], at: 0)
            }
            try end.receive(bytes, chunk: round % 3 == 0 ? 1 : nil)
            end.loseConnection()
            #expect(end.recorder.errors.count == 1)
            #expect(end.recorder.completed == nil)
        }
    }

    /// A client that holds to the protocol except for one byte, anywhere, either way.
    @Test(arguments: TLSVersion.testable)
    func mutatedFlights(_ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        var random = SeededRandom(seed: 1_234)
        let client = try TLSContext(try credentials.clientConfiguration(version.only))
        let server = try TLSContext(try credentials.serverConfiguration())
        for _ in 0..<150 {
            let pair = try TLSPair(client, server)
            var flightsLeft = Int(random.next() % 4)
            var wasMutated = false
            try pair.handshake { _, bytes in
                var bytes = bytes
                if flightsLeft == 0 {
                    let offset = bytes.readerIndex + Int(random.next() % UInt64(bytes.readableBytes))
                    let old: UInt8 = bytes.getInteger(at: offset) ?? 0
                    bytes.setInteger(old ^ UInt8(1 << (random.next() % 8)), at: offset)
                    wasMutated = true
                }
                flightsLeft -= 1
                return bytes
            }
            pair.client.write("data")
            try? pair.interact()
            pair.server.loseConnection()
            pair.client.loseConnection()
            #expect(pair.server.recorder.errors.count == 1 && pair.server.recorder.otherErrors.isEmpty)
            #expect(pair.client.recorder.errors.count == 1 && pair.client.recorder.otherErrors.isEmpty)
            if wasMutated, let completed = pair.server.recorder.completed {
                #expect(completed.peerCertificate.der == credentials.device.certificateDER)
            }
        }
    }

    @Test func theBytesAfterCloseNotifyAreIgnored() throws {
        let credentials = try TLSTestCredentials.get()
        let pair = try TLSPair(
            client: credentials.clientConfiguration(), server: credentials.serverConfiguration())
        try pair.handshake()
        pair.client.channel.close(promise: nil)
        var bytes = try pair.client.takeOutbound()
        bytes.writeString("anything")
        try pair.server.receive(bytes, chunk: nil)
        #expect(!pair.server.isOpen)
        #expect(pair.server.recorder.errors.isEmpty)
        #expect(pair.server.text.isEmpty)
    }
}

/// SplitMix64: the same numbers in every run.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { self.state = seed }

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var value = self.state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }

    mutating func bytes(count: Int) -> ByteBuffer {
        ByteBuffer(bytes: (0..<count).map { _ in UInt8(truncatingIfNeeded: self.next()) })
    }
}

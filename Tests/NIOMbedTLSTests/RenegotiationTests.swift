import NIOCore
import NIOEmbedded
import Testing

@testable import NIOMbedTLS

/// Has a client send an encrypted ClientHello, and a server an encrypted HelloRequest, as no function of ours does.
@_silgen_name("mbedtls_ssl_renegotiate")
private func renegotiate(_ ssl: OpaquePointer) -> Int32

/// A peer without a channel that is asked for what the handler's own peer would never do.
private struct BarePeer {
    let connection: TLSConnection

    init(_ configuration: TLSConfiguration, serverName: TLSServerName? = nil) throws {
        self.connection = try TLSConnection(
            context: TLSContext(configuration), serverName: serverName, session: nil, authorize: { _ in .allowed },
            allocator: ByteBufferAllocator())
    }

    func handshake(with end: TLSEnd) throws {
        try end.activate()
        var isDone = false
        while true {
            var progress = 0
            let received = try end.takeOutbound()
            progress += received.readableBytes
            self.connection.receive(received)
            if !isDone {
                switch self.connection.handshake() {
                case .failed(let error): throw error
                case .done: isDone = true
                case .needsInput, .peerClosed: break
                }
            }
            let sent = self.connection.takeCiphertext() ?? ByteBuffer()
            progress += sent.readableBytes
            try end.receive(sent, chunk: nil)
            if progress == 0 { return }
        }
    }

    func encrypt(_ text: String) {
        var plaintext = ByteBuffer(string: text)
        guard case .done = self.connection.encrypt(&plaintext) else {
            Issue.record("not encrypted")
            return
        }
    }

    /// The context of mbedTLS is the first member of the object that the connection points to.
    func requestRenegotiation() {
        _ = renegotiate(self.connection.pointer)
    }

    func takeCiphertext() -> ByteBuffer { self.connection.takeCiphertext() ?? ByteBuffer() }
}

/// Counts what reaches the channel.
private final class ReadCounter: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer

    private(set) var reads = 0

    func read(context: ChannelHandlerContext) {
        self.reads += 1
        context.read()
    }
}

/// TLS 1.2 lets either side ask for another handshake at any time. It is refused, and the connection ends.
@Suite("renegotiation")
struct RenegotiationTests {
    private static let alertRecord: UInt8 = 21

    private func expectRefusal(_ end: TLSEnd) throws {
        #expect(end.recorder.errors.count == 1)
        #expect(end.error?.code == .protocolError)
        #expect(end.error?.fault == .peer)
        #expect(end.error?.detail == "the peer asked to renegotiate")
        #expect(end.error?.peerCertificate == nil)
        #expect(!end.isOpen)
    }

    @Test(arguments: [nil, 1])
    func aClientHelloAfterTheHandshake(chunk: Int?) throws {
        let credentials = try TLSTestCredentials.get()
        let server = try TLSEnd(
            TLSHandler(context: TLSContext(try credentials.serverConfiguration())) { _ in .allowed })
        let client = try BarePeer(
            credentials.clientConfiguration(TLSVersion.v1_2.only), serverName: .verified("gateway.test"))
        try client.handshake(with: server)
        #expect(server.recorder.completed?.version == .v1_2)

        client.encrypt("before")
        client.requestRenegotiation()
        try server.receive(client.takeCiphertext(), chunk: chunk)
        // What came before it is delivered, and it is answered by one alert.
        #expect(server.text == "before")
        try self.expectRefusal(server)
        let answer = try server.takeOutbound()
        #expect(answer.readableBytesView.first == Self.alertRecord)
        let length = try #require(answer.getInteger(at: answer.readerIndex + 3, as: UInt16.self))
        #expect(answer.readableBytes == 5 + Int(length))
    }

    @Test func helloRequestsAfterTheHandshake() throws {
        let credentials = try TLSTestCredentials.get()
        let client = try TLSEnd(
            TLSHandler(
                context: TLSContext(try credentials.clientConfiguration(TLSVersion.v1_2.only)),
                serverName: .verified("gateway.test")))
        let server = try BarePeer(credentials.serverConfiguration())
        try server.handshake(with: client)
        #expect(client.recorder.completed?.version == .v1_2)

        for _ in 0..<100 {
            server.requestRenegotiation()
        }
        server.encrypt("after")
        let requests = server.takeCiphertext()
        try client.receive(requests, chunk: nil)
        #expect(client.text.isEmpty)
        try self.expectRefusal(client)
        // Never more than was received in one read.
        #expect(try client.takeOutbound().readableBytes <= requests.readableBytes)
    }

    @Test func whileClosing() throws {
        let credentials = try TLSTestCredentials.get()
        let server = try TLSEnd(
            TLSHandler(context: TLSContext(try credentials.serverConfiguration())) { _ in .allowed })
        let client = try BarePeer(
            credentials.clientConfiguration(TLSVersion.v1_2.only), serverName: .verified("gateway.test"))
        try client.handshake(with: server)
        server.channel.close(promise: nil)
        #expect(server.isOpen)
        client.requestRenegotiation()
        try server.receive(client.takeCiphertext(), chunk: nil)
        #expect(!server.isOpen)
        #expect(server.recorder.errors.isEmpty)
    }
}

/// A peer that takes nothing is not read from, unless somebody asks.
@Suite("reads and writability")
struct ReadBackPressureTests {
    @Test(arguments: TLSVersion.testable)
    func nothingIsReadOnWhileTheChannelIsNotWritable(_ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        let pair = try TLSPair(
            client: credentials.clientConfiguration(version.only), server: credentials.serverConfiguration())
        try pair.handshake()
        let counter = ReadCounter()
        let channel = pair.server.channel
        try channel.pipeline.syncOperations.addHandler(counter, position: .first)
        pair.client.write("a record that arrives in pieces")
        var record = try pair.client.takeOutbound()
        guard let start = record.readSlice(length: 10), let middle = record.readSlice(length: 10) else {
            Issue.record("a record of less than 20 bytes")
            return
        }

        // Somebody waits for data, and a piece of a record is none.
        channel.pipeline.read()
        #expect(counter.reads == 1)
        try channel.writeInbound(start)
        #expect(counter.reads == 2)

        channel.isWritable = false
        channel.pipeline.fireChannelWritabilityChanged()
        try channel.writeInbound(middle)
        #expect(counter.reads == 2)
        // Who asks is not kept from reading.
        channel.pipeline.read()
        #expect(counter.reads == 3)

        channel.isWritable = true
        channel.pipeline.fireChannelWritabilityChanged()
        #expect(counter.reads == 4)

        try channel.writeInbound(record)
        #expect(pair.server.text == "a record that arrives in pieces")
        // Nobody wants any more.
        #expect(counter.reads == 4)
        channel.pipeline.fireChannelWritabilityChanged()
        #expect(counter.reads == 4)
    }
}

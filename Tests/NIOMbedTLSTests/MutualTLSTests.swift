import FleetPKI
import Foundation
import NIOCore
import NIOEmbedded
import NIOMbedTLS
import Testing

/// Whole connections between a client and a server of ours, in memory.
@Suite("mutual TLS")
struct MutualTLSTests {
    /// Every version the library can do, in bulk and one byte at a time.
    static let ways: [(TLSVersion, Int?)] = TLSVersion.testable.flatMap { [($0, nil), ($0, 1), ($0, 7)] }

    @Test(arguments: ways)
    func aGoodDeviceIsLetIn(_ version: TLSVersion, _ chunk: Int?) throws {
        let credentials = try TLSTestCredentials.get()
        var asked: [TLSPeer] = []
        let pair = try TLSPair(
            client: credentials.clientConfiguration(version.only), server: credentials.serverConfiguration(),
            authorize: {
                asked.append($0)
                return .allowed
            })
        try pair.handshake(chunk: chunk)
        #expect(pair.client.recorder.errors.isEmpty && pair.server.recorder.errors.isEmpty)
        let atServer = try #require(pair.server.recorder.completed)
        #expect(atServer.version == version)
        #expect(atServer.peerCertificate.der == credentials.device.certificateDER)
        #expect(atServer.applicationProtocol == "mqtt")
        #expect(atServer.serverName == "gateway.test")
        #expect(atServer.handshakeBytesIn > 500 && atServer.handshakeBytesOut > 500)
        #expect(asked.map(\.certificate) == [atServer.peerCertificate])
        #expect(asked.first?.objections == [] && asked.first?.version == version)
        #expect(asked.first?.serverName == "gateway.test")
        #expect(asked.first?.trustAnchor?.subjectDescription == "CN=Test Root")
        let atClient = try #require(pair.client.recorder.completed)
        #expect(atClient.peerCertificate.der == credentials.server.certificateDER)
        #expect(atClient.cipherSuite == atServer.cipherSuite)
        #expect(TLSCipherSuite(name: atServer.cipherSuite)?.version == version)

        pair.client.write("from the device")
        pair.server.write("from the gateway")
        try pair.interact(chunk: chunk)
        #expect(pair.server.text == "from the device")
        #expect(pair.client.text == "from the gateway")
        #expect(pair.server.recorder.events.prefix(3) == [.active, .completed, .data])
    }

    @Test(arguments: TLSVersion.testable)
    func dataInTheSameSegmentAsFinishedIsDelivered(_ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        let pair = try TLSPair(
            client: credentials.clientConfiguration(version.only), server: credentials.serverConfiguration())
        // Written before anything: released with the client's Finished.
        let written = pair.client.write("CONNECT")
        try pair.handshake()
        #expect(pair.server.text == "CONNECT")
        #expect(pair.server.recorder.events == [.active, .completed, .data])
        try written.wait()
    }

    @Test(arguments: TLSVersion.testable)
    func largeTransfersBothWays(_ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        let pair = try TLSPair(
            client: credentials.clientConfiguration(version.only), server: credentials.serverConfiguration())
        try pair.handshake()
        let bytes = ByteBuffer(bytes: (0..<(3 << 20) + 17).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        for end in [pair.client, pair.server] {
            let promise = end.channel.eventLoop.makePromise(of: Void.self)
            end.channel.writeAndFlush(bytes, promise: promise)
            try promise.futureResult.wait()
        }
        try pair.interact(chunk: 65_536)
        #expect(pair.server.recorder.plaintext == bytes)
        #expect(pair.client.recorder.plaintext == bytes)
    }

    @Test(arguments: TLSVersion.testable)
    func everyNamedGroupAndSuite(_ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        for group in TLSNamedGroup.allCases where version == .v1_3 || group == .secp256r1 {
            let pair = try TLSPair(
                client: credentials.clientConfiguration(version.only) { $0.namedGroups = [group] },
                server: credentials.serverConfiguration())
            try pair.handshake()
            #expect(pair.server.recorder.completed != nil, "\(group)")
        }
        for suite in TLSCipherSuite.all where suite.version == version && !suite.name.contains("_RSA_") {
            let pair = try TLSPair(
                client: credentials.clientConfiguration(version.only) { $0.cipherSuites = [suite] },
                server: credentials.serverConfiguration())
            try pair.handshake()
            #expect(pair.server.recorder.completed?.cipherSuite == suite.name)
        }
    }

    @Test(arguments: TLSVersion.testable)
    func certificatesWithRSAOnBothSides(_ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        let server = try credentials.root.issue(
            CertificateTemplate(
                subject: [("CN", "rsa")], alternativeNames: [.dns("gateway.test")], purpose: .server, keyType: .rsa2048)
        )
        let device = try credentials.root.issue(TLSTestCredentials.deviceTemplate { $0.keyType = .rsa2048 })
        let pair = try TLSPair(
            client: credentials.clientConfiguration(version.only, device),
            server: credentials.serverConfiguration {
                $0.certificateChainPEM = Array(server.chainPEM.utf8)
                $0.privateKeyPEM = Array(server.privateKeyPEM.utf8)
            })
        try pair.handshake()
        let certificate = try #require(pair.server.recorder.completed?.peerCertificate)
        #expect(certificate.keyAlgorithm == .rsa && certificate.keyBits == 2048)
    }

    @Test(arguments: TLSVersion.testable)
    func aChainWithAnIntermediate(_ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        let issuing = try credentials.root.makeIntermediate()
        let device = try issuing.issue(TLSTestCredentials.deviceTemplate())
        let pair = try TLSPair(
            client: credentials.clientConfiguration(version.only, device), server: credentials.serverConfiguration())
        try pair.handshake()
        #expect(pair.server.recorder.completed?.peerCertificate.der == device.certificateDER)
    }

    // MARK: The end of a connection

    @Test(arguments: TLSVersion.testable)
    func closeNotifyIsAnswered(_ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        let pair = try TLSPair(
            client: credentials.clientConfiguration(version.only), server: credentials.serverConfiguration())
        try pair.handshake()
        pair.client.write("last words")
        let closed = pair.client.channel.close()
        #expect(pair.client.isOpen)
        try pair.interact()
        try closed.wait()
        #expect(!pair.client.isOpen && !pair.server.isOpen)
        #expect(pair.server.text == "last words")
        #expect(pair.server.recorder.errors.isEmpty && pair.client.recorder.errors.isEmpty)
        #expect(throws: TLSError.self) { try pair.client.write("too late").wait() }
    }

    @Test(arguments: TLSVersion.testable)
    func aConnectionLostWithoutCloseNotifyIsTruncated(_ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        let pair = try TLSPair(
            client: credentials.clientConfiguration(version.only), server: credentials.serverConfiguration())
        try pair.handshake()
        pair.server.loseConnection()
        #expect(pair.server.error?.code == .truncated)
        #expect(pair.server.error?.fault == .transport)
        #expect(pair.server.error?.peerCertificate == nil, "not kept beyond the handshake")
        #expect(pair.server.recorder.events.last == .inactive)
    }

    @Test func aPeerThatDoesNotAnswerCloseNotifyIsClosedInTime() throws {
        let credentials = try TLSTestCredentials.get()
        let pair = try TLSPair(
            client: credentials.clientConfiguration(),
            server: credentials.serverConfiguration { $0.closeTimeout = .seconds(2) })
        try pair.handshake()
        let closed = pair.server.channel.close()
        pair.server.channel.embeddedEventLoop.advanceTime(by: .milliseconds(1_999))
        #expect(pair.server.isOpen)
        pair.server.channel.embeddedEventLoop.advanceTime(by: .milliseconds(1))
        #expect(!pair.server.isOpen)
        try closed.wait()
        #expect(pair.server.error?.code == .closeTimeout)
    }

    @Test(arguments: TLSVersion.testable)
    func closingFromInsideTheAnnouncement(_ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        let pair = try TLSPair(
            client: credentials.clientConfiguration(version.only), server: credentials.serverConfiguration())
        pair.server.recorder.onCompleted = { $0.close(promise: nil) }
        pair.client.write("CONNECT")
        try pair.handshake()
        #expect(!pair.client.isOpen && !pair.server.isOpen)
        #expect(pair.server.text.isEmpty)
        #expect(pair.server.recorder.errors.isEmpty)
    }

    @Test(arguments: TLSVersion.testable)
    func nothingIsLeftBehind(_ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        weak var context: TLSContext?
        weak var handler: TLSHandler?
        try {
            let made = try TLSContext(try credentials.serverConfiguration(version.only))
            let end = TLSHandler(context: made) { _ in .allowed }
            context = made
            handler = end
            let server = try TLSEnd(end)
            let client = try TLSEnd(
                TLSHandler(
                    context: TLSContext(try credentials.clientConfiguration(version.only)),
                    serverName: .verified("gateway.test")))
            try server.activate()
            try client.activate()
            for _ in 0..<5 {
                try server.receive(client.takeOutbound(), chunk: nil)
                try client.receive(server.takeOutbound(), chunk: nil)
            }
            #expect(server.recorder.completed != nil)
            for end in [server, client] {
                end.loseConnection()
                _ = try end.channel.finish()
            }
        }()
        #expect(handler == nil)
        #expect(context == nil)
    }

    // MARK: What a client asks for

    @Test(arguments: [MaximumFragmentLength.bytes512, .bytes1024])
    func recordsAreKeptToTheLengthAClientAsksFor(_ length: MaximumFragmentLength) throws {
        let credentials = try TLSTestCredentials.get()
        let pair = try TLSPair(
            client: credentials.clientConfiguration(TLSVersion.v1_2.only) {
                $0.maximumFragmentLength = length
                $0.cipherSuites = [.ecdheECDSAWithAES128GCM]
            },
            server: credentials.serverConfiguration())
        try pair.handshake()
        #expect(pair.client.recorder.completed != nil)
        pair.server.write(String(repeating: "x", count: 5_000))
        var records = try pair.server.takeOutbound()
        let whole = records
        var sizes: [Int] = []
        while let header = records.readBytes(length: 5) {
            let size = Int(header[3]) << 8 | Int(header[4])
            sizes.append(size)
            records.moveReaderIndex(forwardBy: size)
        }
        // AES-GCM adds an explicit nonce of 8 bytes and a tag of 16.
        #expect(sizes.allSatisfy { $0 <= length.rawValue + 24 })
        #expect(sizes.count == (5_000 + length.rawValue - 1) / length.rawValue)
        try pair.client.receive(whole, chunk: nil)
        #expect(pair.client.text.count == 5_000)
    }

    @Test func theServersAddressIsChecked() throws {
        let credentials = try TLSTestCredentials.get()
        for (name, isGood) in [
            ("192.0.2.1", true), ("192.0.2.2", false), ("gateway.test", true), ("other.test", false),
        ] {
            let pair = try TLSPair(
                client: credentials.clientConfiguration(), server: credentials.serverConfiguration(),
                serverName: .verified(name))
            try pair.handshake()
            if isGood {
                #expect(pair.client.recorder.completed != nil, "\(name)")
            } else {
                #expect(pair.client.error?.code == .wrongName, "\(name)")
                #expect(pair.client.error?.peerCertificate?.der == credentials.server.certificateDER)
                #expect(pair.server.error?.code == .peerAlert)
                #expect(pair.server.error?.alertReceived == .badCertificate)
            }
        }
        let unverified = try TLSPair(
            client: credentials.clientConfiguration(), server: credentials.serverConfiguration(),
            serverName: .unverifiedName)
        try unverified.handshake()
        #expect(unverified.client.recorder.completed != nil)
        #expect(unverified.server.recorder.completed?.serverName == nil)
    }
}

import FleetPKI
import Foundation
import NIOCore
import Testing

@testable import NIOMbedTLS

/// What is told of a client whose handshake failed, and that no bytes do harm.
@Suite("client hello")
struct ClientHelloTests {
    /// The first bytes that a client of ours sends.
    private func records(
        _ version: TLSVersion, _ change: (inout TLSConfiguration) -> Void = { _ in }
    ) throws -> [UInt8] {
        let credentials = try TLSTestCredentials.get()
        let client = try TLSEnd(
            TLSHandler(
                context: TLSContext(try credentials.clientConfiguration(version.only, nil, change)),
                serverName: .verified("gateway.test")))
        try client.activate()
        defer { client.loseConnection() }
        return Array(buffer: try client.takeOutbound())
    }

    private func isComplete(_ records: [UInt8]) -> Bool {
        var progress = HandshakeMessage.Progress()
        return progress.isComplete(records)
    }

    @Test(arguments: TLSVersion.testable)
    func isRead(_ version: TLSVersion) throws {
        let records = try self.records(version) { $0.namedGroups = [.secp384r1, .x25519] }
        let hello = try #require(TLSClientHello(records: records))
        #expect(hello.versions == [UInt16(version.wireValue)])
        #expect(hello.serverName == "gateway.test" && hello.applicationProtocols == ["mqtt"])
        #expect(hello.namedGroups == [0x0018, 0x001D])
        #expect(hello.cipherSuites.contains(version == .v1_2 ? 0xC02B : 0x1301))
        #expect(hello.signatureSchemes.contains(0x0403) && !hello.offersResumption)
    }

    /// RFC 8446, 5.1: one message in records of any size, and records in pieces of any size.
    @Test(arguments: TLSVersion.testable)
    func isReadFromPieces(_ version: TLSVersion) throws {
        let records = try self.records(version)
        let hello = try #require(TLSClientHello(records: records))
        let message = Array(records.dropFirst(5))
        for size in [1, 2, 3, 4, 5, 100, message.count - 1] {
            var cut: [UInt8] = []
            for start in stride(from: 0, to: message.count, by: size) {
                let piece = message[start..<min(start + size, message.count)]
                cut += [22, 3, 1, UInt8(piece.count >> 8), UInt8(piece.count & 0xFF)] + piece
            }
            #expect(TLSClientHello(records: cut) == hello)
            var capture = ClientHelloCapture()
            for byte in cut + [UInt8](repeating: 0x17, count: 20_000) {
                capture.receive(ByteBuffer(bytes: [byte]).readableBytesView)
            }
            #expect(capture.clientHello == hello)
        }
    }

    @Test(arguments: TLSVersion.testable)
    func partsAreNothing(_ version: TLSVersion) throws {
        let records = try self.records(version)
        for count in records.indices {
            #expect(TLSClientHello(records: Array(records.prefix(count))) == nil)
            #expect(!self.isComplete(Array(records.prefix(count))))
        }
        var other = records
        other[5] = 2
        #expect(TLSClientHello(records: other) == nil)
        other = records
        other[0] = 23
        #expect(TLSClientHello(records: other) == nil && self.isComplete(other))
        for _ in 0..<20_000 {
            var damaged = records
            for _ in 0..<Int.random(in: 1...4) {
                damaged[Int.random(in: 0..<damaged.count)] = UInt8.random(in: 0...255)
            }
            HostileInput.clientHello(damaged)
        }
    }

    @Test func listsAreCutOff() throws {
        func lengthed(_ bytes: [UInt8]) -> [UInt8] { [UInt8(bytes.count >> 8), UInt8(bytes.count & 0xFF)] + bytes }
        let suites = (0..<200).flatMap { [UInt8(0x13), UInt8($0)] }
        let protocols = (0..<200).flatMap { [3, UInt8(ascii: "p")] + Array(String($0 + 100).utf8.prefix(2)) }
        let alpn = [0, 16] + lengthed(lengthed(protocols))
        let body =
            [3, 3] + [UInt8](repeating: 9, count: 32) + [0] + lengthed(suites) + [1, 0] + lengthed(alpn)
        let message = [1, 0] + lengthed(body)
        let hello = try #require(TLSClientHello(records: [22, 3, 1] + lengthed(message)))
        #expect(hello.cipherSuites.count == TLSClientHello.itemsMax && hello.versions == [0x0303])
        #expect(hello.applicationProtocols.count == TLSClientHello.itemsMax && hello.serverName == nil)
    }

    @Test(arguments: TLSVersion.testable, [nil, 1, 7])
    func isToldWithTheFailure(_ version: TLSVersion, _ chunk: Int?) throws {
        let credentials = try TLSTestCredentials.get()
        let pair = try TLSPair(
            client: credentials.clientConfiguration(version.only) { $0.applicationProtocols = ["h2", "http/1.1"] },
            server: credentials.serverConfiguration())
        try pair.handshake(chunk: chunk)
        let error = try #require(pair.server.error)
        #expect(error.code == .noSharedALPN)
        #expect(error.clientHello?.applicationProtocols == ["h2", "http/1.1"])
        #expect(pair.client.error?.clientHello == nil)
    }

    @Test func isToldWhenTheClientGoesAway() throws {
        let credentials = try TLSTestCredentials.get()
        let server = try TLSEnd(
            TLSHandler(context: TLSContext(try credentials.serverConfiguration()), authorize: { _ in .allowed }))
        try server.activate()
        try server.receive(ByteBuffer(bytes: try self.records(.v1_2)), chunk: nil)
        server.loseConnection()
        #expect(server.error?.code == .eofDuringHandshake && server.error?.clientHello?.serverName == "gateway.test")
    }

    @Test(arguments: TLSVersion.testable)
    func isForgottenWithTheHandshake(_ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        let pair = try TLSPair(
            client: credentials.clientConfiguration(version.only), server: credentials.serverConfiguration())
        try pair.handshake()
        pair.server.loseConnection()
        #expect(pair.server.error?.code == .truncated && pair.server.error?.clientHello == nil)
    }
}

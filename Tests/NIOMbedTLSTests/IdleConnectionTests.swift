import CMbedTLS
import Dispatch
import Foundation
import NIOCore
import NIOEmbedded
import Testing

@testable import NIOMbedTLS

/// Connections with nothing to do have no record buffers: those of one thread take turns with a few.
@Suite("idle connections")
struct IdleConnectionTests {
    /// Both ends without a channel, so that each step is the test's.
    private struct BarePair {
        let client: TLSConnection
        let server: TLSConnection

        init(_ version: TLSVersion, keepsSessions: Bool = false) throws {
            let credentials = try TLSTestCredentials.get()
            let allocator = ByteBufferAllocator()
            self.client = try TLSConnection(
                context: TLSContext(
                    credentials.clientConfiguration(version.only) { $0.keepsSessions = keepsSessions }),
                serverName: .verified("gateway.test"), session: nil, authorize: { _ in .allowed }, allocator: allocator)
            self.server = try TLSConnection(
                context: TLSContext(
                    credentials.serverConfiguration { $0.ticketKeys = keepsSessions ? [TLSTicketKey()] : [] }),
                serverName: nil, session: nil, authorize: { _ in .allowed }, allocator: allocator)
            var isClientDone = false
            var isServerDone = false
            for _ in 0..<8 where !isClientDone || !isServerDone {
                if !isClientDone, case .done = self.client.handshake() {
                    isClientDone = true
                }
                if let bytes = self.client.takeCiphertext() {
                    self.server.receive(bytes)
                }
                if !isServerDone, case .done = self.server.handshake() {
                    isServerDone = true
                }
                if let bytes = self.server.takeCiphertext() {
                    self.client.receive(bytes)
                }
            }
            #expect(isClientDone && isServerDone)
        }

        func encrypt(_ text: String) throws -> ByteBuffer {
            var plaintext = ByteBuffer(string: text)
            while plaintext.readableBytes > 0, case .done = self.client.encrypt(&plaintext) {}
            guard plaintext.readableBytes == 0, let bytes = self.client.takeCiphertext() else {
                throw TestFailure(detail: "nothing encrypted")
            }
            return bytes
        }

        func decrypt(_ bytes: ByteBuffer?) -> String? {
            if let bytes {
                self.server.receive(bytes)
            }
            var plaintext: ByteBuffer?
            guard case .needsInput = self.server.decrypt(into: &plaintext, allocator: ByteBufferAllocator()) else {
                return nil
            }
            return plaintext.map { String(buffer: $0) } ?? ""
        }

        /// Takes in what came with the end of the handshake.
        func drain() -> TLSSession? {
            var plaintext: ByteBuffer?
            _ = self.client.decrypt(into: &plaintext, allocator: ByteBufferAllocator())
            _ = self.server.decrypt(into: &plaintext, allocator: ByteBufferAllocator())
            return self.client.takeSession()
        }
    }

    @Test(arguments: TLSVersion.testable, [false, true])
    func restsBetweenRecordsAndNotWithinOne(_ version: TLSVersion, _ keepsSessions: Bool) throws {
        let pair = try BarePair(version, keepsSessions: keepsSessions)
        let other = try BarePair(version)
        #expect((pair.drain() != nil) == keepsSessions)
        _ = other.drain()
        #expect(pair.client.rest() && pair.server.rest() && other.client.rest() && other.server.rest())
        for round in 1...5 {
            var record = try pair.encrypt("round \(round)")
            #expect(pair.client.rest() && pair.client.rest())
            for part in 1...3 {
                #expect(pair.decrypt(record.readSlice(length: part)) == "")
                #expect(!pair.server.rest(), "a part of a record is in the buffer")
                #expect(other.decrypt(try other.encrypt("meanwhile")) == "meanwhile")
                #expect(other.client.rest() && other.server.rest())
            }
            #expect(pair.decrypt(record) == "round \(round)")
            #expect(pair.server.rest())
        }
    }

    @Test(arguments: TLSVersion.testable)
    func manyWithHalfARecordEach(_ version: TLSVersion) throws {
        let pairs = try (0..<10).map { _ in try BarePair(version) }
        for round in 0..<3 {
            var records = try pairs.enumerated().map { index, pair in
                _ = pair.drain()
                #expect(pair.server.rest())
                return try pair.encrypt("device \(index), \(round)")
            }
            for index in pairs.indices {
                #expect(pairs[index].decrypt(records[index].readSlice(length: 7)) == "")
                #expect(!pairs[index].server.rest() && pairs[index].client.rest())
            }
            for index in pairs.indices.reversed() {
                #expect(pairs[index].decrypt(records[index]) == "device \(index), \(round)")
                #expect(pairs[index].server.rest())
            }
        }
    }

    @Test(arguments: TLSVersion.testable)
    func recordsOfEverySizeAfterARest(_ version: TLSVersion) throws {
        let pair = try BarePair(version)
        let other = try BarePair(version)
        _ = pair.drain()
        _ = other.drain()
        for count in [16_384, 1, 16_385, 100_000, 16_383, 2] {
            #expect(pair.client.rest() && pair.server.rest() && other.client.rest() && other.server.rest())
            let text = String(String(repeating: "0123456789abcdef", count: count / 16 + 1).prefix(count))
            let bytes = try pair.encrypt(text)
            #expect(other.decrypt(try other.encrypt("short")) == "short")
            #expect(other.client.rest() && other.server.rest())
            let isSame = pair.decrypt(bytes) == text
            #expect(isSame, "\(count) bytes")
        }
    }

    @Test(arguments: TLSVersion.testable)
    func aRecordIsWrittenWhileHalfOfOneWasReceived(_ version: TLSVersion) throws {
        let pair = try BarePair(version)
        let other = try BarePair(version)
        _ = pair.drain()
        _ = other.drain()
        let first = try pair.encrypt("probe")
        #expect(pair.decrypt(first) == "probe")
        for cut in 1..<first.readableBytes {
            #expect(pair.client.rest() && pair.server.rest())
            var record = try pair.encrypt("probe")
            #expect(pair.decrypt(record.readSlice(length: cut)) == "")
            var answer = ByteBuffer(string: "answer")
            guard case .done = pair.server.encrypt(&answer) else {
                Issue.record("the answer was not encrypted")
                return
            }
            #expect(!pair.server.rest())
            #expect(other.decrypt(try other.encrypt("meanwhile")) == "meanwhile")
            #expect(other.client.rest() && other.server.rest())
            pair.client.receive(try #require(pair.server.takeCiphertext()))
            var plaintext: ByteBuffer?
            _ = pair.client.decrypt(into: &plaintext, allocator: ByteBufferAllocator())
            #expect(plaintext.map { String(buffer: $0) } == "answer")
            #expect(pair.decrypt(record) == "probe")
        }
    }

    @Test(arguments: TLSVersion.testable)
    func anAlertAfterARestIsUnderstood(_ version: TLSVersion) throws {
        let pair = try BarePair(version)
        _ = pair.drain()
        #expect(pair.client.rest() && pair.server.rest())
        #expect(fleetgate_connection_send_fatal_alert(pair.server.pointer, TLSAlert.accessDenied.rawValue) == 0)
        pair.client.receive(try #require(pair.server.takeCiphertext()))
        var plaintext: ByteBuffer?
        guard case .failed(let error) = pair.client.decrypt(into: &plaintext, allocator: ByteBufferAllocator()) else {
            Issue.record("no alert arrived")
            return
        }
        #expect(error.alertReceived == .accessDenied)
    }

    private final class Pairs: @unchecked Sendable {
        var all: [BarePair] = []
        var error: (any Error)?

        /// Runs it on a thread of its own, to the end of that thread's work.
        func onAThread(_ body: @escaping @Sendable (Pairs) throws -> Void) throws {
            let ended = DispatchSemaphore(value: 0)
            Thread {
                do { try body(self) } catch { self.error = error }
                ended.signal()
            }.start()
            ended.wait()
            if let error = self.error { throw error }
        }
    }

    /// A thread's spare buffers go with it; its connections that rested there find others.
    @Test(arguments: TLSVersion.testable)
    func connectionsOutliveTheThreadTheyRestedOn(_ version: TLSVersion) throws {
        let pairs = Pairs()
        try pairs.onAThread { pairs in
            for _ in 0..<6 {
                let pair = try BarePair(version)
                _ = pair.drain()
                #expect(pair.client.rest() && pair.server.rest())
                pairs.all.append(pair)
            }
        }
        try pairs.onAThread { pairs in
            for pair in pairs.all {
                let record = try pair.encrypt("elsewhere")
                #expect(pair.decrypt(record) == "elsewhere")
                #expect(pair.client.rest() && pair.server.rest())
            }
            pairs.all.removeFirst(3)
        }
        for pair in pairs.all {
            let record = try pair.encrypt("here")
            #expect(pair.decrypt(record) == "here")
        }
    }

    @Test(arguments: TLSVersion.testable)
    func neverDuringTheHandshake(_ version: TLSVersion) throws {
        let context = try TLSContext(TLSTestCredentials.get().clientConfiguration(version.only))
        let connection = try TLSConnection(
            context: context, serverName: .unverifiedName, session: nil, authorize: { _ in .allowed },
            allocator: ByteBufferAllocator())
        #expect(!connection.rest())
        _ = connection.handshake()
        #expect(!connection.rest())
    }

    @Test(arguments: TLSVersion.testable)
    func aBadRecordAfterARest(_ version: TLSVersion) throws {
        let pair = try BarePair(version)
        _ = pair.drain()
        #expect(pair.server.rest())
        pair.server.receive(ByteBuffer(bytes: [23, 3, 3, 0, 32] + [UInt8](repeating: 7, count: 32)))
        var plaintext: ByteBuffer?
        guard case .failed(let error) = pair.server.decrypt(into: &plaintext, allocator: ByteBufferAllocator()) else {
            Issue.record("garbage was decrypted")
            return
        }
        #expect(error.code == .badRecord)
        #expect(pair.server.takeCiphertext() != nil, "the alert")
    }

    @Test(arguments: TLSVersion.testable)
    func closeNotifyAfterARest(_ version: TLSVersion) throws {
        let pair = try BarePair(version)
        _ = pair.drain()
        #expect(pair.client.rest() && pair.server.rest())
        pair.client.writeCloseNotify()
        pair.server.receive(try #require(pair.client.takeCiphertext()))
        var plaintext: ByteBuffer?
        guard case .peerClosed = pair.server.decrypt(into: &plaintext, allocator: ByteBufferAllocator()) else {
            Issue.record("no close_notify arrived")
            return
        }
    }
}

@Suite("shared contexts")
struct SharedContextTests {
    @Test(arguments: TLSVersion.testable)
    func theSameAnchorsAreHeldOnce(_ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        let configuration = try credentials.clientConfiguration(version.only)
        let first = try TLSContext(configuration)
        let second = try TLSContext(configuration, sharing: first)
        #expect(second.trust === first.trust && second.trustAnchors == first.trustAnchors)
        let other = try TLSContext(
            credentials.clientConfiguration { $0.trustAnchorsPEM += [UInt8(ascii: "\n")] }, sharing: first)
        #expect(other.trust !== first.trust && other.trust.digest == first.trust.digest)
        for context in [first, second, other] {
            let pair = try TLSPair(context, TLSContext(credentials.serverConfiguration()))
            try pair.handshake()
            #expect(pair.wasFull)
        }
    }

    @Test func aSharedContextOutlivesTheOneItSharesWith() throws {
        let credentials = try TLSTestCredentials.get()
        var first: TLSContext? = try TLSContext(credentials.clientConfiguration())
        weak let gone = first
        let second = try TLSContext(credentials.clientConfiguration(), sharing: first)
        first = nil
        #expect(gone == nil)
        let pair = try TLSPair(second, TLSContext(credentials.serverConfiguration()))
        try pair.handshake()
        #expect(pair.wasFull)
    }

    @Test func problemsAreFoundAllTheSame() throws {
        let credentials = try TLSTestCredentials.get()
        let first = try TLSContext(credentials.clientConfiguration())
        #expect(throws: TLSConfigurationError.self) {
            try TLSContext(credentials.clientConfiguration { $0.trustAnchorsPEM = [] }, sharing: first)
        }
        #expect(throws: TLSConfigurationError.self) {
            try TLSContext(credentials.clientConfiguration { $0.privateKeyPEM = Array("no key".utf8) }, sharing: first)
        }
    }
}

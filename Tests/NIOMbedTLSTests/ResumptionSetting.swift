import FleetPKI
import Foundation
import NIOCore
import Synchronization

@testable import NIOMbedTLS

/// A clock that tests set: it shows the real time until they move it.
final class TestClock: Sendable {
    private let offset = Atomic<Int64>(0)

    func advance(by seconds: Int64) { self.offset.add(seconds, ordering: .relaxed) }
    var now: Int64 { Int64(Date().timeIntervalSince1970) + self.offset.load(ordering: .relaxed) }
}

/// A client that keeps sessions and a server that gives out tickets, with clocks of their own beside mbedTLS's.
struct ResumptionSetting {
    let credentials: TLSTestCredentials
    let key: TLSTicketKey
    let clientClock = TestClock()
    let serverClock = TestClock()
    let client: TLSContext
    let server: TLSContext

    init(
        _ version: TLSVersion, device: IssuedCertificate? = nil, key: TLSTicketKey = TLSTicketKey(),
        changingClient changeClient: (inout TLSConfiguration) -> Void = { _ in },
        changingServer changeServer: (inout TLSConfiguration) -> Void = { _ in }
    ) throws {
        self.credentials = try TLSTestCredentials.get()
        self.key = key
        let configuration = try self.credentials.clientConfiguration(version.only, device) {
            $0.keepsSessions = true
            changeClient(&$0)
        }
        self.client = try TLSContext(configuration, sharing: nil, now: { [clientClock] in clientClock.now })
        self.server = try Self.server(self.credentials, key, self.serverClock, changeServer)
    }

    /// Another server with the same clock.
    func otherServer(
        key: TLSTicketKey?, _ change: (inout TLSConfiguration) -> Void = { _ in }
    ) throws -> TLSContext {
        try Self.server(self.credentials, key, self.serverClock, change)
    }

    private static func server(
        _ credentials: TLSTestCredentials, _ key: TLSTicketKey?, _ clock: TestClock,
        _ change: (inout TLSConfiguration) -> Void
    ) throws -> TLSContext {
        let configuration = try credentials.serverConfiguration {
            $0.ticketKeys = key.map { [$0] } ?? []
            change(&$0)
        }
        return try TLSContext(configuration, sharing: nil, now: { clock.now })
    }

    /// A whole connection up to where sessions have been handed out.
    func connect(
        session: TLSSession? = nil, client: TLSContext? = nil, server: TLSContext? = nil,
        serverName: TLSServerName = .verified("gateway.test"), chunk: Int? = nil,
        authorizeServer: @escaping TLSAuthorize = { _ in .allowed },
        authorize: @escaping TLSAuthorize = { _ in .allowed }
    ) throws -> TLSPair {
        let pair = try TLSPair(
            client ?? self.client, server ?? self.server, serverName: serverName, session: session,
            authorizeServer: authorizeServer, authorize: authorize)
        try pair.handshake(chunk: chunk)
        return pair
    }

    /// The session of a full handshake.
    func firstSession(serverName: TLSServerName = .verified("gateway.test")) throws -> TLSSession {
        let pair = try self.connect(serverName: serverName)
        guard pair.wasFull, let session = pair.client.recorder.sessions.last else {
            throw TestFailure(detail: "no session from a full handshake: \(pair.client.recorder.errors)")
        }
        return session
    }
}

struct TestFailure: Error {
    let detail: String
}

extension TLSPair {
    private func both(isResumed: Bool) -> Bool {
        self.client.recorder.completed?.isResumed == isResumed && self.server.recorder.completed?.isResumed == isResumed
            && self.client.recorder.errors.isEmpty && self.server.recorder.errors.isEmpty
    }

    /// Both sides completed a full handshake, without error.
    var wasFull: Bool { self.both(isResumed: false) }
    /// Both sides completed a short handshake, without error.
    var wasResumed: Bool { self.both(isResumed: true) }
}

extension TLSSession {
    /// Where the ticket is in what mbedTLS saved: a ticket of ours begins with its format and the key's identifier.
    func ticketStart(_ key: TLSTicketKey) throws -> Int {
        let head = [TLSTicketKey.format] + key.identifier
        let starts = self.serialized.indices.dropLast(head.count)
        guard let start = starts.first(where: { self.serialized[$0...].starts(with: head) }) else {
            throw TestFailure(detail: "no ticket in the session")
        }
        return start
    }

    func with(serialized: [UInt8]) -> TLSSession {
        TLSSession(
            version: self.version, peer: self.peer, serverName: self.serverName,
            trustAnchorsDigest: self.trustAnchorsDigest, serialized: serialized)
    }

    /// The same with another ticket, whose length is told before it: in two bytes with TLS 1.3, in three with TLS 1.2.
    func with(ticket: [UInt8], _ key: TLSTicketKey) throws -> TLSSession {
        let start = try self.ticketStart(key)
        let length = Int(self.serialized[start - 2]) << 8 | Int(self.serialized[start - 1])
        var bytes = self.serialized
        bytes.replaceSubrange(start..<start + length, with: ticket)
        bytes[start - 2] = UInt8(ticket.count >> 8)
        bytes[start - 1] = UInt8(ticket.count & 0xFF)
        return self.with(serialized: bytes)
    }

    func ticket(_ key: TLSTicketKey) throws -> [UInt8] {
        let start = try self.ticketStart(key)
        let length = Int(self.serialized[start - 2]) << 8 | Int(self.serialized[start - 1])
        return Array(self.serialized[start..<start + length])
    }
}

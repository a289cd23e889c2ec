import FleetPKI
import Foundation
import NIOCore
import NIOEmbedded
import Testing

@testable import NIOMbedTLS

/// A server's tickets: they keep the client's identity, and whatever is doubtful about one means a full handshake.
@Suite("server tickets")
struct TicketTests {
    @Test(arguments: TLSVersion.testable)
    func aTicketKeepsTheClientsIdentity(_ version: TLSVersion) throws {
        let setting = try ResumptionSetting(version)
        let session = try setting.firstSession()
        var asked: [TLSPeer] = []
        let pair = try setting.connect(
            session: session,
            authorize: {
                asked.append($0)
                return .allowed
            })
        #expect(pair.wasResumed)
        let completed = try #require(pair.server.recorder.completed)
        #expect(try completed.peerCertificate == PeerCertificate(parsing: setting.credentials.device.certificateDER))
        #expect(completed.serverName == "gateway.test")
        #expect(asked.map(\.certificate) == [completed.peerCertificate])
        #expect(asked.first?.objections == [] && asked.first?.version == version)
        #expect(asked.first?.serverName == "gateway.test")
        #expect(asked.first?.trustAnchor == setting.server.trustAnchors.first)
    }

    @Test(arguments: TLSVersion.testable)
    func withoutAKeyThereAreNoTickets(_ version: TLSVersion) throws {
        let setting = try ResumptionSetting(version)
        let session = try setting.firstSession()
        let server = try setting.otherServer(key: nil)
        let pair = try setting.connect(session: session, server: server)
        #expect(pair.wasFull)
        // In TLS 1.2 a client may come back with the session's identifier all the same, to no avail.
        let kept = pair.client.recorder.sessions
        #expect(version == .v1_2 || kept.isEmpty)
        for session in kept {
            #expect(throws: TestFailure.self) { try session.ticketStart(setting.key) }
            #expect(try setting.connect(session: session, server: server).wasFull)
        }
    }

    @Test(arguments: TLSVersion.testable)
    func severalContextsShareAKey(_ version: TLSVersion) throws {
        let setting = try ResumptionSetting(version)
        let session = try setting.firstSession()
        #expect(try setting.connect(session: session, server: setting.otherServer(key: setting.key)).wasResumed)
    }

    @Test(arguments: TLSVersion.testable)
    func foreignKeysMeanAFullHandshake(_ version: TLSVersion) throws {
        let setting = try ResumptionSetting(version)
        let session = try setting.firstSession()
        let foreign = TLSTicketKey()
        let samenamed = TLSTicketKey(
            identifier: setting.key.identifier, secret: [UInt8](repeating: 3, count: 32), lifetime: setting.key.lifetime
        )
        for key in [foreign, samenamed] {
            let pair = try setting.connect(session: session, server: setting.otherServer(key: key))
            #expect(pair.wasFull)
            #expect(pair.server.recorder.completed?.peerCertificate.der == setting.credentials.device.certificateDER)
        }
    }

    @Test(arguments: TLSVersion.testable)
    func damagedTicketsMeanAFullHandshake(_ version: TLSVersion) throws {
        let setting = try ResumptionSetting(version)
        let session = try setting.firstSession()
        let ticket = try session.ticket(setting.key)
        var damaged: [[UInt8]] = [
            [], [1], Array(ticket.prefix(28)), Array(ticket.prefix(29)), Array(ticket.prefix(45)),
            Array(ticket.dropLast()), ticket + [0], [UInt8](repeating: 0, count: ticket.count),
            [UInt8](repeating: 0xFF, count: 9_000),
        ]
        for index in [0, 1, 16, 17, 28, 29, ticket.count / 2, ticket.count - 16, ticket.count - 1] {
            var changed = ticket
            changed[index] ^= 0x01
            damaged.append(changed)
        }
        for ticket in damaged {
            let pair = try setting.connect(session: session.with(ticket: ticket, setting.key))
            #expect(pair.wasFull, "\(ticket.prefix(32)) of \(ticket.count)")
        }
    }

    @Test(arguments: TLSVersion.testable)
    func aTicketEndsWithItsLifetimeHoweverOftenItIsRenewed(_ version: TLSVersion) throws {
        let setting = try ResumptionSetting(version)
        let first = try setting.firstSession()
        setting.serverClock.advance(by: 7_100)
        let resumed = try setting.connect(session: first)
        #expect(resumed.wasResumed)
        let second = try #require(resumed.client.recorder.sessions.last)
        setting.serverClock.advance(by: 120)
        #expect(try setting.connect(session: first).wasFull)
        #expect(try setting.connect(session: second).wasFull)
    }

    @Test(arguments: TLSVersion.testable)
    func aTicketFromTheFutureMeansAFullHandshake(_ version: TLSVersion) throws {
        let setting = try ResumptionSetting(version)
        let session = try setting.firstSession()
        setting.serverClock.advance(by: -60)
        #expect(try setting.connect(session: session).wasFull)
    }

    @Test(arguments: TLSVersion.testable)
    func aDeviceWhoseCertificateHasExpiredMeanwhileIsNotResumed(_ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        let device = try credentials.root.issue(TLSTestCredentials.deviceTemplate { $0.notAfter = Date() + 600 })
        let setting = try ResumptionSetting(version, device: device)
        let session = try setting.firstSession()
        #expect(try setting.connect(session: session).wasResumed)
        setting.serverClock.advance(by: 660)
        // mbedTLS's own clock still finds it valid, and judges it.
        #expect(try setting.connect(session: session).wasFull)
    }

    @Test(arguments: TLSVersion.testable)
    func anIntermediateThatExpiresEndsTheTicket(_ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        let issuing = try credentials.root.makeIntermediate(validity: 600)
        let device = try issuing.issue(TLSTestCredentials.deviceTemplate())
        let setting = try ResumptionSetting(version, device: device)
        let session = try setting.firstSession()
        #expect(try setting.connect(session: session).wasResumed)
        setting.serverClock.advance(by: 660)
        #expect(try setting.connect(session: session).wasFull)
    }

    @Test(arguments: TLSVersion.testable)
    func aDeniedDeviceIsNotResumedAndToldWhy(_ version: TLSVersion) throws {
        let setting = try ResumptionSetting(version)
        let session = try setting.firstSession()
        var asked = 0
        let pair = try setting.connect(
            session: session,
            authorize: { _ in
                asked += 1
                return .denied(code: "revoked-yesterday", alert: .certificateRevoked)
            })
        // Once for the ticket, once for the certificate of the full handshake that followed.
        #expect(asked == 2)
        #expect(pair.server.recorder.completed == nil)
        #expect(pair.server.error?.code == .revoked && pair.server.error?.deniedCode == "revoked-yesterday")
        #expect(pair.client.error?.alertReceived == .certificateRevoked)
        #expect(pair.server.recorder.errors.count == 1 && !pair.server.isOpen)
    }

    @Test(arguments: TLSVersion.testable)
    func onlyTheTicketDeniedMeansAFullHandshake(_ version: TLSVersion) throws {
        let setting = try ResumptionSetting(version)
        let session = try setting.firstSession()
        var asked = 0
        let pair = try setting.connect(
            session: session,
            authorize: { _ in
                asked += 1
                return asked == 1 ? .denied(code: "not-yet", alert: .accessDenied) : .allowed
            })
        #expect(asked == 2 && pair.wasFull)
    }

    @Test(arguments: TLSVersion.testable)
    func anotherServersAnchorsMeanAFullHandshake(_ version: TLSVersion) throws {
        let setting = try ResumptionSetting(version)
        let session = try setting.firstSession()
        let stranger = try CertificateAuthority.makeDevelopmentRoot(commonName: "Stranger", maxPathLength: nil)
        let strangerPEM = Array(try stranger.certificatePEM.utf8)
        let alone = try setting.otherServer(key: setting.key) { $0.trustAnchorsPEM = strangerPEM }
        let refused = try setting.connect(session: session, server: alone)
        #expect(refused.server.error?.code == .unknownCA && refused.server.recorder.completed == nil)
        let more = try setting.otherServer(key: setting.key) { $0.trustAnchorsPEM += strangerPEM }
        #expect(try setting.connect(session: session, server: more).wasResumed, "the anchor is still one")
    }

    @Test(arguments: TLSVersion.testable)
    func rulesThatHaveBecomeStricterMeanAFullHandshake(_ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        let device = try credentials.root.issue(TLSTestCredentials.deviceTemplate { $0.purpose = .none })
        let setting = try ResumptionSetting(
            version, device: device, changingServer: { $0.requiresClientAuthExtendedKeyUsage = false })
        let session = try setting.firstSession()
        #expect(try setting.connect(session: session).wasResumed)
        let refused = try setting.connect(session: session, server: setting.otherServer(key: setting.key))
        #expect(refused.server.error?.code == .wrongExtendedKeyUsage && refused.server.recorder.completed == nil)
    }

    @Test(arguments: TLSVersion.testable)
    func anotherServerNameMeansAFullHandshake(_ version: TLSVersion) throws {
        let setting = try ResumptionSetting(version)
        let session = try setting.firstSession()
        // A client that breaks our own client's rule: the session is relabelled, so that it is offered.
        let relabelled = TLSSession(
            version: version, peer: session.peer, serverName: .verified("192.0.2.1"),
            trustAnchorsDigest: session.trustAnchorsDigest, serialized: session.serialized)
        let pair = try setting.connect(session: relabelled, serverName: .verified("192.0.2.1"))
        #expect(pair.server.recorder.completed?.isResumed != true)
        #expect(pair.client.recorder.completed?.isResumed != true)
    }

    @Test(arguments: TLSVersion.testable)
    func anExcusedClientGetsNoTicket(_ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        let device = try credentials.root.issue(
            TLSTestCredentials.deviceTemplate {
                $0.notBefore = Date() - 7_200
                $0.notAfter = Date() - 3_600
            })
        let setting = try ResumptionSetting(version, device: device)
        let pair = try setting.connect(authorize: { _ in .allowedDespite(.expired) })
        #expect(pair.wasFull)
        for session in pair.client.recorder.sessions {
            #expect(throws: TestFailure.self) { try session.ticketStart(setting.key) }
        }
        pair.client.write("still works")
        try pair.interact()
        #expect(pair.server.text == "still works")
    }

    @Test func aTicketOfOneVersionIsNotResumedInTheOther() throws {
        guard MbedTLSLibrary.supportsTLS13 else { return }
        let key = TLSTicketKey()
        let older = try ResumptionSetting(.v1_2, key: key)
        let newer = try ResumptionSetting(.v1_3, key: key)
        let ticketOf12 = try older.firstSession().ticket(key)
        let ticketOf13 = try newer.firstSession().ticket(key)
        // In TLS 1.2 mbedTLS would take a ticket of TLS 1.3 for a session with a master secret of zeros.
        #expect(try older.connect(session: older.firstSession().with(ticket: ticketOf13, key)).wasFull)
        #expect(try newer.connect(session: newer.firstSession().with(ticket: ticketOf12, key)).wasFull)
    }

    @Test func resumedInTLS13AfterAHelloRetryRequest() throws {
        guard MbedTLSLibrary.supportsTLS13 else { return }
        let setting = try ResumptionSetting(.v1_3, changingClient: { $0.namedGroups = [.x25519, .secp256r1] })
        let session = try setting.firstSession()
        let server = try setting.otherServer(key: setting.key) { $0.namedGroups = [.secp256r1] }
        var asked = 0
        let pair = try setting.connect(
            session: session, server: server,
            authorize: { _ in
                asked += 1
                return .allowed
            })
        #expect(pair.wasResumed)
        #expect(
            try pair.server.recorder.completed?.peerCertificate
                == PeerCertificate(parsing: setting.credentials.device.certificateDER))
        #expect((1...3).contains(asked))
    }

    @Test func everyChangeToASealedTicketIsSeen() throws {
        let key = TLSTicketKey()
        let random = try RandomSource()
        let content = Array("what it holds".utf8)
        let ticket = try #require(key.seal(content, scope: [7], random: random))
        func open(_ ticket: [UInt8], _ key: TLSTicketKey) -> [UInt8]? {
            var ticket = ticket
            return ticket.withUnsafeMutableBytes { bytes in key.open(bytes, scope: [7]).map { Array(bytes[$0]) } }
        }
        #expect(open(ticket, key) == content)
        #expect(key.seal(content, scope: [7], random: random) != ticket)
        for index in ticket.indices {
            for bit in 0..<8 {
                var changed = ticket
                changed[index] ^= 1 << UInt8(bit)
                #expect(open(changed, key) == nil)
            }
            #expect(open(Array(ticket.prefix(index)), key) == nil)
        }
        #expect(open(ticket, TLSTicketKey()) == nil)
    }

    /// What a ticket may say of a device with one intermediate above it.
    private func holder(_ change: (inout [TLSChainLink]) -> Void = { _ in }) throws -> VerifiedPeer {
        let leaf = try PeerCertificate(der: TLSTestCredentials.get().device.certificateDER)
        let anchor = TLSTrustAnchor(subject: [], sha256Fingerprint: [UInt8](repeating: 7, count: 32))
        var strength = ChainStrength()
        strength.add(leaf)
        var links = [
            TLSChainLink(
                issuerID: [UInt8](repeating: 1, count: 32), serialNumber: leaf.serialNumber, issuer: nil),
            TLSChainLink(issuerID: [UInt8](repeating: 2, count: 32), serialNumber: [0, 0xFF], issuer: nil),
        ]
        change(&links)
        return VerifiedPeer(
            certificate: leaf, trustAnchor: anchor, links: links, strength: strength, verifiedAt: 1_000,
            notAfter: 2_000)
    }

    private func content(_ peer: VerifiedPeer, binding: [UInt8] = [4, 5], session: [UInt8] = [1, 2, 3]) -> [UInt8]? {
        session.withUnsafeBytes {
            SessionTicket.content(
                peer, version: .v1_2, endsAt: 1_500, serverName: "gateway.test", binding: binding, session: $0)
        }
    }

    @Test func theContentOfATicketIsReadToTheLastByte() throws {
        let peer = try self.holder()
        let content = try #require(self.content(peer))
        func read(_ bytes: [UInt8]) -> SessionTicket? { bytes.withUnsafeBytes { SessionTicket($0) } }
        let ticket = try #require(read(content))
        #expect(ticket.version == .v1_2 && ticket.verifiedAt == 1_000 && ticket.notAfter == 2_000)
        #expect(ticket.endsAt == 1_500 && ticket.binding == [4, 5] && ticket.strength == peer.strength)
        #expect(ticket.anchorFingerprint == peer.trustAnchor.sha256Fingerprint && ticket.serverName == "gateway.test")
        #expect(ticket.links == peer.links)
        #expect(ticket.leaf == peer.certificate && !ticket.leaf.isWhole)
        #expect(Array(content[ticket.session]) == [1, 2, 3])
        for count in content.indices {
            #expect(read(Array(content.prefix(count))) == nil)
        }
        #expect(read(content + [0]) == nil)
        var unknownVersion = content
        unknownVersion[1] = 9
        #expect(read(unknownVersion) == nil)
    }

    /// Nobody but us can seal one, but nothing is to happen even if.
    @Test func anyContentIsSurvived() throws {
        let content = try #require(self.content(try self.holder()))
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            var changed = content
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let index = Int.random(in: 0..<changed.count, using: &generator)
                changed[index] = [0, 1, 0x7F, 0x80, 0xFF, UInt8.random(in: 0...255)].randomElement() ?? 0
            }
            changed.withUnsafeBytes { bytes in
                let ticket = SessionTicket(bytes)
                #expect(ticket.map { $0.session.upperBound <= bytes.count } ?? true)
            }
        }
    }

    @Test func whatATicketCannotHoldIsNotWritten() throws {
        #expect(self.content(try self.holder()) != nil)
        #expect(self.content(try self.holder(), binding: [UInt8](repeating: 0, count: 65)) == nil)
        #expect(self.content(try self.holder(), session: [UInt8](repeating: 0, count: 65_536)) == nil)
        #expect(self.content(try self.holder { $0 = [] }) == nil)
        #expect(self.content(try self.holder { $0 += [TLSChainLink](repeating: $0[1], count: 19) }) == nil)
        #expect(
            self.content(
                try self.holder { $0[1] = TLSChainLink(issuerID: [], serialNumber: [1], issuer: nil) }) == nil)
        #expect(
            self.content(
                try self.holder { $0[0] = TLSChainLink(issuerID: $0[0].issuerID, serialNumber: [1], issuer: nil) })
                == nil)
        #expect(
            self.content(
                try self.holder {
                    $0[1] = TLSChainLink(
                        issuerID: $0[0].issuerID, serialNumber: [UInt8](repeating: 1, count: 256), issuer: nil)
                }) == nil)
    }

    @Test func wrongRolesAndLifetimesAreRefused() throws {
        let credentials = try TLSTestCredentials.get()
        func problems(_ configuration: TLSConfiguration) -> [TLSConfigurationError.Code] {
            do throws(TLSConfigurationError) {
                _ = try TLSContext(configuration)
                return []
            } catch {
                return error.problems.map(\.code)
            }
        }
        #expect(problems(try credentials.serverConfiguration { $0.keepsSessions = true }) == [.wrongRole])
        #expect(problems(try credentials.clientConfiguration { $0.ticketKeys = [TLSTicketKey()] }) == [.wrongRole])
        #expect(
            problems(try credentials.serverConfiguration { $0.ticketKeys = [TLSTicketKey(lifetime: .zero)] }) == [
                .limit
            ])
        #expect(TLSTicketKey(lifetime: .hours(24 * 365)).lifetime == 604_800)
    }
}

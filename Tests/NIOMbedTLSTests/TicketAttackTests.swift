import FleetPKI
import Foundation
import NIOCore
import Testing

@testable import NIOMbedTLS

/// Tickets where, when or as what they must not be resumed; and what a resumed client is known by.
@Suite("attacks with tickets")
struct TicketAttackTests {
    // MARK: Where

    @Test(arguments: TLSVersion.testable)
    func anotherListenersTicketMeansAFullHandshake(_ version: TLSVersion) throws {
        let setting = try ResumptionSetting(version, changingServer: { $0.ticketScope = "public" })
        let session = try setting.firstSession()
        #expect(try setting.connect(session: session).wasResumed)
        for scope in ["", "Public", "public ", "internal"] {
            let other = try setting.otherServer(key: setting.key) { $0.ticketScope = scope }
            #expect(try setting.connect(session: session, server: other).wasFull, "\(scope)")
        }
        let same = try setting.otherServer(key: setting.key) { $0.ticketScope = "public" }
        #expect(try setting.connect(session: session, server: same).wasResumed)
    }

    // MARK: Keys

    @Test(arguments: TLSVersion.testable)
    func anyKeyOpensAndTheFirstSeals(_ version: TLSVersion) throws {
        let setting = try ResumptionSetting(version)
        let session = try setting.firstSession()
        let newer = TLSTicketKey()
        let rotated = try setting.otherServer(key: nil) { $0.ticketKeys = [newer, setting.key] }
        let resumed = try setting.connect(session: session, server: rotated)
        #expect(resumed.wasResumed)
        // In TLS 1.2 there is no new ticket for a resumed session.
        if let renewed = resumed.client.recorder.sessions.last, version == .v1_3 {
            #expect(try renewed.ticketStart(newer) > 0)
        }
        let rotatedOut = try setting.otherServer(key: newer)
        #expect(try setting.connect(session: session, server: rotatedOut).wasFull)
    }

    @Test func keysThatCannotBeToldApartAreRefused() throws {
        let key = TLSTicketKey()
        let twin = TLSTicketKey(identifier: key.identifier, secret: [UInt8](repeating: 7, count: 32), lifetime: 60)
        let credentials = try TLSTestCredentials.get()
        #expect(throws: TLSConfigurationError.self) {
            try TLSContext(try credentials.serverConfiguration { $0.ticketKeys = [key, twin] })
        }
    }

    // MARK: Damage

    /// Each byte of a ticket of its own.
    @Test(arguments: TLSVersion.testable)
    func everyByteCounts(_ version: TLSVersion) throws {
        let setting = try ResumptionSetting(version)
        let session = try setting.firstSession()
        let ticket = try session.ticket(setting.key)
        let issue = try #require(setting.server.tickets)
        for index in ticket.indices {
            var changed = ticket
            changed[index] ^= 0x80
            #expect(changed.withUnsafeMutableBytes { issue.open($0) } == nil)
            var shortened = Array(ticket.prefix(index))
            #expect(shortened.withUnsafeMutableBytes { issue.open($0) } == nil)
        }
        // The same in handshakes, for some.
        for index in stride(from: 0, to: ticket.count, by: 41) {
            var changed = ticket
            changed[index] ^= 0x80
            #expect(try setting.connect(session: session.with(ticket: changed, setting.key)).wasFull)
        }
    }

    /// Who has seen a ticket go by has not got the session's secret.
    @Test(arguments: TLSVersion.testable)
    func aTicketWithoutItsSecretIsOfNoUse(_ version: TLSVersion) throws {
        let setting = try ResumptionSetting(version)
        let stolen = try setting.firstSession().ticket(setting.key)
        let own = try setting.firstSession()
        var asked: [PeerCertificate] = []
        let pair = try setting.connect(
            session: own.with(ticket: stolen, setting.key),
            authorize: { peer in
                asked.append(peer.certificate)
                return .allowed
            })
        #expect(pair.server.recorder.completed?.isResumed != true)
        #expect(pair.client.recorder.completed?.isResumed != true)
        #expect(pair.server.recorder.plaintext.readableBytes == 0 && !asked.isEmpty)
    }

    // MARK: What it was bound to

    @Test(arguments: TLSVersion.testable)
    func theBindingComesBack(_ version: TLSVersion) throws {
        let setting = try ResumptionSetting(version)
        let first = try setting.connect(authorize: { peer in
            #expect(peer.ticketBinding == nil)
            return .allowedBound(to: [1, 2, 3])
        })
        let session = try #require(first.client.recorder.sessions.last)
        var seen: [[UInt8]?] = []
        func grants(_ binding: [UInt8]) -> TLSAuthorize {
            { peer in
                seen.append(peer.ticketBinding)
                guard let bound = peer.ticketBinding else { return .allowedBound(to: binding) }
                return bound == binding ? .allowedBound(to: binding) : .denied(code: "changed", alert: .accessDenied)
            }
        }
        #expect(try setting.connect(session: session, authorize: grants([1, 2, 3])).wasResumed)
        #expect(try setting.connect(session: session, authorize: grants([9])).wasFull)
        #expect(seen == [[1, 2, 3], [1, 2, 3], nil])
        let unbound = try setting.firstSession()
        seen = []
        #expect(try setting.connect(session: unbound, authorize: grants([])).wasResumed && seen == [[]])
    }

    @Test(arguments: TLSVersion.testable, [nil, [UInt8](repeating: 1, count: 65)])
    func noBindingNoTicket(_ version: TLSVersion, _ binding: [UInt8]?) throws {
        let setting = try ResumptionSetting(version)
        let pair = try setting.connect(authorize: { _ in .allowedBound(to: binding) })
        #expect(pair.wasFull)
        for session in pair.client.recorder.sessions {
            #expect(throws: TestFailure.self) { try session.ticketStart(setting.key) }
        }
    }

    // MARK: How long

    /// A renewed ticket ends with the first one, also under a key with a longer lifetime.
    @Test func renewalProlongsNothing() throws {
        guard MbedTLSLibrary.supportsTLS13 else { return }
        let setting = try ResumptionSetting(.v1_3, key: TLSTicketKey(lifetime: .seconds(600)))
        let first = try setting.firstSession()
        setting.serverClock.advance(by: 500)
        let longer = TLSTicketKey(lifetime: .hours(100))
        let rotated = try setting.otherServer(key: nil) { $0.ticketKeys = [longer, setting.key] }
        let resumed = try setting.connect(session: first, server: rotated)
        #expect(resumed.wasResumed)
        let renewed = try #require(resumed.client.recorder.sessions.last)
        #expect(try setting.connect(session: renewed, server: rotated).wasResumed)
        setting.serverClock.advance(by: 101)
        #expect(try setting.connect(session: renewed, server: rotated).wasFull)
    }

    @Test(arguments: TLSVersion.testable)
    func aLifetimeThatWasShortenedCountsAtOnce(_ version: TLSVersion) throws {
        func key(_ lifetime: Int64) -> TLSTicketKey {
            TLSTicketKey(
                identifier: [UInt8](repeating: 1, count: 16), secret: [UInt8](repeating: 2, count: 32),
                lifetime: lifetime)
        }
        let setting = try ResumptionSetting(version, key: key(7_200))
        let session = try setting.firstSession()
        let shorter = key(60)
        setting.serverClock.advance(by: 61)
        #expect(try setting.connect(session: session, server: setting.otherServer(key: shorter)).wasFull)
        #expect(try setting.connect(session: session).wasResumed)
    }

    @Test(arguments: TLSVersion.testable)
    func theAllowanceForClocksHoldsForTicketsToo(_ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        let device = try credentials.root.issue(TLSTestCredentials.deviceTemplate { $0.notAfter = Date() + 600 })
        let setting = try ResumptionSetting(version, device: device, changingServer: { $0.clockSkew = .seconds(300) })
        let session = try setting.firstSession()
        setting.serverClock.advance(by: 590)
        #expect(try setting.connect(session: session).wasResumed)
        // The ticket itself is good until notAfter, and so a client has no cause to offer it later.
        setting.serverClock.advance(by: 30)
        #expect(try setting.connect(session: session).wasFull)
    }

    // MARK: Rules

    @Test(arguments: TLSVersion.testable)
    func stricterRulesOfTheAnchorMeanAFullHandshake(_ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        let middle = try credentials.root.makeIntermediate()
        let device = try middle.issue(TLSTestCredentials.deviceTemplate())
        let setting = try ResumptionSetting(version, device: device)
        let session = try setting.firstSession()
        let anchor = try #require(setting.server.trustAnchors.first?.sha256Fingerprint)
        func server(_ rules: TLSAnchorRules) throws -> TLSContext {
            try setting.otherServer(key: setting.key) { $0.anchorRules = [anchor: rules] }
        }
        #expect(try setting.connect(session: session, server: server(.init())).wasResumed)
        for (rules, code) in [
            (TLSAnchorRules(curveBitsMin: 384), TLSError.Code.weakKey),
            (.init(signatureDigests: [.sha384, .sha512]), .weakSignature),
            (.init(chainDepthMax: 1), .chainTooLong),
        ] {
            let pair = try setting.connect(session: session, server: server(rules))
            #expect(pair.server.error?.code == code && pair.server.recorder.completed == nil)
        }
    }

    // MARK: Who

    @Test(arguments: TLSVersion.testable)
    func theChainIsTheSameAsInTheFullHandshake(_ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        let middle = try credentials.root.makeIntermediate()
        let device = try middle.issue(TLSTestCredentials.deviceTemplate())
        let setting = try ResumptionSetting(version, device: device)
        var peers: [TLSPeer] = []
        let first = try setting.connect(authorize: { peer in
            peers.append(peer)
            return .allowed
        })
        let session = try #require(first.client.recorder.sessions.last)
        let again = try setting.connect(
            session: session,
            authorize: { peer in
                peers.append(peer)
                return .allowed
            })
        #expect(again.wasResumed && peers.count == 2)
        let (whole, kept) = (peers[0], peers[1])
        let middleCertificate = try PeerCertificate.reading(Array(try middle.certificatePEM.utf8))[0]
        let rootCertificate = try PeerCertificate.reading(Array(try credentials.root.certificatePEM.utf8))[0]
        #expect(
            whole.chain == [
                TLSChainLink(
                    issuerID: middleCertificate.authorityID, serialNumber: whole.certificate.serialNumber,
                    issuer: middleCertificate),
                TLSChainLink(
                    issuerID: rootCertificate.authorityID, serialNumber: middleCertificate.serialNumber,
                    issuer: rootCertificate),
            ])
        #expect(kept.chain.map(\.issuerID) == whole.chain.map(\.issuerID))
        #expect(kept.chain.map(\.serialNumber) == whole.chain.map(\.serialNumber))
        #expect(kept.chain.allSatisfy { $0.issuer == nil } && kept.trustAnchor == whole.trustAnchor)
        #expect(kept.certificate == whole.certificate && !kept.certificate.isWhole && whole.certificate.isWhole)
    }

    @Test(arguments: TLSVersion.testable)
    func aUsualDevicesTicketIsSmall(_ version: TLSVersion) throws {
        let setting = try ResumptionSetting(version, changingServer: { $0.ticketScope = "public" })
        let pair = try setting.connect(authorize: { _ in .allowedBound(to: [UInt8](repeating: 1, count: 32)) })
        let session = try #require(pair.client.recorder.sessions.last)
        let size = try session.ticket(setting.key).count
        #expect(size < 600, "\(size)")
    }
}

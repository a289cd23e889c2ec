import FleetPKI
import Foundation
import NIOCore
import NIOEmbedded
import Testing

@testable import NIOMbedTLS

/// What a client keeps of a connection, and what it takes to resume it.
@Suite("client sessions")
struct SessionTests {
    static let ways: [(TLSVersion, Int?)] = TLSVersion.testable.flatMap { [($0, nil), ($0, 1), ($0, 7)] }

    @Test(arguments: ways)
    func aSessionIsResumedAndAgain(_ version: TLSVersion, _ chunk: Int?) throws {
        let setting = try ResumptionSetting(version)
        let full = try setting.connect(chunk: chunk)
        #expect(full.wasFull)
        var session = try #require(full.client.recorder.sessions.last)
        #expect(session.version == version)
        #expect(session.peerCertificate.der == setting.credentials.server.certificateDER)
        for _ in 1...3 {
            let pair = try setting.connect(session: session, chunk: chunk)
            #expect(pair.wasResumed, "\(pair.client.recorder.errors) \(pair.server.recorder.errors)")
            let atClient = try #require(pair.client.recorder.completed)
            #expect(atClient.version == version)
            #expect(atClient.peerCertificate.der == setting.credentials.server.certificateDER)
            #expect(atClient.serverName == "gateway.test")
            #expect(atClient.applicationProtocol == "mqtt")
            let fullBytes = try #require(full.client.recorder.completed).handshakeBytesIn
            #expect(atClient.handshakeBytesIn < fullBytes)
            pair.client.write("from the device")
            pair.server.write("from the gateway")
            try pair.interact(chunk: chunk)
            #expect(pair.server.text == "from the device")
            #expect(pair.client.text == "from the gateway")
            session = try #require(pair.client.recorder.sessions.last)
        }
    }

    @Test(arguments: TLSVersion.testable)
    func anotherContextOfTheSameConfigurationResumes(_ version: TLSVersion) throws {
        let setting = try ResumptionSetting(version)
        let session = try setting.firstSession()
        let configuration = try setting.credentials.clientConfiguration(version.only) { $0.keepsSessions = true }
        let other = try TLSContext(configuration, sharing: setting.client)
        #expect(try setting.connect(session: session, client: other).wasResumed)
    }

    @Test(arguments: TLSVersion.testable)
    func theSessionOfAnAddressIsResumed(_ version: TLSVersion) throws {
        let setting = try ResumptionSetting(version)
        let session = try setting.firstSession(serverName: .verified("192.0.2.1"))
        #expect(try setting.connect(session: session, serverName: .verified("192.0.2.1")).wasResumed)
        #expect(try setting.connect(session: session).wasFull)
    }

    @Test(arguments: TLSVersion.testable)
    func anotherNameMeansAFullHandshake(_ version: TLSVersion) throws {
        let setting = try ResumptionSetting(version)
        let session = try setting.firstSession()
        for name in [TLSServerName.unverifiedName, .verified("192.0.2.1")] {
            #expect(try setting.connect(session: session, serverName: name).wasFull)
        }
        // Not offered, and so judged by its certificate.
        let refused = try setting.connect(session: session, serverName: .verified("other.test"))
        #expect(refused.client.error?.code == .wrongName)
    }

    @Test(arguments: TLSVersion.testable)
    func otherTrustAnchorsMeanAFullHandshake(_ version: TLSVersion) throws {
        let setting = try ResumptionSetting(version)
        let session = try setting.firstSession()
        let stranger = try CertificateAuthority.makeDevelopmentRoot(commonName: "Stranger", maxPathLength: nil)
        let strangerPEM = Array(try stranger.certificatePEM.utf8)
        let alone = try setting.credentials.clientConfiguration(version.only) {
            $0.keepsSessions = true
            $0.trustAnchorsPEM = strangerPEM
        }
        let refused = try setting.connect(session: session, client: TLSContext(alone))
        #expect(refused.client.error?.code == .unknownCA)
        let more = try setting.credentials.clientConfiguration(version.only) {
            $0.keepsSessions = true
            $0.trustAnchorsPEM += strangerPEM
        }
        #expect(try setting.connect(session: session, client: TLSContext(more)).wasFull)
    }

    @Test(arguments: TLSVersion.testable)
    func contextsThatKeepNoneGetNoneAndOfferNone(_ version: TLSVersion) throws {
        let setting = try ResumptionSetting(version)
        let session = try setting.firstSession()
        let plain = try TLSContext(setting.credentials.clientConfiguration(version.only))
        let pair = try setting.connect(session: session, client: plain)
        #expect(pair.wasFull)
        pair.server.write("hello")
        try pair.interact()
        #expect(pair.client.text == "hello")
        #expect(pair.client.recorder.sessions.isEmpty)
    }

    @Test func aVersionThatIsNotOfferedMeansAFullHandshake() throws {
        guard MbedTLSLibrary.supportsTLS13 else { return }
        for (old, new) in [(TLSVersion.v1_2, TLSVersion.v1_3), (.v1_3, .v1_2)] {
            let session = try ResumptionSetting(old).firstSession()
            let setting = try ResumptionSetting(new)
            #expect(try setting.connect(session: session).wasFull)
        }
    }

    @Test(arguments: TLSVersion.testable)
    func aSessionEndsADayAfterItsFullHandshakeHoweverOftenItIsResumed(_ version: TLSVersion) throws {
        let setting = try ResumptionSetting(version)
        let first = try setting.firstSession()
        setting.clientClock.advance(by: TLSLimits.sessionSecondsMax - 60)
        let resumed = try setting.connect(session: first)
        #expect(resumed.wasResumed)
        let second = try #require(resumed.client.recorder.sessions.last)
        #expect(second.peer.verifiedAt == first.peer.verifiedAt)
        setting.clientClock.advance(by: 120)
        #expect(try setting.connect(session: second).wasFull)
        setting.clientClock.advance(by: -3 * TLSLimits.sessionSecondsMax)
        #expect(try setting.connect(session: second).wasFull, "made in the future")
    }

    @Test(arguments: TLSVersion.testable)
    func aServerWhoseCertificateHasExpiredMeanwhileIsNotResumed(_ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        let issuing = try credentials.root.makeIntermediate()
        func template(_ end: Date?) -> CertificateTemplate {
            var template = CertificateTemplate(
                subject: [("CN", "short")], alternativeNames: [.dns("gateway.test")], purpose: .server)
            template.notAfter = end
            return template
        }
        let short = try issuing.issue(template(Date() + 600))
        let setting = try ResumptionSetting(version)
        let server = try setting.otherServer(key: setting.key) {
            $0.certificateChainPEM = Array(short.chainPEM.utf8)
            $0.privateKeyPEM = Array(short.privateKeyPEM.utf8)
        }
        let session = try #require(setting.connect(server: server).client.recorder.sessions.last)
        #expect(try setting.connect(session: session, server: server).wasResumed)
        setting.clientClock.advance(by: 660)
        #expect(try setting.connect(session: session, server: server).wasFull)
    }

    @Test(arguments: TLSVersion.testable)
    func anIntermediateThatExpiresEndsTheSession(_ version: TLSVersion) throws {
        let setting = try ResumptionSetting(version)
        let root = setting.credentials.root
        let issuing = try root.makeIntermediate(validity: 600)
        let issued = try issuing.issue(
            CertificateTemplate(
                subject: [("CN", "below")], alternativeNames: [.dns("gateway.test")], purpose: .server))
        let server = try setting.otherServer(key: setting.key) {
            $0.certificateChainPEM = Array(issued.chainPEM.utf8)
            $0.privateKeyPEM = Array(issued.privateKeyPEM.utf8)
        }
        let session = try #require(setting.connect(server: server).client.recorder.sessions.last)
        #expect(session.peer.notAfter < setting.clientClock.now + 660)
        setting.clientClock.advance(by: 660)
        #expect(try setting.connect(session: session, server: server).wasFull)
    }

    @Test(arguments: TLSVersion.testable)
    func theAuthorizationIsAskedAgainAndCanRefuse(_ version: TLSVersion) throws {
        let setting = try ResumptionSetting(version)
        let session = try setting.firstSession()
        var asked: [TLSPeer] = []
        let pair = try setting.connect(
            session: session,
            authorizeServer: {
                asked.append($0)
                return .denied(code: "not-today", alert: .accessDenied)
            })
        #expect(asked.map(\.certificate) == [session.peerCertificate])
        #expect(asked.first?.trustAnchor?.subjectDescription == "CN=Test Root")
        #expect(pair.client.recorder.completed == nil && !pair.client.isOpen)
        let error = try #require(pair.client.error)
        #expect(error.code == .accessDenied && error.deniedCode == "not-today")
        #expect(error.peerCertificate == session.peerCertificate)
        #expect(pair.server.error?.alertReceived == .accessDenied)
        #expect(pair.client.recorder.sessions.isEmpty)
    }

    @Test(arguments: TLSVersion.testable)
    func aServerThatWasExcusedLeavesNoSession(_ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        var template = CertificateTemplate(
            subject: [("CN", "old")], alternativeNames: [.dns("gateway.test")], purpose: .server)
        template.notBefore = Date() - 7_200
        template.notAfter = Date() - 3_600
        let expired = try credentials.root.issue(template)
        let setting = try ResumptionSetting(version)
        let server = try setting.otherServer(key: setting.key) {
            $0.certificateChainPEM = Array(expired.chainPEM.utf8)
            $0.privateKeyPEM = Array(expired.privateKeyPEM.utf8)
        }
        let pair = try setting.connect(server: server, authorizeServer: { _ in .allowedDespite(.expired) })
        #expect(pair.wasFull)
        #expect(pair.client.recorder.sessions.isEmpty)
    }

    @Test(arguments: TLSVersion.testable)
    func damagedSessionsNeverHarmMoreThanTheirConnection(_ version: TLSVersion) throws {
        let setting = try ResumptionSetting(version)
        let session = try setting.firstSession()
        let bytes = session.serialized
        // Cut anywhere, it is not a session to mbedTLS, and is not offered.
        for count in [0, 1, 8, bytes.count / 2, bytes.count - 1] {
            let pair = try setting.connect(session: session.with(serialized: Array(bytes.prefix(count))))
            #expect(pair.wasFull, "cut to \(count)")
        }
        var other = bytes
        other[0] ^= 0xFF
        #expect(try setting.connect(session: session.with(serialized: other)).wasFull, "of another mbedTLS")
    }

    @Test(arguments: TLSVersion.testable)
    func aSecretThatIsNotTheTicketsFails(_ version: TLSVersion) throws {
        let setting = try ResumptionSetting(version)
        let session = try setting.firstSession()
        // Where mbedTLS saves it, in 2.28 and in 3.6.
        let secret = version == .v1_3 ? 20 : 60
        var bytes = session.serialized
        bytes[secret] ^= 0x01
        let pair = try setting.connect(session: session.with(serialized: bytes))
        #expect(pair.client.recorder.completed == nil && pair.server.recorder.completed == nil)
        #expect(pair.server.error != nil && pair.client.error != nil)
        #expect(!pair.client.isOpen && !pair.server.isOpen)
    }

    @Test(arguments: TLSVersion.testable)
    func aStolenTicketIsOfNoUseWithoutItsSecret(_ version: TLSVersion) throws {
        let setting = try ResumptionSetting(version)
        let stolen = try setting.firstSession().ticket(setting.key)
        let pair = try setting.connect(session: setting.firstSession().with(ticket: stolen, setting.key))
        #expect(pair.server.recorder.completed?.isResumed != true)
        #expect(pair.client.recorder.completed?.isResumed != true)
    }

    /// A server that declines a ticket and gives no new one: the old ticket must not be kept with the new secret.
    @Test(arguments: TLSVersion.testable)
    func aDeclinedTicketIsNotKept(_ version: TLSVersion) throws {
        let setting = try ResumptionSetting(version)
        let declined = try setting.connect(session: setting.firstSession(), server: setting.otherServer(key: nil))
        #expect(declined.wasFull)
        let pair = try setting.connect(session: declined.client.recorder.sessions.last)
        #expect(pair.wasFull)
    }

    @Test(arguments: TLSVersion.testable)
    func aSessionThatComesWhileClosingIsStillHandedOut(_ version: TLSVersion) throws {
        let setting = try ResumptionSetting(version)
        let pair = try TLSPair(setting.client, setting.server)
        pair.client.recorder.onCompleted = { $0.close(promise: nil) }
        try pair.handshake()
        #expect(pair.client.recorder.errors.isEmpty)
        let session = try #require(pair.client.recorder.sessions.last)
        #expect(try setting.connect(session: session).wasResumed)
    }

    @Test func secretsAreNotPrinted() throws {
        let setting = try ResumptionSetting(.v1_2)
        let session = try setting.firstSession()
        var dumped = ""
        dump(session, to: &dumped)
        dump(setting.key, to: &dumped)
        #expect("\(session)" == "TLSSession(TLS 1.2)")
        #expect("\(setting.key)" == "TLSTicketKey")
        #expect(!dumped.contains("- 0:") && dumped.count < 200, "\(dumped)")
    }
}

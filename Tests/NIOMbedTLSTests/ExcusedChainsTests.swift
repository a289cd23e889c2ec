import CMbedTLS
import FleetPKI
import Foundation
import NIOCore
import Testing

@testable import NIOMbedTLS

/// What an authorization can excuse and what it cannot, in handshakes; and that the check without a connection says the
/// same.
@Suite("excused chains")
struct ExcusedChainsTests {
    static let verdicts: [TLSVerdict] = [
        .allowed, .allowedDespite([]), .allowedDespite(.expired), .allowedDespite(.untrusted),
        .allowedDespite([.expired, .untrusted]), .denied(code: "no-profile", alert: .accessDenied),
        .denied(code: "gone", alert: .certificateRevoked),
    ]

    /// How a chain ends: let in when there is no code.
    struct Outcome: Equatable {
        var code: TLSError.Code?
        var deniedCode: String?
        var alert: TLSAlert?
        var trustAnchor: TLSTrustAnchor?
        var asked: [TLSObjections] = []
    }

    /// By the documentation of ``TLSVerdict``; without alert and anchor.
    private func expected(_ judgement: PresentedChain.Judgement, _ verdict: TLSVerdict) -> Outcome {
        let objections: TLSObjections
        switch judgement {
        case .inexcusable(let code): return Outcome(code: code)
        case .objections(let all): objections = all
        }
        var outcome = Outcome(asked: [objections])
        func first(_ objections: TLSObjections) -> TLSError.Code? {
            objections.contains(.untrusted) ? .unknownCA : objections.contains(.expired) ? .expired : nil
        }
        switch verdict {
        case .allowed, .allowedBound: outcome.code = first(objections)
        case .allowedDespite(let tolerated): outcome.code = first(objections.subtracting(tolerated))
        case .denied(let code, let alert):
            outcome.code = first(objections) ?? (alert == .certificateRevoked ? .revoked : .accessDenied)
            outcome.deniedCode = code
        }
        return outcome
    }

    private func handshake(
        _ client: TLSContext, _ server: TLSContext, _ verdict: TLSVerdict, _ version: TLSVersion
    ) throws -> Outcome {
        var outcome = Outcome()
        let pair = try TLSPair(
            client, server,
            authorize: { peer in
                #expect((peer.trustAnchor == nil) == peer.objections.contains(.untrusted))
                #expect(peer.version == version && peer.serverName == "gateway.test")
                outcome.asked.append(peer.objections)
                outcome.trustAnchor = peer.trustAnchor
                return verdict
            })
        try pair.handshake()
        outcome.code = pair.server.error?.code
        outcome.deniedCode = pair.server.error?.deniedCode
        outcome.alert = pair.server.error?.alertSent
        #expect((pair.server.recorder.completed == nil) == (outcome.code != nil))
        #expect(pair.server.recorder.errors.count == (outcome.code == nil ? 0 : 1))
        // Of a chain beyond what mbedTLS can hold the server does not know which alert was sent in TLS 1.3.
        #expect(outcome.alert == nil || pair.client.recorder.errors.last?.alertReceived == outcome.alert)
        return outcome
    }

    private func check(
        _ chain: [PeerCertificate], _ server: TLSContext, _ verdict: TLSVerdict, _ version: TLSVersion
    ) -> Outcome {
        var outcome = Outcome()
        let result = server.verify(chain: chain, version: version, serverName: "gateway.test") { peer in
            #expect(peer.certificate == chain.first && peer.version == version && peer.serverName == "gateway.test")
            outcome.asked.append(peer.objections)
            outcome.trustAnchor = peer.trustAnchor
            return verdict
        }
        switch result {
        case .accepted(let trustAnchor, let despite):
            #expect(trustAnchor == outcome.trustAnchor && outcome.asked == [despite])
        case .refused(let error):
            #expect(error.peerCertificate == chain.first && error.fault == .peer)
            (outcome.code, outcome.deniedCode, outcome.alert) = (error.code, error.deniedCode, error.alertSent)
        }
        return outcome
    }

    @Test(arguments: PresentedChain.all, TLSVersion.testable)
    func everyVerdictOnEveryChain(_ presented: PresentedChain, _ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        let made = try presented.make(credentials)
        let client = try TLSContext(presented.client(credentials, made, version))
        let server = try TLSContext(presented.server(credentials, made))
        let chain = try PeerCertificate.reading(made.chainPEM)
        for verdict in Self.verdicts {
            let outcome = try self.handshake(client, server, verdict, version)
            var expected = self.expected(presented.judgement, verdict)
            expected.alert = outcome.alert
            expected.trustAnchor =
                outcome.asked == [[]] || outcome.asked == [.expired] ? server.trustAnchors.first : nil
            #expect(outcome == expected, "\(verdict)")
            #expect((outcome.alert == nil) == (outcome.code == nil) || outcome.code == .chainTooLong)

            var checked = self.check(chain, server, verdict, version)
            if presented.testDescription == "too long for mbedTLS" {
                // Nothing is sent for this by the verification.
                checked.alert = outcome.alert
            }
            #expect(checked == outcome, "\(verdict)")
        }
    }

    /// One objection alone has the alert that it always had.
    @Test(
        arguments: [TLSVerdict.allowed, .denied(code: "no-profile", alert: .certificateRevoked)], TLSVersion.testable)
    func theAlertIsThatOfTheObjection(_ verdict: TLSVerdict, _ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        for presented in PresentedChain.excusable {
            let made = try presented.make(credentials)
            let outcome = try self.handshake(
                TLSContext(presented.client(credentials, made, version)),
                TLSContext(presented.server(credentials, made)), verdict, version)
            switch presented.judgement {
            case .objections(.untrusted): #expect(outcome.alert == .unknownCA)
            // When both stand mbedTLS tells the peer of the dates.
            case .objections: #expect(outcome.alert == .certificateExpired)
            case .inexcusable: Issue.record("not excusable")
            }
        }
    }

    /// An objection that was excused does not choose the alert of the other.
    @Test(arguments: TLSVersion.testable)
    func whatWasExcusedDoesNotChooseTheAlert(_ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        let presented = try #require(
            PresentedChain.excusable.first { $0.judgement == .objections([.expired, .untrusted]) })
        let made = try presented.make(credentials)
        for (tolerated, code, alert) in [
            (TLSObjections.expired, TLSError.Code.unknownCA, TLSAlert.unknownCA),
            (.untrusted, .expired, .certificateExpired),
        ] {
            let outcome = try self.handshake(
                TLSContext(presented.client(credentials, made, version)),
                TLSContext(presented.server(credentials, made)), .allowedDespite(tolerated), version)
            #expect(outcome.code == code && outcome.alert == alert)
        }
    }

    /// In bulk and one byte at a time, with data after it.
    @Test(arguments: PresentedChain.excusable, MutualTLSTests.ways)
    func anExcusedDeviceHasAConnection(_ presented: PresentedChain, _ way: (TLSVersion, Int?)) throws {
        let credentials = try TLSTestCredentials.get()
        let made = try presented.make(credentials)
        let pair = try TLSPair(
            TLSContext(presented.client(credentials, made, way.0)), TLSContext(presented.server(credentials, made)),
            authorize: { .allowedDespite($0.objections) })
        try pair.handshake(chunk: way.1)
        #expect(pair.server.recorder.completed?.peerCertificate.der == made.certificates.first)
        pair.client.write("from the device")
        try pair.interact(chunk: way.1)
        #expect(pair.server.text == "from the device")
    }

    // MARK: The key

    /// A client that has a certificate, and another's key.
    private func thief(_ made: PresentedChain.Made, _ version: TLSVersion) throws -> (TLSContext, [AnyObject]) {
        let credentials = try TLSTestCredentials.get()
        let context = try TLSContext(
            try credentials.clientConfiguration(version.only) {
                $0.certificateChainPEM = []
                $0.privateKeyPEM = []
            })
        let chain = try CertificateChain(pem: made.chainPEM)
        let key = try PrivateKey(
            pem: Array(try KeyPair.generate().pem.utf8), passphrase: nil, random: try RandomSource())
        #expect(fleetgate_settings_set_identity(context.settings, chain.pointer, key.pointer) == 0)
        return (context, [chain, key])
    }

    /// Excusing a chain excuses nobody from the proof that the key is his.
    @Test(arguments: PresentedChain.good + PresentedChain.excusable, TLSVersion.testable)
    func aCertificateWithoutItsKey(_ presented: PresentedChain, _ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        let made = try presented.make(credentials)
        let (client, owned) = try self.thief(made, version)
        try withExtendedLifetime(owned) {
            var asked = 0
            let pair = try TLSPair(
                client, TLSContext(presented.server(credentials, made)),
                authorize: { peer in
                    asked += 1
                    return .allowedDespite(peer.objections)
                })
            try pair.handshake()
            #expect(asked == 1)
            #expect(pair.server.error?.code == .badSignature, "\(String(describing: pair.server.error))")
            #expect(pair.server.error?.peerCertificate?.der == made.certificates.first)
            #expect(pair.server.recorder.completed == nil && !pair.server.isOpen)
            #expect(pair.server.recorder.plaintext.readableBytes == 0)
        }
    }

    // MARK: Curves

    /// mbedTLS asks for the curve after the chain: it is judged with it, before anybody is asked.
    @Test(arguments: [
        (TLSObjections?.none, TLSError.Code.weakKey), (.expired, .weakKey), (.untrusted, .unknownCA),
    ])
    func aKeyOnACurveThatIsNotOffered(_ objections: TLSObjections?, _ code: TLSError.Code) throws {
        let credentials = try TLSTestCredentials.get()
        let change: (inout CertificateTemplate) -> Void = {
            $0.keyType = .p384
            guard objections == .expired else { return }
            $0.notBefore = Date() - 7_200
            $0.notAfter = Date() - 3_600
        }
        let device =
            objections == .untrusted
            ? try CertificateAuthority.selfSigned(TLSTestCredentials.deviceTemplate(change))
            : try credentials.root.issue(TLSTestCredentials.deviceTemplate(change))
        let client = try TLSContext(try credentials.clientConfiguration(TLSVersion.v1_2.only, device))
        let server = try TLSContext(try credentials.serverConfiguration { $0.namedGroups = [.secp256r1, .x25519] })
        for verdict in Self.verdicts {
            let outcome = try self.handshake(client, server, verdict, .v1_2)
            #expect(outcome == Outcome(code: code, alert: outcome.alert))
            #expect(
                self.check(try PeerCertificate.reading(Array(device.chainPEM.utf8)), server, verdict, .v1_2) == outcome)
        }
    }

    // MARK: Clients

    /// A client excuses nothing of its own accord.
    @Test(arguments: TLSVersion.testable)
    func aServerThatHasExpired(_ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        let server = try credentials.root.issue(
            CertificateTemplate(
                subject: [("CN", "gateway.test")], alternativeNames: [.dns("gateway.test")], purpose: .server,
                notBefore: Date() - 7_200, notAfter: Date() - 3_600))
        let pair = try TLSPair(
            client: credentials.clientConfiguration(version.only),
            server: credentials.serverConfiguration {
                $0.certificateChainPEM = Array(server.chainPEM.utf8)
                $0.privateKeyPEM = Array(server.privateKeyPEM.utf8)
            })
        try pair.handshake()
        #expect(pair.client.error?.code == .expired)
        #expect(pair.client.error?.alertSent == .certificateExpired)
    }
}

internal import FleetPolicy
internal import MQTTCodec
internal import NIOConcurrencyHelpers
internal import NIOMbedTLS
internal import Testing

@testable internal import Gateway

/// Gives one answer, and remembers what it was asked.
private final class FixedAuthority: AdmissionAuthority {
    private let verdict: AdmissionVerdict
    private let questions = NIOLockedValueBox<[AdmissionRequest]>([])

    init(_ verdict: AdmissionVerdict) { self.verdict = verdict }

    var asked: [AdmissionRequest] { self.questions.withLockedValue { $0 } }

    func admit(_ request: AdmissionRequest) async -> AdmissionVerdict {
        self.questions.withLockedValue { $0.append(request) }
        return self.verdict
    }
}

/// What is asked of an OCSP responder, and what becomes of the answer.
@Suite("the question about revocation on a running gateway")
struct RevocationQuestionTests {
    private static func trust(_ rule: TrustAnchorRules.OCSPRule, anchor: PeerCertificate) -> TrustSnapshot {
        TrustSnapshot(anchors: [anchor.sha256Fingerprint: TrustAnchorRules(name: "fleet", ocsp: rule)])
    }

    /// What a device under a CA gets, and what the authority was asked.
    private func connack(
        _ rule: TrustAnchorRules.OCSPRule, _ verdict: AdmissionVerdict?, of issuer: TestAuthorities.Issuer = .north
    ) async throws -> (connack: TestDevice.Event?, asked: [AdmissionRequest]) {
        let authorities = try TestAuthorities.get()
        let root = try TestAuthorities.certificate(of: authorities.root)
        let authority = verdict.map { FixedAuthority($0) }
        let connack = try await GatewayBench.with(trust: Self.trust(rule, anchor: root), authority: authority) {
            bench in
            let device = try await bench.connect(authorities.device(1, of: issuer))
            #expect(await device.next() == .handshaken(isResumed: false))
            return await device.next()
        }
        return (connack, authority?.asked ?? [])
    }

    @Test(
        "the question names the certificate, its issuer and the rule", arguments: [TestAuthorities.Issuer.north, .root])
    func question(of issuer: TestAuthorities.Issuer) async throws {
        let authorities = try TestAuthorities.get()
        let (connack, asked) = try await self.connack(.hardFail, .admitted, of: issuer)
        #expect(connack == .connack(.success))
        let request = try #require(asked.first)
        #expect(asked.count == 1)
        let question = try #require(request.revocation)
        let expected = try TestAuthorities.certificate(of: issuer == .north ? authorities.north : authorities.root)
        #expect(question.issuer == expected.der)
        #expect(question.rule == .hardFail)
        #expect(question.certificate.issuer.bytes == expected.authorityID)
        #expect(question.certificate.serialNumber == Array(request.certificate.serialNumber.drop { $0 == 0 }))
        let root = try TestAuthorities.certificate(of: authorities.root)
        #expect(question.trustAnchorSHA256 == root.sha256Fingerprint)
        #expect(request.password == nil && request.registration == nil && request.secondFactor == nil)
    }

    @Test("each verdict is told in CONNACK")
    func verdicts() async throws {
        let cases: [(AdmissionVerdict, MQTTReasonCode)] = [
            (.admitted, .success), (.refused(code: "certificate-revoked", detail: ""), .notAuthorized),
            (.refused(code: "revocation-unknown", detail: ""), .serverUnavailable),
            (.unavailable(detail: ""), .serverUnavailable),
        ]
        for (verdict, code) in cases {
            #expect(try await self.connack(.softFail, verdict).connack == .connack(code), "\(verdict)")
        }
    }

    @Test("with nobody to ask, only the rule that forgives lets in")
    func nobody() async throws {
        #expect(try await self.connack(.off, nil).connack == .connack(.success))
        #expect(try await self.connack(.softFail, nil).connack == .connack(.success))
        #expect(try await self.connack(.hardFail, nil).connack == .connack(.serverUnavailable))
    }

    @Test("nobody is asked where the rule is off, or another anchor's")
    func notAsked() async throws {
        #expect(try await self.connack(.off, .unavailable(detail: "")).asked.isEmpty)
        let other = try await self.connack(.hardFail, .unavailable(detail: ""), of: .otherRoot)
        #expect(other.connack == .connack(.success))
        #expect(other.asked.isEmpty)
    }

    @Test("a resumed session is asked about too")
    func resumed() async throws {
        let authorities = try TestAuthorities.get()
        let root = try TestAuthorities.certificate(of: authorities.root)
        let authority = FixedAuthority(.admitted)
        try await GatewayBench.with(
            trust: Self.trust(.hardFail, anchor: root), ticketKeys: [TLSTicketKey()], authority: authority,
            eventLoops: 1
        ) { bench in
            let identity = try authorities.device(1)
            let device = try await bench.establish(identity)
            let session = try #require(device.session)
            _ = try await bench.establish(identity, session: session, isResumed: true)
        }
        let asked = authority.asked
        #expect(asked.count == 2)
        #expect(asked.first?.revocation == asked.last?.revocation)
        #expect(asked.last?.certificate.isWhole == false)
    }
}

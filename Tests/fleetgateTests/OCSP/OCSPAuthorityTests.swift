import FleetPKI
import FleetPolicy
import Gateway
import Logging
import NIOMbedTLS
import Testing

@testable import fleetgate

@Suite struct OCSPAuthorityTests {
    /// Says by its code that it was asked.
    private struct Next: AdmissionAuthority {
        func admit(_ request: AdmissionRequest) async -> AdmissionVerdict { .refused(code: "next", detail: "") }
    }

    private func verdict(
        _ bench: OCSPBench, rule: TrustAnchorRules.OCSPRule, asks: Bool = true
    ) async throws -> AdmissionVerdict {
        let leaf = try bench.leaf()
        let authority = OCSPAuthority(
            client: bench.client, next: Next(), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        return await authority.admit(
            AdmissionRequest(
                device: DeviceKey(tenant: "default", deviceID: "meter-1"), registration: nil, secondFactor: nil,
                password: nil, certificate: try PeerCertificate(parsing: leaf.certificateDER),
                remoteAddress: "127.0.0.1:1", revocation: asks ? bench.question(leaf, rule: rule) : nil))
    }

    private let next = AdmissionVerdict.refused(code: "next", detail: "")

    @Test(arguments: [TrustAnchorRules.OCSPRule.softFail, .hardFail])
    func judges(_ rule: TrustAnchorRules.OCSPRule) async throws {
        let bench = try await OCSPBench(policy: rule)
        #expect(try await verdict(bench, rule: rule) == next)
        await bench.responder.does(.status(.revoked(at: 0, reason: 1), life: 600))
        #expect(
            try await verdict(bench, rule: rule)
                == .refused(
                    code: "certificate-revoked",
                    detail: "revoked at 1970-01-01T00:00:00Z, says the OCSP responder: keyCompromise"))
        await bench.responder.does(.status(.unknown, life: 600))
        #expect(
            try await verdict(bench, rule: rule)
                == .refused(
                    code: "revocation-unknown", detail: "the OCSP responder does not know the certificate"))
    }

    @Test func letsInUnderSoftFailAndNotUnderHardFail() async throws {
        for act: ScriptedResponder.Act in [
            .fails(.timedOut), .bytes([]), .bytes(OCSPResponseTemplate.failure(status: 3)),
            .bytes(OCSPResponseTemplate.failure(status: 6)),
        ] {
            let bench = try await OCSPBench()
            await bench.responder.does(act)
            #expect(try await verdict(bench, rule: .softFail) == next)
            guard case .refused(let code, let detail) = try await verdict(bench, rule: .hardFail) else {
                Issue.record("let in")
                return
            }
            #expect(code == "revocation-unknown")
            #expect(detail.contains("no answer by OCSP"))
        }
    }

    @Test func asksOnlyWhereItShould() async throws {
        let bench = try await OCSPBench()
        #expect(try await verdict(bench, rule: .hardFail, asks: false) == next)
        #expect(try await verdict(bench, rule: .off) == next)
        #expect(await bench.responder.requests.isEmpty)
    }
}

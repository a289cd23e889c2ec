import ArgumentParser
import FleetPKI
import NIOCore
import Testing

@testable import FirmwareSim

/// `firmware-sim handshake` against a server.
@Suite struct HandshakeRunTests {
    typealias Setting = LoadRunTests.Setting

    private func handshakes(
        port: Int, tls: String, resume: String = "never", duration: TimeAmount? = nil
    ) throws -> RunPlan {
        let command = try #require(
            try HandshakeCommand.parseAsRoot([
                "--target", "127.0.0.1:\(port)", "--server-name", "localhost", "--ca", "x", "--issuer", "x",
                "--issuer-key", "x", "--devices", "5", "--loops", "2", "--concurrency", "3", "--tls", tls,
                "--resume", resume,
            ]) as? HandshakeCommand)
        var plan = try command.plan(seed: 1)
        plan.mode = .handshakeOnly(duration: duration)
        return plan
    }

    @Test(arguments: LoadRunTests.tlsVersions)
    func handshakesAloneAreCounted(tls: String) async throws {
        let setting = try Setting()
        try await setting.withServer(.serve) { server in
            let report = try await setting.run(handshakes(port: server.port, tls: tls, duration: .hours(1))) {
                $0.counters.handshakes >= 20
            }
            #expect(report.verdict.passed, "\(report.verdict.shortcomings) \(report.failures)")
            #expect(report.handshakes.completed >= 20)
            #expect(report.handshakes.resumed == 0)
            #expect(report.handshakes.fullPerSecond > 0)
            #expect(report.handshakes.fullPerSecond == report.handshakes.perSecond)
            #expect(report.handshakes.bytesPerFull > 1_000 && report.handshakes.bytesPerResumed == 0)
            #expect(report.devices.connected == 5)
            #expect(report.connack.isEmpty && report.milestones.isEmpty && report.latency["connack"] == nil)
            #expect(report.latency["tls"]?.count == UInt64(report.handshakes.completed))
        }
    }

    @Test(arguments: LoadRunTests.tlsVersions)
    func handshakesThatTheServerRefusesFailTheRun(tls: String) async throws {
        let setting = try Setting()
        try await setting.withServer(.serve) { server in
            let report = try await setting.run(
                handshakes(port: server.port, tls: tls),
                issuer: CertificateAuthority.makeDevelopmentRoot(commonName: "Another CA"))
            #expect(!report.verdict.passed, "with TLS 1.3 they are over for the device before the server judges")
            #expect(report.verdict.shortcomings == ["5 of 5 devices never finished a handshake that the server took"])
            #expect(report.failures == [.init(phase: "tls", reason: "alert-unknown-ca", count: 5)])
        }
    }
}

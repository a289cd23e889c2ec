import FleetPKI
import Foundation
import TestKit
import Testing

/// What somebody at a bench sees: mosquitto's own client with a certificate that is not taken.
@Suite("Refusals as mosquitto_pub shows them", .serialized)
struct MosquittoRefusalTests {
    @Test(
        "The alert is in what mosquitto_pub prints", arguments: MQTTBytes.Version.allCases)
    func printsTheAlert(_ version: MQTTBytes.Version) async throws {
        let client = try #require(Program.installed("mosquitto_pub"), "mosquitto-clients is not installed")
        let gate = try await FleetGateProcess.start()
        let stranger = try TestAuthority.root("Stranger")
        let middle = try TestAuthority.below(gate.authority, "Middle")
        // mosquitto_pub's own option says what is the least, not the most.
        let atMost12 = try gate.directory.write(
            "openssl.cnf",
            """
            openssl_conf = all
            [all]
            ssl_conf = ssl
            [ssl]
            system_default = versions
            [versions]
            MaxProtocol = TLSv1.2
            """)
        func publish(
            _ issued: IssuedCertificate, above: String = "", environment: [String: String] = [:]
        ) async throws -> RunningProcess.Outcome {
            let name = UUID().uuidString
            let options = [
                "-h", "127.0.0.1", "-p", "\(gate.port)", "-V", version.mosquittoName, "--cafile", gate.caPath, "--cert",
                try gate.directory.write(name + ".pem", issued.certificatePEM + above), "--key",
                try gate.directory.write(name + ".key", issued.privateKeyPEM), "-d", "-q", "1", "-t",
                "meters/hamburg-nord/meter-1/telemetry", "-m", "1",
            ]
            return try await Program.run(client, options, environment: environment)
        }
        let good = try await publish(middle.meter(1), above: middle.certificatePEM)
        #expect(good.status == 0, "\(good.everything)")
        let cases: [(IssuedCertificate, reason: String, alert: String)] = [
            (try stranger.meter(1), "unknown-ca", "unknown ca"),
            (try middle.meter(1), "unknown-ca", "unknown ca"),
            (try gate.authority.meter(1) { $0.notAfter = Date() - 60 }, "expired", "certificate expired"),
            (
                try gate.authority.meter(1) { $0.purpose = .server }, "wrong-extended-key-usage",
                "unsupported certificate"
            ),
            (
                try gate.authority.issue(CertificateTemplate(subject: [("CN", "x")])), "no-matching-profile",
                "access denied"
            ),
        ]
        for (issued, reason, alert) in cases {
            let outcome = try await publish(issued, environment: ["OPENSSL_CONF": atMost12])
            #expect(outcome.status != 0 && outcome.everything.contains(alert), "\(reason): \(outcome.everything)")
            let entry = try await gate.logEntry(nil, ["serial": issued.serialNumber])
            #expect(entry["reason"] == reason, "\(entry)")
            // In TLS 1.3 it has sent CONNECT before it hears of the refusal, and then says "Protocol error" or the alert.
            #expect(try await publish(issued).status != 0, "\(reason)")
            try await gate.logEntry(nil, ["serial": issued.serialNumber, "reason": reason], count: 2)
        }
        let metrics = try await gate.metrics()
        #expect(metrics.sum("fleetgate_handshakes_total", ["outcome": "accepted"]) == 1)
        #expect(metrics.sum("fleetgate_handshakes_total", ["outcome": "refused"]) == 2 * cases.count)
    }
}

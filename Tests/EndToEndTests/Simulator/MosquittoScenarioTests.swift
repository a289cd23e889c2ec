import Foundation
import TestKit
import Testing

/// The simulator, unchanged, against a broker that is not ours.
@Suite(
    "Scenarios against a plain mosquitto",
    .enabled(if: PlainMosquitto.isInstalled, "no mosquitto is installed (Debian package mosquitto)"))
struct MosquittoScenarioTests {
    /// What a mosquitto without rules by device can refuse: certificates, garbage, packets that are too large.
    private static let hostileMix = """
        name: hostile-mix-of-a-plain-broker
        summary: Bad certificates and garbage beside honest devices.
        mqtt: "5"
        connect-timeout: 20s
        firmware:
          honest:
            telemetry: [{ period: 200ms, jitter: 20%, payload-bytes: 120 }]
          intruder:
            telemetry: [{ period: 1s, payload-bytes: 64 }]
            back-off: full-jitter:500ms,2s
        defaults: { firmware: intruder }
        fleets:
          - { name: meters, count: 6, firmware: honest }
          - { name: expired, count: 2, credential: expired, expect: { refused: ["*/alert-certificate-expired"] } }
          - { name: early, count: 2, credential: not-yet-valid, expect: { refused: ["*/alert-bad-certificate"] } }
          - { name: revoked, count: 2, credential: revoked, expect: { refused: ["*/alert-certificate-revoked"] } }
          - { name: strangers, count: 2, credential: wrong-ca, expect: { refused: ["*/alert-unknown-ca", "*/alert-decrypt-error"] } }
          - { name: servers, count: 2, credential: wrong-eku, expect: { refused: ["*/alert-unsupported-certificate"] } }
          - { name: hermits, count: 2, credential: self-signed, expect: { refused: ["*/alert-unknown-ca"] } }
          - { name: naked, count: 2, credential: none, expect: { refused: ["*/alert-certificate-required", "tls/alert-handshake-failure"] } }
          - { name: noise, count: 2, conduct: garbage, expect: { refused: [tls/eof, tls/tcp-reset, "tls/alert-*"] } }
          - name: flooders
            count: 2
            conduct: { kind: oversized-packet, packet-bytes: 200000 }
            expect: { refused: [session/disconnect-149, session/puback-149, session/eof, session/tcp-reset] }
        stages:
          - { name: calm, duration: 2s, actions: [{ do: start, fleets: [meters] }] }
          - name: attack
            duration: 9s
            actions:
              - do: start
                fleets: [expired, early, revoked, strangers, servers, hermits, naked, noise, flooders]
        assertions: [unexpected == 0, connected of meters == 100%, failures of meters == 0]

        """

    @Test("A hostile mix: each is refused for its reason", arguments: ["1.2", "newest"])
    func hostileMix(tls: String) async throws {
        let pki = try await SimulatorFolder(revoked: ["name=revoked;count=2"])
        let mosquitto = try await PlainMosquitto(pki)
        let file = try pki.directory.write("hostile.yaml", Self.hostileMix)
        let result = try await pki.run(scenario: file, port: mosquitto.port, options: ["--tls", tls])
        for fleet in result.report.fleets {
            #expect(
                fleet.expectation?.met == fleet.devices,
                "\(fleet.name): \(fleet.expectation?.violated ?? [:]), never connected: \(fleet.neverConnected)")
        }
        for assertion in result.report.assertions {
            #expect(assertion.passed, "\(assertion.text): \(assertion.observed)")
        }
        #expect(result.report.verdict.shortcomings.isEmpty)
        if result.report.verdict.isValid { #expect(result.status == 0, "\(result.everything)") }
        #expect(result.report.fleet("meters")?.connected == 6)
    }

    @Test("Whoever gets in that must not fails the run")
    func anIntruderThatGetsIn() async throws {
        // This list is read before the devices' certificates are made and revoked: the broker cannot know of them.
        let pki = try await SimulatorFolder()
        let mosquitto = try await PlainMosquitto(pki)
        let file = try pki.directory.write("hostile.yaml", Self.hostileMix)
        let result = try await pki.run(scenario: file, port: mosquitto.port)
        #expect(result.status == 1)
        #expect(!result.report.verdict.passed)
        let revoked = try #require(result.report.fleet("revoked"))
        #expect(revoked.connected == 2)
        #expect(revoked.expectation?.violated == ["accepted": 2])
        #expect(result.report.assertions.first { $0.text == "unexpected == 0" }?.passed == false)
    }

    @Test("A refusal for another reason than expected fails the run")
    func theWrongReason() async throws {
        let pki = try await SimulatorFolder(revoked: ["name=revoked;count=2"])
        let mosquitto = try await PlainMosquitto(pki)
        let file = try pki.directory.write(
            "hostile.yaml",
            Self.hostileMix.replacingOccurrences(of: "alert-certificate-revoked", with: "alert-certificate-expired"))
        let result = try await pki.run(scenario: file, port: mosquitto.port)
        #expect(result.status == 1)
        let revoked = try #require(result.report.fleet("revoked")?.expectation)
        #expect(revoked.met == 0)
        #expect(revoked.violated.keys.allSatisfy { $0.hasSuffix("/alert-certificate-revoked") }, "\(revoked.violated)")
        #expect(result.report.fleet("expired")?.expectation?.violated == [:])
    }

    @Test("A mixed fleet: classes, commands through the broker, an update, sleep, new certificates")
    func mixedFleet() async throws {
        let pki = try await SimulatorFolder()
        let mosquitto = try await PlainMosquitto(pki)
        let result = try await pki.run(
            scenario: "mixed-fleet", port: mosquitto.port,
            options: [
                "--scale", "0.05", "--time-scale", "0.05", "--server-pid", "\(mosquitto.broker.process.processID)",
            ])
        let report = result.report
        #expect(report.devices.connected == report.devices.planned)
        #expect(report.failures.isEmpty, "\(report.failures)")
        #expect(report.commands.sent > 0)
        #expect(report.commands.answered > 0)
        #expect((report.fleet("plugs")?.received ?? 0) > 0)
        for assertion in report.assertions where !assertion.isTimed {
            #expect(assertion.passed, "\(assertion.text): \(assertion.observed)")
        }
    }
}

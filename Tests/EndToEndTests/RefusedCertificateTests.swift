import FleetPKI
import Foundation
import TestKit
import Testing

/// Devices that must not get in: each is refused in its handshake, for the reason that is counted and logged.
@Suite("Refused certificates", .serialized)
struct RefusedCertificateTests {
    private static let meter = DeviceName.meter("4711")

    /// Rules of trust anchors, chains and lists are in `Trust`; these are what `init` writes.
    @Test("A certificate is refused with its reason, by a gateway as init makes it")
    func refused() async throws {
        let gate = try await FleetGateProcess.start()
        var trial = ChainTrial(gate)
        func files(
            _ subject: [(String, String)] = Self.meter, from begin: TimeInterval = -3_600, to end: TimeInterval = 3_600
        ) throws -> ChainFiles {
            let template = CertificateTemplate(
                subject: subject, notBefore: Date(timeIntervalSinceNow: begin),
                notAfter: Date(timeIntervalSinceNow: end))
            return try ChainFiles(gate.authority.issue(template), in: gate.directory)
        }
        let noProfile = ChainTrial.Refusal("no-matching-profile", alert: "access denied", hint: "fleetgate explain")
        try await trial.admits("good", files())
        try await trial.refuses(
            "expired a minute ago", files(to: -60),
            .init("expired", alert: "certificate expired", hint: "the certificate expired"))
        try await trial.refuses(
            "valid in a minute", files(from: 60),
            .init("not-yet-valid", alert: "certificate expired", hint: "the certificate is not yet valid, by "))
        try await trial.refuses("no profile", files([("O", "Somebody"), ("CN", "thing")]), noProfile)
        try await trial.refuses("a slash in the name", files(DeviceName.meter("47/11")), noProfile)
        try await trial.refuses("a wildcard for a name", files(DeviceName.buildingGateway("#")), noProfile)
        try await trial.ends()
        try await gate.letsAGoodDeviceIn()
    }

    @Test("A name that would widen the device's topics is refused as a device id")
    func badDeviceID() async throws {
        let profile = """
            profile: loose
            match: { subject: { O: "Loose", CN: "{name}" } }
            device: "{name}"
            publish:
              - topic: "loose/{device}/#"
            """
        let gate = try await FleetGateProcess.start(files: ["profiles/loose.yaml": profile])
        for name in ["#", "+", "a/b", "$SYS"] {
            let start = gate.process.lines.count
            let device = try gate.credentials([("O", "Loose"), ("CN", name)])
            let outcome = try await DeviceConnection(to: gate, as: device).ended()
            #expect(outcome.standardError.contains("access denied"), "\(outcome.standardError)")
            try await gate.logEntry("certificate refused by the profiles", ["reason": "bad-device-id"], from: start)
        }
        #expect(try await gate.metrics().refusedHandshakes("bad-device-id") == 4)
    }

    @Test("Without a certificate", arguments: ["-tls1_2", "-tls1_3"])
    func noCertificate(tls: String) async throws {
        let gate = try await FleetGateProcess.start()
        let outcome = try await DeviceConnection(to: gate, as: nil, arguments: [tls]).ended()
        #expect(outcome.standardOutput.isEmpty)
        #expect(outcome.standardError.contains("alert"), "\(outcome.standardError)")
        try await gate.logEntry("handshake failed", ["fault": "peer"])
        #expect(try await gate.metrics().sum("fleetgate_sessions") == 0)
        try await gate.letsAGoodDeviceIn()
    }

    @Test("With another application protocol")
    func otherALPN() async throws {
        let gate = try await FleetGateProcess.start()
        let meter = try gate.credentials(Self.meter)
        let outcome = try await DeviceConnection(to: gate, as: meter, alpn: "h2").ended()
        #expect(outcome.standardError.contains("no application protocol"), "\(outcome.standardError)")
        try await gate.logEntry("handshake failed", ["reason": "no-shared-alpn"])
        #expect(try await gate.metrics().refusedHandshakes("no-shared-alpn") == 1)
    }

    @Test("A version of TLS that is too old")
    func oldTLS() async throws {
        let gate = try await FleetGateProcess.start()
        let meter = try gate.credentials(Self.meter)
        let arguments = ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"]
        _ = try await DeviceConnection(to: gate, as: meter, arguments: arguments).ended()
        try await gate.logEntry("handshake failed", ["reason": "no-shared-version"])
        #expect(try await gate.metrics().refusedHandshakes("no-shared-version") == 1)
    }
}

extension FleetGateProcess {
    /// Whatever happened before: the process lives, a good device still gets in, and the counts are sane.
    func letsAGoodDeviceIn(_ location: SourceLocation = #_sourceLocation) async throws {
        let accepted = try await self.metrics().sum("fleetgate_handshakes_total", ["outcome": "accepted"])
        let start = self.process.lines.count
        let device = try DeviceConnection(to: self, as: self.credentials(DeviceName.meter("999")))
        let connack = try await device.connect(MQTTBytes.connect(.v3_1_1))
        #expect(connack == [0x20, 2, 0, 0], sourceLocation: location)
        try device.send(MQTTBytes.disconnect)
        try await device.ended()
        try await self.logEntry(
            "session ended", ["device": "meter-999", "reason": "device-disconnected"], from: start
        )
        let metrics = try await self.metrics()
        #expect(
            metrics.sum("fleetgate_handshakes_total", ["outcome": "accepted"]) == accepted + 1, sourceLocation: location
        )
        #expect(metrics.values.values.allSatisfy { $0.isFinite && $0 >= 0 }, sourceLocation: location)
        #expect(self.process.isRunning, sourceLocation: location)
    }
}

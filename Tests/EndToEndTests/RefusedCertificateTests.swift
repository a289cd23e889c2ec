import FleetPKI
import Foundation
import TestKit
import Testing

/// Devices that must not get in: each is refused in its handshake, for the reason that is counted and logged.
@Suite("Refused certificates", .serialized)
struct RefusedCertificateTests {
    /// A certificate the gateway refuses, and the reason it has to give.
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let reason: String
        /// What OpenSSL calls the alert.
        let alert: String
        let template: CertificateTemplate
        var isFromOtherCA = false
    }

    private static let meter = DeviceName.meter("4711")

    static let cases: [Case] = [
        Case(
            testDescription: "another CA", reason: "unknown-ca", alert: "unknown ca",
            template: CertificateTemplate(subject: meter), isFromOtherCA: true
        ),
        Case(
            testDescription: "expired", reason: "expired", alert: "certificate expired",
            template: CertificateTemplate(
                subject: meter, notBefore: Date(timeIntervalSinceNow: -7_200),
                notAfter: Date(timeIntervalSinceNow: -3_600)
            )
        ),
        Case(
            testDescription: "not yet valid", reason: "not-yet-valid", alert: "certificate expired",
            template: CertificateTemplate(
                subject: meter, notBefore: Date(timeIntervalSinceNow: 3_600),
                notAfter: Date(timeIntervalSinceNow: 7_200)
            )
        ),
        Case(
            testDescription: "for servers only", reason: "wrong-extended-key-usage", alert: "unsupported certificate",
            template: CertificateTemplate(subject: meter, purpose: .server)
        ),
        Case(
            testDescription: "for no purpose", reason: "wrong-extended-key-usage", alert: "unsupported certificate",
            template: CertificateTemplate(subject: meter, purpose: .none)
        ),
        Case(
            testDescription: "not for signatures", reason: "wrong-key-usage", alert: "unsupported certificate",
            template: CertificateTemplate(subject: meter, keyUsage: [.keyAgreement])
        ),
        Case(
            testDescription: "a CA's", reason: "leaf-is-ca", alert: "unsupported certificate",
            template: CertificateTemplate(subject: meter, isCA: true, maxPathLength: 0)
        ),
        Case(
            testDescription: "an unknown critical extension", reason: "certificate-unparsable",
            alert: "bad certificate",
            template: CertificateTemplate(subject: meter, additionalExtensions: [.unknownCritical])
        ),
        Case(
            testDescription: "no profile", reason: "no-matching-profile", alert: "access denied",
            template: CertificateTemplate(subject: [("O", "Somebody"), ("CN", "thing")])
        ),
        Case(
            testDescription: "a slash in the name", reason: "no-matching-profile", alert: "access denied",
            template: CertificateTemplate(subject: DeviceName.meter("47/11"))
        ),
        Case(
            testDescription: "a wildcard for a name", reason: "no-matching-profile", alert: "access denied",
            template: CertificateTemplate(subject: DeviceName.buildingGateway("#"))
        ),
    ]

    @Test("A certificate is refused with its reason", arguments: cases)
    func refused(_ item: Case) async throws {
        let gate = try await FleetGateProcess.start()
        let authority =
            item.isFromOtherCA ? try CertificateAuthority.makeDevelopmentRoot(commonName: "Other") : gate.authority
        let device = try DeviceCredentials(authority.issue(item.template), in: gate.directory)
        let client = try DeviceConnection(to: gate, as: device)
        let outcome = try await client.ended()
        #expect(outcome.standardOutput.isEmpty)
        #expect(outcome.standardError.contains(item.alert), "\(outcome.standardError)")

        let isPolicy = item.reason == "no-matching-profile"
        let entry = try await gate.logEntry(
            isPolicy ? "certificate refused by the profiles" : "handshake failed",
            ["reason": item.reason]
        )
        // A certificate that cannot be parsed has no names to log; what it is can be told from its fingerprint.
        #expect(entry["fingerprint"] == device.issued.sha256Fingerprint)
        if item.reason != "certificate-unparsable" {
            #expect(entry["serial"] == device.issued.serialNumber)
            #expect(entry["subject"]?.contains("CN=") == true)
            #expect(entry["issuer"]?.contains("CN=") == true)
        }
        #expect(entry["client"]?.contains("127.0.0.1") == true)
        let metrics = try await gate.metrics()
        #expect(metrics.refusedHandshakes(item.reason) == 1)
        #expect(metrics.sum("fleetgate_handshakes_total") == 1)
        #expect(metrics.sum("fleetgate_sessions") == 0)
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
